"""What is changed from the page of a workflow: its status, its name, its definition; each change is logged."""

import json
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from tests.admin.conftest import SignIn
from tests.admin.test_workflow_page import HOSTILE, address
from tests.factories import WorkflowFactory, WorkspaceFactory, definition
from tests.workflows.definitions import notify
from workflows import services
from workflows.admin.editor import FIRST
from workflows.documents import Json
from workflows.models import Workflow, WorkflowVersion
from workspaces.models import Role, Workspace

pytestmark = pytest.mark.django_db

CHECK = "admin:workflows_workflow_check"
OTHER = definition(notify("other"))


@pytest.fixture
def workflow() -> Workflow:
    workflow: Workflow = WorkflowFactory.create(name="Invoices", description="Ours", tags=["a", "b, c"])
    return workflow


@pytest.fixture
def client(signed_in: SignIn, workflow: Workflow) -> Client:
    return signed_in(workflow.workspace, Role.ADMIN)


def logged() -> list[str]:
    return [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")]


def said(response: Any) -> str:
    return " ".join(str(message) for message in response.context["messages"])


def save(client: Client, workflow: Workflow, text: Json, version: object = 1, **more: str) -> Any:
    text = text if isinstance(text, str) else json.dumps(text)
    sent = {"definition": text, "version": version, **more}
    return client.post(address(workflow, "definition"), sent, follow=True)


class TestStatus:
    @pytest.mark.parametrize(("status", "says"), [("INACTIVE", "Deactivated."), ("ARCHIVED", "Archived.")])
    def test_it_is_set_and_logged_with_who_did_it(
        self, client: Client, workflow: Workflow, status: str, says: str
    ) -> None:
        response = client.post(address(workflow, "status"), {"status": status}, follow=True)

        assert Workflow.objects.get().status == status
        assert logged() == [says]
        assert LogEntry.objects.get().user_id == int(client.session["_auth_user_id"])
        assert says in said(response)

    def test_what_doesnt_lead_there_says_so(self, client: Client, workflow: Workflow) -> None:
        client.post(address(workflow, "status"), {"status": "ARCHIVED"})

        response = client.post(address(workflow, "status"), {"status": "ACTIVE"}, follow=True)

        assert "can't become ACTIVE" in said(response)
        assert logged() == ["Archived."]

    @pytest.mark.parametrize("status", ["", "DRAFT", "active", "<script>"])
    def test_other_words_are_refused(self, client: Client, workflow: Workflow, status: str) -> None:
        assert client.post(address(workflow, "status"), {"status": status}).status_code == 403


class TestDetails:
    def send(self, client: Client, workflow: Workflow, **fields: str) -> Any:
        given = {"name": "Invoices", "description": "Ours", "tags": "a, b, c", **fields}
        return client.post(address(workflow, "details"), given, follow=True)

    def test_what_changed_is_saved_and_logged(self, client: Client, workflow: Workflow) -> None:
        self.send(client, workflow, name="Bills", tags="x, y,,x ", description="One\r\nTwo")

        workflow.refresh_from_db()
        assert (workflow.name, workflow.tags, workflow.description) == ("Bills", ["x", "y"], "One\nTwo")
        assert logged() == ["Changed name and description and tags."]

    def test_a_limit_is_set_and_taken_away(self, client: Client, workflow: Workflow) -> None:
        for typed, limit in (("3", 3), ("", None)):
            self.send(client, workflow, max_running=typed)
            workflow.refresh_from_db()
            assert (workflow.max_running, workflow.tags) == (limit, ["a", "b, c"])
        assert logged() == ["Changed most at once."] * 2

    @pytest.mark.parametrize("typed", ["0", "-1", "many", "1.5", "2147483648"])
    def test_what_is_no_limit_is_said_at_its_field(self, client: Client, workflow: Workflow, typed: str) -> None:
        response = self.send(client, workflow, max_running=typed)

        assert list(response.context["details"].errors) == ["max_running"]

    def test_what_nobody_touched_stays_and_isnt_logged(self, client: Client, workflow: Workflow) -> None:
        response = self.send(client, workflow)

        workflow.refresh_from_db()
        assert workflow.tags == ["a", "b, c"]
        assert "Nothing was changed." in said(response)
        assert logged() == []

    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            ({"name": ""}, "This field is required."), ({"name": "x" * 201}, "at most 200"),
            ({"name": "Taken"}, "has a workflow named"), ({"name": "a\x00b"}, "Null characters"),
        ],
    )  # fmt: skip
    def test_a_fault_stands_at_its_field_with_what_was_typed(
        self, client: Client, workflow: Workflow, fields: dict[str, str], says: str
    ) -> None:
        WorkflowFactory.create(workspace=workflow.workspace, name="Taken")

        page = self.send(client, workflow, description="Typed", **fields).content.decode()

        assert says in page
        assert "Typed</textarea>" in page
        assert Workflow.objects.get(pk=workflow.pk).description == "Ours"


