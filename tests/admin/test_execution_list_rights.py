"""Who may cancel and run again from the list: what the role in each workspace says, or a permission adds."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from executions.models import Execution
from tests.admin.bulk import AGAIN, CANCEL, asked, confirmed, post, statuses, user_of
from tests.admin.conftest import SignIn
from tests.admin.lists import LIST, source
from tests.admin.pages import words
from tests.factories import ExecutionFactory, MembershipFactory, WorkflowFactory, WorkspaceFactory
from workflows.models import Workflow
from workspaces.models import Role, Workspace

pytestmark = pytest.mark.django_db


@pytest.fixture
def workspace() -> Workspace:
    workspace: Workspace = WorkspaceFactory.create()
    return workspace


@pytest.fixture
def workflow(workspace: Workspace) -> Workflow:
    workflow: Workflow = WorkflowFactory.create(workspace=workspace)
    return workflow


@pytest.mark.parametrize("action", [CANCEL, AGAIN])
@pytest.mark.parametrize(("role", "may"), [(Role.GUEST, False), (Role.MEMBER, True), (Role.OWNER, True)])
def test_the_role_decides(signed_in: SignIn, workflow: Workflow, action: str, role: Role, may: bool) -> None:
    execution = ExecutionFactory.create(workflow=workflow)
    client = signed_in(workflow.workspace, role)
    post(client, action, [execution], once=uuid4())

    assert (f'value="{action}"' in source(client)) == may
    assert (Execution.objects.count(), statuses(execution)) == {
        CANCEL: (1, ["CANCELLED" if may else "PENDING"]),
        AGAIN: (2 if may else 1, ["PENDING"]),
    }[action]


@pytest.mark.parametrize(
    ("action", "permission"), [(CANCEL, "cancel_execution"), (AGAIN, "execute_workflow")], ids=[CANCEL, AGAIN]
)
def test_a_permission_adds_to_the_role(signed_in: SignIn, workflow: Workflow, action: str, permission: str) -> None:
    execution = ExecutionFactory.create(workflow=workflow)
    client = signed_in(workflow.workspace, Role.GUEST)
    user_of(client).user_permissions.add(Permission.objects.get(codename=permission))

    assert ": 1 of 1" in confirmed(client, action, [execution])


@pytest.mark.parametrize(("action", "refusal"), [(CANCEL, "let you cancel it."), (AGAIN, "let you run it.")])
def test_in_each_workspace_its_own_role_decides(
    signed_in: SignIn, workflow: Workflow, action: str, refusal: str
) -> None:
    mine, watched = ExecutionFactory.create(workflow=workflow), ExecutionFactory.create()
    client = signed_in(workflow.workspace, Role.MEMBER)
    MembershipFactory.create(workspace=watched.workspace, user=user_of(client), role=Role.GUEST)

    assert "1 is not yours to" in words(asked(client, action, [mine, watched]))
    page = confirmed(client, action, [mine, watched])
    assert ": 1 of 2" in page
    assert refusal in page
    assert statuses(watched) == ["PENDING"]
    assert Execution.objects.filter(workspace=watched.workspace).count() == 1


def test_what_is_out_of_reach_is_not_there(signed_in: SignIn, workflow: Workflow) -> None:
    theirs = ExecutionFactory.create(workflow__name="Payroll of theirs")
    client = signed_in(workflow.workspace, Role.OWNER)

    assert "Payroll" not in words(asked(client, CANCEL, [theirs]))
    assert "Cancelled: 0 of 0" in confirmed(client, CANCEL, [theirs])
    assert statuses(theirs) == ["PENDING"]


def test_an_outcome_is_ones_own(admin_client: Client, signed_in: SignIn, workflow: Workflow) -> None:
    confirmed(admin_client, CANCEL, [ExecutionFactory.create(workflow=workflow)])
    answer = signed_in(workflow.workspace, Role.OWNER).get(reverse("admin:executions_execution_outcome"))

    assert answer.status_code == 302


def test_nobody_adds_changes_or_deletes_one(admin_client: Client, workflow: Workflow) -> None:
    execution = ExecutionFactory.create(workflow=workflow)
    post(admin_client, "delete_selected", [execution], post="yes")

    assert "delete_selected" not in source(admin_client)
    assert Execution.objects.count() == 1
    assert admin_client.get(f"{LIST}add/").status_code == 403
    assert admin_client.post(f"{LIST}{execution.pk}/delete/", {"post": "yes"}).status_code == 403


def test_without_a_token_of_the_form_nothing_is_done(workflow: Workflow) -> None:
    execution = ExecutionFactory.create(workflow=workflow)
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("root"))

    assert post(client, CANCEL, [execution], once=uuid4()).status_code == 403
    assert statuses(execution) == ["PENDING"]
