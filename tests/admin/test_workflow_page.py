"""The page of a workflow: what it shows, to whom, and at what cost."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.admin.conftest import SignIn
from tests.factories import ExecutionFactory, WorkflowFactory, WorkspaceFactory, definition
from tests.workflows.definitions import notify
from workflows import services
from workflows.models import Workflow, WorkflowStatus
from workspaces.models import Role, Workspace

pytestmark = pytest.mark.django_db

HOSTILE = "</textarea></script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
BUDGET = 16


def address(workflow: Workflow, name: str = "change") -> str:
    return reverse(f"admin:workflows_workflow_{name}", args=[workflow.pk])


def shown(client: Client, workflow: Workflow) -> str:
    return client.get(address(workflow)).content.decode()


def queries_of(client: Client, workflow: Workflow) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address(workflow)).status_code == 200
    return len(queries)


@pytest.fixture
def workspace() -> Workspace:
    workspace: Workspace = WorkspaceFactory.create()
    return workspace


def test_it_shows_the_steps_the_definition_and_the_versions(admin_client: Client) -> None:
    workflow = WorkflowFactory.create(
        name="Order follow-up", description="What is done.", tags=["billing"], definition=definition(notify("greet"))
    )

    page = shown(admin_client, workflow)

    for hook in ("status", "drawing", "definition", "faults", "run-now", "trigger-data", "dry-run", "charts"):
        assert page.count(f'id="{hook}"') == 1
    for text in ("Order follow-up", "What is done.", "billing", ">greet<", ">send_notification<", "Version 1"):
        assert text in page


def test_the_latest_executions_are_listed_with_links(admin_client: Client) -> None:
    workflow = WorkflowFactory.create()
    executions = ExecutionFactory.create_batch(11, workflow=workflow)

    page = shown(admin_client, workflow)

    links = [reverse("admin:executions_execution_change", args=[execution.pk]) in page for execution in executions]
    assert links == [False, *[True] * 10]
    assert f"{reverse('admin:executions_execution_changelist')}?workflow={workflow.pk}" in page


def test_it_costs_the_same_however_much_there_is(admin_client: Client) -> None:
    small = WorkflowFactory.create()
    large = WorkflowFactory.create(definition=definition(*(notify(f"step-{n}") for n in range(40))))
    ExecutionFactory.create_batch(50, workflow=large)
    for number in range(10):
        services.change(workflow=large, definition=definition(notify(f"other-{number}")))
    for workflow in (small, large):  # the definitions are read once a process
        queries_of(admin_client, workflow)

    assert queries_of(admin_client, large) == queries_of(admin_client, small) <= BUDGET


def test_whatever_people_write_is_text(admin_client: Client) -> None:
    actions = [notify(name=HOSTILE[:200], config={"recipient": "ada", "message": HOSTILE})]
    workflow = WorkflowFactory.create(
        name=HOSTILE, description=HOSTILE, tags=[HOSTILE],
        definition=definition(*actions, trigger={"type": HOSTILE[:64]}, variables={HOSTILE: HOSTILE}),
    )  # fmt: skip
    version = reverse("admin:workflows_workflowversion_change", args=[workflow.version_id])

    for page in (shown(admin_client, workflow), admin_client.get(version).content.decode()):
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "&lt;/textarea&gt;&lt;/script&gt;&lt;script&gt;alert(1)" in page


def test_a_definition_saved_under_other_rules_is_shown(admin_client: Client) -> None:
    workflow = WorkflowFactory.create()
    odd: Any = {"actions": [{"id": "a", "type": "condition", "config": {"gone": 1}, "conditions": {"odd": 1}}]}
    workflow.versions.update(definition=odd)

    assert 'data-type="condition"' in shown(admin_client, workflow)


@pytest.mark.parametrize("role", [Role.GUEST, Role.MEMBER])
def test_who_may_not_write_reads_the_definition(signed_in: SignIn, workspace: Workspace, role: Role) -> None:
    client, workflow = signed_in(workspace, role), WorkflowFactory.create(workspace=workspace)

    page = shown(client, workflow)

    assert "readonly" in page
    assert address(workflow, "definition") not in page
    assert address(workflow, "status") not in page
    assert (address(workflow, "run") in page) is (role == Role.MEMBER)


@pytest.mark.parametrize("name", ["status", "details", "definition"])
@pytest.mark.parametrize("role", [Role.GUEST, Role.MEMBER])
def test_nor_does_a_typed_address_let_him(signed_in: SignIn, workspace: Workspace, role: Role, name: str) -> None:
    client, workflow = signed_in(workspace, role), WorkflowFactory.create(workspace=workspace)

    assert client.post(address(workflow, name), {"status": "INACTIVE"}).status_code == 403
    assert Workflow.objects.get().status == "ACTIVE"


@pytest.mark.parametrize("name", ["status", "details", "definition", "run", "charts"])
def test_what_is_out_of_reach_isnt_there(signed_in: SignIn, workspace: Workspace, name: str) -> None:
    client, theirs = signed_in(workspace, Role.OWNER), WorkflowFactory.create()
    method = client.get if name == "charts" else client.post

    assert method(address(theirs, name)).status_code == 404
    assert client.get(address(theirs)).status_code == 302


def test_nothing_is_changed_by_get_nor_by_a_post_to_the_page(admin_client: Client) -> None:
    workflow = WorkflowFactory.create()

    assert admin_client.get(address(workflow, "status")).status_code == 405
    for name in ("details", "definition", "run"):
        assert admin_client.get(address(workflow, name)).status_code == 302
    assert admin_client.post(address(workflow), {"name": "Other"}).status_code == 403
    assert Workflow.objects.get().name == workflow.name


def test_nothing_is_changed_without_a_csrf_token(admin_client: Client, signed_in: SignIn) -> None:
    workflow = WorkflowFactory.create()
    client = Client(enforce_csrf_checks=True)
    client.cookies = admin_client.cookies

    for name in ("status", "details", "definition", "run"):
        assert client.post(address(workflow, name)).status_code == 403
    assert client.post(reverse("admin:workflows_workflow_check")).status_code == 403


def test_an_archived_workflow_can_only_be_read(admin_client: Client) -> None:
    workflow = WorkflowFactory.create()
    services.set_status(workflow=workflow, status=WorkflowStatus.ARCHIVED)

    page = shown(admin_client, workflow)

    assert "An archived workflow can't be changed." in page
    assert "An archived workflow can't be run." in page
    for name in ("definition", "details", "status", "run"):
        assert f'action="{address(workflow, name)}' not in page


@pytest.mark.parametrize("typed", ["nothing", "0", "01a20965-cbea-711b-a145-b288d44757a2"])
def test_an_id_that_leads_nowhere_leads_back(admin_client: Client, typed: str) -> None:
    assert admin_client.get(reverse("admin:workflows_workflow_change", args=[typed])).status_code == 302