class TestDefinition:
    def test_another_definition_makes_a_version(self, client: Client, workflow: Workflow) -> None:
        response = save(client, workflow, OTHER)

        version = WorkflowVersion.objects.get(number=2)
        assert version.definition == OTHER
        assert version.created_by_id == int(client.session["_auth_user_id"])
        assert "Saved version 2. The next execution runs it." in said(response)
        assert logged() == ["Saved version 2."]

    def test_the_same_definition_makes_none_and_says_so(self, client: Client, workflow: Workflow) -> None:
        response = save(client, workflow, WorkflowVersion.objects.get().definition)

        assert "Nothing was changed: that is version 1 already." in said(response)
        assert WorkflowVersion.objects.count() == 1
        assert logged() == []

    def test_an_earlier_definition_leads_back_to_its_version(self, client: Client, workflow: Workflow) -> None:
        first = WorkflowVersion.objects.get().definition
        save(client, workflow, OTHER)

        response = save(client, workflow, first, version=2)

        workflow.refresh_from_db()
        assert workflow.version is not None
        assert workflow.version.number == 1
        assert "Went back to version 1." in said(response)

    def test_faults_are_shown_at_their_lines_and_nothing_is_saved(self, client: Client, workflow: Workflow) -> None:
        text = '{"actions": [\n{"type": "wait"},\n{"type": "wat"}\n], "timeout": 0}'

        page = save(client, workflow, text).content.decode()

        assert "nothing was saved" in page
        for line, path in ((3, "actions[1].type"), (4, "timeout")):
            assert f'data-line="{line}">Line {line}</a> <code>{path}</code>' in page
            assert f"--line: {line}" in page
        assert "&quot;wat&quot;" in page
        assert WorkflowVersion.objects.count() == 1

    @pytest.mark.parametrize(
        "text",
        [
            "", "{", "[]", "null", '"x"', '{"a": 1, "a": 2}', '{"actions": NaN}', '{"actions": ["\\ud800"]}',
            "[" * 100_000, '{"actions": 1e999}', '{"actions": [{"type": ' + "9" * 5_000 + "}]}", HOSTILE, "\x00",
            '{"actions": [{"type": "\\ud800", "\\ud800": 1}]}', '{"\\u0000": 1}',
        ],
    )  # fmt: skip
    def test_whatever_is_typed_is_kept_as_text_and_never_an_error(
        self, client: Client, workflow: Workflow, text: str
    ) -> None:
        response = save(client, workflow, text)

        assert response.status_code == 200
        assert response.context["editor"].text == text
        assert response.context["editor"].faults
        assert "<script>alert" not in response.content.decode()
        assert WorkflowVersion.objects.count() == 1

    def test_a_newer_version_of_somebody_else_isnt_overwritten_unawares(
        self, client: Client, workflow: Workflow
    ) -> None:
        services.change(workflow=workflow, definition=OTHER, changed_by=workflow.workspace.organization.owner)
        mine = definition(notify("mine"))

        response = save(client, workflow, mine, version=1)

        owner = workflow.workspace.organization.owner.username
        assert f"Not saved: version 2 was saved by {owner}" in response.content.decode()
        assert "mine" in response.context["editor"].text
        assert WorkflowVersion.objects.count() == 2

        save(client, workflow, mine, version=response.context["editor"].version)

        assert WorkflowVersion.objects.get(number=3).definition == mine

    @pytest.mark.parametrize("version", ["", "x", "-1", "9" * 50])
    def test_a_form_that_doesnt_say_what_it_began_as_is_refused(
        self, client: Client, workflow: Workflow, version: str
    ) -> None:
        assert "Not saved" in save(client, workflow, OTHER, version=version).content.decode()
        assert WorkflowVersion.objects.count() == 1

    def test_it_is_formatted_without_being_saved(self, client: Client, workflow: Workflow) -> None:
        response = save(client, workflow, '{"actions":[{"type":"wait","config":{"durationMs":1}}]}', format="1")

        assert response.context["editor"].text.startswith('{\n  "actions": [\n    {\n')
        assert WorkflowVersion.objects.count() == 1

    def test_an_archived_workflow_keeps_its_definition(self, client: Client, workflow: Workflow) -> None:
        client.post(address(workflow, "status"), {"status": "ARCHIVED"})

        response = save(client, workflow, OTHER)

        assert "An archived workflow can&#x27;t be changed" in response.content.decode()
        assert WorkflowVersion.objects.count() == 1


