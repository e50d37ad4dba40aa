"""All the hostile texts at once, sent to a real server: run, listed, followed and shown as they were sent."""

import json
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from executions.models import Execution
from tests.api.house import House
from tests.config.servers import Reply, Server
from tests.executions.programs.children import eventually
from tests.hostile.strings import ALL, REPRESENTATIVES, STRINGS
from tests.stream.conftest import streaming
from tests.stream.sse import followed
from workflows.documents import Json
from workflows.models import Workflow
from workspaces import tokens
from workspaces.models import Notification, Scope, Task

pytestmark = pytest.mark.django_db(transaction=True)

SCRIPTS = ("<script>alert(1)</script>", "<img src=x", "<svg/onload")


class Ada:
    """The owner, who speaks to the server by a token."""

    def __init__(self, server: Server, house: House) -> None:
        self.server, self.base = server, f"/api/{house.path}"
        _, token = tokens.issue(user=house.people["owner"], name="test", scopes=Scope.values)
        self.headers = {"Authorization": f"Bearer {token}"}

    def ask(self, method: str, path: str, body: Json = None, **query: str) -> Reply:
        whole = f"{self.base}/{path}?{urlencode(query)}" if query else f"{self.base}/{path}"
        return self.server.ask(method, whole, None if body is None else json.dumps(body), **self.headers)

    def get(self, path: str, **query: str) -> Any:
        reply = self.ask("GET", path, **query)
        assert reply.status == 200, (path, query, reply.body)
        return reply.body

    def pages(self, path: str, key: str) -> Iterator[Any]:
        """Every row of a list, page by page."""
        number, rows = 0, [None]
        while rows:
            number += 1
            rows = self.get(path, page=str(number), limit="100")[key]
            yield from rows


@pytest.fixture
def ada(settings: Any) -> Iterator[Ada]:
    with streaming(EXECUTOR_THREADS=2) as server:
        yield Ada(server, House())


def workflow_of(kind: str, texts: list[Any]) -> dict[str, Any]:
    """The texts in each place that takes any; a name is a line that isn't empty, so it has some around them."""
    title = "{{ trigger.texts[0] }}" + " of {{ trigger.kind }}"
    return {
        "name": f"{kind} {texts[0][:100]} ends",
        "description": "\n".join(texts),
        "status": "ACTIVE",
        "trigger": {"type": "manual", "texts": texts},
        "variables": {"texts": texts, **{text[:200]: 1 for text in texts if text}},
        "tags": texts,
        "metadata": {text: text for text in texts},
        "actions": [
            {
                "type": "create_task",
                "name": f"{texts[0][:150]}.",
                "conditions": {"field": "trigger.texts", "operator": "equals", "value": "{{ trigger.texts }}"},
                "config": {
                    "title": title[: None if len(texts[0]) < 150 else 0] or "long",
                    "description": "{{ trigger.first }}",
                },
            },
            {
                "type": "send_notification",
                "config": {"recipient": "owner-of-sales", "message": "m {{ trigger.texts[0] }}"},
            },
        ],
    }


def sent(ada: Ada) -> dict[str, tuple[Any, Any]]:
    """Of each kind the workflow as it was sent, and its execution as it was answered."""
    found = {}
    for kind, texts in cast(dict[str, list[Json]], STRINGS).items():
        body: dict[str, Any] = workflow_of(kind, texts)
        created = ada.ask("POST", "workflows", body)
        assert created.status == 201, (kind, created.body)
        trigger: Json = {"texts": texts, "kind": kind, "first": texts[0], "keys": {str(text): text for text in texts}}
        begun = ada.ask("POST", f"workflows/{created.body['workflow']['id']}/execute", {"triggerData": trigger})
        assert begun.status == 202, (kind, begun.body)
        found[kind] = {**body, "id": created.body["workflow"]["id"]}, begun.body["execution"] | {"triggerData": trigger}
    eventually(lambda: not Execution.objects.unfinished().exists(), seconds=60)
    return found


def check_workflow(ada: Ada, body: dict[str, Any], read: dict[str, Any]) -> None:
    for field in ("name", "description", "trigger", "variables", "tags", "metadata"):
        assert json.dumps(read[field]) == json.dumps(body[field]), field
    actions = [
        {key: action[key] for key in wanted} for action, wanted in zip(read["actions"], body["actions"], strict=True)
    ]
    assert actions == body["actions"]
    assert ada.get(f"workflows/{read['id']}")["workflow"] == read


def check_execution(ada: Ada, body: dict[str, Any], execution: dict[str, Any]) -> None:
    read = ada.get(f"workflows/executions/{execution['id']}")["execution"]
    assert read["status"] == "COMPLETED", read
    assert json.dumps(read["triggerData"]) == json.dumps(execution["triggerData"])
    assert read["steps"][0]["input"]["description"] == execution["triggerData"]["first"]
    events = followed(ada.server, f"{ada.base}/workflows/executions/{execution['id']}/stream", **ada.headers)
    steps = [event.data for event in events if event.kind == "step" and event.data["status"] == "success"]
    assert json.dumps(steps) == json.dumps(read["steps"])
    for history in ("history", "executions"):
        assert ada.get(f"workflows/{body['id']}/{history}")["executions"][0]["id"] == execution["id"]


def test_what_was_sent_is_read_everywhere_as_it_was_sent(ada: Ada) -> None:
    found = sent(ada)
    workflows = {each["id"]: each for each in ada.pages("workflows", "workflows")}

    for body, execution in found.values():
        check_workflow(ada, body, workflows[body["id"]])
        check_execution(ada, body, execution)
    assert len([*ada.pages("tasks", "tasks")]) == len([*ada.pages("notifications", "notifications")]) == len(found)
    assert set(Task.objects.values_list("description", flat=True)) == {texts[0] for texts in STRINGS.values()}
    check_search(ada)
    check_admin()


def check_search(ada: Ada) -> None:
    """Whoever looks for a text finds the workflow whose name or description has it."""
    for text in ALL:
        if text.strip() and len(text) <= 100 and "," not in text:
            assert ada.get("workflows", search=text)["workflows"], text
            tagged = ada.get("workflows", tags=text)["workflows"]
            assert any(text in each["tags"] for each in tagged) or text != text.strip(), text


def check_admin() -> None:
    """Its pages are read too, and no text becomes a part of them."""
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    pages = [reverse(f"admin:{name}_changelist") for name in ("workflows_workflow", "executions_execution")]
    pages += [reverse(f"admin:workspaces_{name}_changelist") for name in ("task", "notification")]
    for model in (Workflow, Execution, Task, Notification):
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
        pages += [reverse(name, args=[key]) for key in model._default_manager.values_list("pk", flat=True)]
    for page in pages:
        answer = client.get(page)
        assert answer.status_code == 200, page
        html = answer.content.decode()
        assert not [script for script in SCRIPTS if script in html], page


@pytest.mark.parametrize("address", ["admin:workflows_workflow_changelist", "admin:executions_execution_changelist"])
def test_a_search_in_the_admin_for_any_text_is_answered(address: str) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    for kind, text in REPRESENTATIVES.items():
        query = urlencode({"q": text}, errors="surrogatepass")
        assert client.get(f"{reverse(address)}?{query}").status_code in (200, 302), kind
