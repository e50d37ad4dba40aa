"""What the page's script lives on: the parts that it asks for again. And that what they hold is shown as text."""

from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client

from executions import services
from executions.engine import journal, runner
from executions.models import Execution
from executions.stream.passes import Holder
from tests.admin import pages
from tests.admin.conftest import SignIn
from tests.admin.pages import attribute, source
from tests.executions.scenes import ran, steps
from tests.factories import MembershipFactory, UserFactory, WorkflowFactory, WorkspaceFactory, definition
from workflows.documents import Json
from workspaces.models import Notification, Role, Task

pytestmark = pytest.mark.django_db(transaction=True)

XSS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "</title><script>alert(1)</script>",
    "</pre></details><iframe src=javascript:alert(1)>",
    "{{ ''.constructor.constructor('alert(1)')() }}",
    "{% load static %}",
    "javascript:alert(1)",
    "--><b onclick=alert(1)>",
    "\u2028<a href='javascript:alert(1)'>x</a>",
)
LEAST_OFTEN = 12
"""It stands in names, bars, documents, errors, tasks and notifications."""
PARTS = ('id="status"', 'id="timeline"', 'id="steps"', 'id="made"')


def later(execution: Execution) -> None:
    """It goes on, as if its wait were over."""
    Execution.objects.filter(pk=execution.pk).update(wake_at=execution.created_at)
    for step in steps(execution):
        type(step).objects.filter(pk=step.pk, status="running").update(wait_until=execution.created_at)
    claim = journal.claim(execution.pk)
    assert claim
    runner.run(claim)


# What is asked for again


def test_a_fragment_has_the_parts_and_no_page_around_them(admin_client: Client) -> None:
    fragment = source(admin_client, pages.waiting(), fragment=1)

    assert all(part in fragment for part in PARTS)
    assert "<html" not in fragment
    assert "<script" not in fragment


def test_of_the_steps_it_has_those_that_changed_since_and_those_that_have_yet_to_run(admin_client: Client) -> None:
    execution = pages.waiting()
    before = int(attribute(source(admin_client, execution), "data-position"))
    assert 'data-step="0"' in source(admin_client, execution, fragment=1, since=0)

    later(execution)

    fragment = source(admin_client, execution, fragment=1, since=before)
    assert [f'data-step="{number}"' in fragment for number in range(3)] == [False, True, True]
    assert attribute(fragment, "data-title").startswith("✔ Completed")
    assert "data-ended" in fragment
    assert int(attribute(fragment, "data-position")) > before


@pytest.mark.parametrize("since", ["", "-1", "x", "9" * 40, "1.5", "²"])
def test_a_position_that_is_none_is_the_beginning(admin_client: Client, since: str) -> None:
    assert 'data-step="0"' in source(admin_client, ran({"type": "test_number"}), fragment=1, since=since)


def test_a_fragment_leaves_the_messages_to_the_page(admin_client: Client) -> None:
    execution = pages.waiting()
    admin_client.post(pages.address(execution, "cancel"))
    source(admin_client, execution, fragment=1)

    assert "The execution was cancelled." in source(admin_client, execution)


@pytest.mark.parametrize("role", [Role.GUEST, None], ids=["guest", "superuser of no workspace"])
def test_whoever_sees_the_page_follows_its_stream(signed_in: SignIn, admin_client: Client, role: Role | None) -> None:
    execution = pages.waiting()
    client = signed_in(execution.workspace, role) if role else admin_client

    stream = attribute(source(client, execution), "data-stream")
    services.cancel(execution=execution)
    answer = client.get(stream)

    assert stream == pages.address(execution, "stream")
    assert answer["Content-Type"] == "text/event-stream"
    assert answer.streaming
    assert b"event: complete" in answer.getvalue()
    assert client.get(stream, headers={"Last-Event-ID": str(Execution.objects.get().position)}).status_code == 204


def test_nobody_else_does(signed_in: SignIn, client: Client) -> None:
    address = pages.address(pages.waiting(), "stream")

    assert signed_in(WorkspaceFactory.create(), Role.OWNER).get(address).status_code == 404
    assert client.get(address).status_code == 302


@pytest.mark.parametrize(
    ("is_staff", "is_superuser", "is_member", "may"),
    [(True, True, False, True), (False, True, True, False), (True, False, True, True), (True, False, False, False)],
)
def test_who_follows_in_the_admin_may_as_long_as_its_page_would_show(
    is_staff: bool, is_superuser: bool, is_member: bool, may: bool
) -> None:
    user, workspace = UserFactory.create(is_staff=is_staff, is_superuser=is_superuser), WorkspaceFactory.create()
    if is_member:
        MembershipFactory.create(user=user, workspace=workspace)

    assert Holder(user.pk, None, workspace.pk, in_admin=True).may_still() is may


def test_what_has_ended_is_not_followed(signed_in: SignIn) -> None:
    execution = ran({"type": "test_number"})

    assert "data-stream" not in source(signed_in(execution.workspace, Role.MEMBER), execution)


def test_the_running_durations_tick_by_themselves(admin_client: Client) -> None:
    assert source(admin_client, pages.waiting()).count("data-since") == 2, "the execution's and its open step's"
    assert "data-since" not in source(admin_client, pages.failed())


# Scripts of others


@pytest.mark.parametrize("text", XSS)
@pytest.mark.parametrize("query", [{}, {"fragment": 1}], ids=["page", "fragment"])
def test_whatever_is_in_names_data_outputs_and_errors_is_text(
    admin_client: Client, text: str, query: dict[str, Any]
) -> None:
    harmless = source(admin_client, _full_of("harmless"), **query)

    page = source(admin_client, _full_of(text), **query)

    assert _forms(page) <= _forms(harmless), "no element and no attribute comes of it"
    shown = pages.words(page).replace('\\"', '"')
    assert shown.count(" ".join(text.split())) >= LEAST_OFTEN


def test_no_part_of_the_page_has_a_script_or_a_style_in_it(admin_client: Client) -> None:
    for tag, names in _forms(source(admin_client, pages.failed(), fragment=1)):
        assert tag not in {"script", "style", "iframe", "object"}
        assert not [name for name in names if name.startswith(("on", "x-", "hx-", "@", ":")) or name == "style"]


def _full_of(text: str) -> Execution:
    """Its names, its data, its output, its error's message, its log, and what it made for people."""
    echoes: Json = {"type": "test_echo", "name": text, "config": {"value": {"text": "{{ trigger.text }}"}}}
    fails: Json = {"type": "test_raise", "name": text, "config": {"value": "{{ trigger.text }}"}}
    workflow = WorkflowFactory.create(name=text, definition=definition(echoes, fails, variables={text: text}))
    execution = services.run(execution=services.start(workflow=workflow, trigger_data={"text": text, text: text}))
    Task.objects.create(workspace=workflow.workspace, title=text, execution_id=execution.pk, step_path="0")
    Notification.objects.create(
        workspace=workflow.workspace, recipient=workflow.workspace.organization.owner, message=text,
        execution_id=execution.pk,
    )  # fmt: skip
    return execution


class _Forms(HTMLParser):
    """Every element with the names of its attributes, as a browser would make them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[tuple[str, frozenset[str]]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add((tag, frozenset(name for name, _ in attrs)))


def _forms(html: str) -> set[tuple[str, frozenset[str]]]:
    parser = _Forms()
    parser.feed(html)
    return parser.found
