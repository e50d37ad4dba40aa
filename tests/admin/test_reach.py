"""Who sees what: a superuser all of it, staff what their role allows, by typed addresses too."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests.admin.conftest import SignIn
from tests.factories import ExecutionFactory, WorkflowFactory
from workspaces.models import Role, Workspace

pytestmark = pytest.mark.django_db

LISTS = ("executions_execution", "workflows_workflow", "workspaces_workspace", "workspaces_task")


def shown(client: Client, name: str) -> str:
    return client.get(reverse(f"admin:{name}_changelist")).content.decode()


def test_staff_see_what_is_in_their_workspaces_alone(signed_in: SignIn, workspace: Workspace) -> None:
    ours = WorkflowFactory.create(workspace=workspace, name="Invoices of ours")
    theirs = WorkflowFactory.create(name="Payroll of theirs")

    page = shown(signed_in(workspace, Role.GUEST), "workflows_workflow")

    assert ours.name in page
    assert theirs.name not in page


@pytest.mark.parametrize("name", LISTS)
def test_staff_without_a_workspace_get_no_list(signed_in: SignIn, name: str) -> None:
    assert signed_in(None, Role.MEMBER).get(reverse(f"admin:{name}_changelist")).status_code == 403


def test_a_typed_address_leads_nowhere_outside_ones_reach(signed_in: SignIn, workspace: Workspace) -> None:
    theirs = ExecutionFactory.create()
    address = reverse("admin:executions_execution_change", args=[theirs.pk])

    assert signed_in(workspace, Role.OWNER).get(address).status_code == 302
    assert signed_in(theirs.workspace, Role.GUEST).get(address).status_code == 200


def test_a_superuser_sees_everything(admin_client: Client) -> None:
    workflow = WorkflowFactory.create(name="Payroll of theirs")

    assert workflow.name in shown(admin_client, "workflows_workflow")


def test_who_is_no_longer_of_the_staff_sees_nothing(signed_in: SignIn, workspace: Workspace) -> None:
    client = signed_in(workspace, Role.OWNER)
    User.objects.update(is_staff=False)

    assert client.get(reverse("admin:executions_execution_changelist")).status_code == 302