class TestCheck:
    def check(self, client: Client, text: str, **more: str) -> Any:
        return client.post(reverse(CHECK), {"definition": text, **more})

    def test_it_answers_the_faults_with_their_lines(self, client: Client) -> None:
        answer = self.check(client, '{"actions": [\r\n{"type": "wat"}]}').json()

        assert [(fault["path"], fault["line"]) for fault in answer["faults"]] == [("actions[0].type", 2)]
        assert "Unknown action type 'wat'" in answer["faults"][0]["message"]

    def test_of_a_sound_one_there_are_none(self, client: Client) -> None:
        assert self.check(client, json.dumps(OTHER)).json() == {"faults": []}

    def test_it_formats_without_losing_a_digit(self, client: Client) -> None:
        text = json.dumps({**OTHER, "variables": {"large": 2**63 - 1}})

        assert f'"large": {2**63 - 1}' in self.check(client, text, format="1").json()["text"]

    @pytest.mark.parametrize(("role", "status"), [(Role.GUEST, 403), (Role.MEMBER, 403), (Role.ADMIN, 200)])
    def test_it_is_for_those_who_may_write(self, signed_in: SignIn, role: Role, status: int) -> None:
        assert self.check(signed_in(WorkspaceFactory.create(), role), "{}").status_code == status

    def test_it_isnt_asked_by_get(self, client: Client) -> None:
        assert client.get(reverse(CHECK)).status_code == 403


class TestNew:
    def make(self, client: Client, workspace: Workspace, text: Json = FIRST, **fields: str) -> Any:
        given = {"workspace": str(workspace.pk), "name": "New", "description": "", "tags": "x", **fields}
        sent = {**given, "definition": text if isinstance(text, str) else json.dumps(text)}
        return client.post(reverse("admin:workflows_workflow_add"), sent, follow=True)

    def test_it_begins_with_an_example_that_can_be_saved(self, client: Client, workflow: Workflow) -> None:
        page = client.get(reverse("admin:workflows_workflow_add"))

        response = self.make(client, workflow.workspace, page.context["editor"].text)

        made = Workflow.objects.get(name="New")
        assert (made.status, made.tags) == ("DRAFT", ["x"])
        assert made.created_by_id == int(client.session["_auth_user_id"])
        assert response.redirect_chain[-1][0] == address(made)
        assert logged() == ["Made with version 1."]

    def test_all_that_is_wrong_is_said_at_once(self, client: Client, workflow: Workflow) -> None:
        response = self.make(client, workflow.workspace, '{"actions": []}', name="")

        assert response.context["editor"].faults
        assert response.context["details"].errors["name"] == ["This field is required."]
        assert Workflow.objects.count() == 1

    def test_a_name_that_is_taken_is_said(self, client: Client, workflow: Workflow) -> None:
        response = self.make(client, workflow.workspace, name=workflow.name)

        assert "has a workflow named" in response.context["details"].errors["name"][0]

    @pytest.mark.parametrize("role", [None, Role.GUEST, Role.MEMBER])
    def test_it_can_be_put_only_where_one_may_write(
        self, client: Client, workflow: Workflow, signed_in: SignIn, role: Role | None
    ) -> None:
        other = WorkspaceFactory.create()
        if role:
            other.memberships.create(user_id=int(client.session["_auth_user_id"]), role=role)

        response = self.make(client, other)

        assert "workspace" in response.context["details"].errors
        assert Workflow.objects.count() == 1

    def test_who_may_write_nowhere_gets_no_form(self, signed_in: SignIn) -> None:
        client = signed_in(WorkspaceFactory.create(), Role.MEMBER)

        assert client.get(reverse("admin:workflows_workflow_add")).status_code == 403
