"""The list of workflows: what it says of each, at the same cost however many there are."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.admin.conftest import SignIn
from tests.factories import MembershipFactory, WorkflowFactory, WorkspaceFactory
from workflows.models import Workflow, WorkflowStatus
from workspaces.models import Role

pytestmark = pytest.mark.django_db

LIST = "admin:workflows_workflow_changelist"
BUDGET = 10


def shown(client: Client, **query: str) -> str:
    return client.get(reverse(LIST), query).content.decode()


def queries_of(client: Client) -> int:
    with CaptureQueriesContext(connection) as queries:
        shown(client)
    return len(queries)


def test_it_says_how_each_fared(admin_client: Client) -> None:
    workflow = WorkflowFactory.create(name="Order follow-up")
    Workflow.objects.filter(pk=workflow.pk).update(
        execution_count=1_234, success_count=900, failure_count=90, cancelled_count=10, total_duration_ms=990 * 2_500
    )

    page = shown(admin_client)

    for text in ("Order follow-up", "Active", "1,234", "90 %", "2.5 s", workflow.workspace.name):
        assert text in page


def test_a_list_costs_the_same_however_long_it_is(admin_client: Client) -> None:
    WorkflowFactory.create_batch(5)
    few = queries_of(admin_client)
    WorkflowFactory.create_batch(45)

    assert queries_of(admin_client) == few <= BUDGET


def test_definitions_arent_read_for_it(admin_client: Client) -> None:
    WorkflowFactory.create()

    with CaptureQueriesContext(connection) as queries:
        shown(admin_client)

    assert not any('"definition"' in query["sql"] for query in queries)


def test_it_is_searched_by_name_and_narrowed_by_status(admin_client: Client) -> None:
    WorkflowFactory.create(name="Invoices", status=WorkflowStatus.DRAFT)
    WorkflowFactory.create(name="Payroll")

    assert "Payroll" not in shown(admin_client, q="invo")
    assert "Invoices" not in shown(admin_client, status__exact="ACTIVE")
    assert "Payroll" in shown(admin_client, status__exact="ACTIVE")


def test_the_newest_come_first_unless_they_are_asked_for_by_name(admin_client: Client) -> None:
    for name in ("B first", "A second"):
        WorkflowFactory.create(name=name)

    newest, by_name = shown(admin_client), shown(admin_client, o="-0")

    assert newest.index("A second") < newest.index("B first")
    assert by_name.index("B first") < by_name.index("A second")


def test_only_workspaces_in_reach_can_be_chosen(signed_in: SignIn) -> None:
    ours, other, theirs = (WorkspaceFactory.create(name=name) for name in ("Ours", "Also", "Theirs"))
    client = signed_in(ours, Role.GUEST)
    MembershipFactory.create(workspace=other, user_id=client.session["_auth_user_id"])
    for workspace in (ours, other, theirs):
        WorkflowFactory.create(workspace=workspace, name=f"Of {workspace.name}")

    assert "Theirs" not in shown(client)
    assert "Of Ours" not in shown(client, workspace__id__exact=str(other.pk))
    assert "Of Theirs" not in shown(client, workspace__id__exact=str(theirs.pk))


def test_a_name_is_text(admin_client: Client) -> None:
    WorkflowFactory.create(name="<script>alert(1)</script>")

    page = shown(admin_client)

    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize(("role", "adds"), [(Role.GUEST, False), (Role.MEMBER, False), (Role.ADMIN, True)])
def test_only_who_may_write_is_offered_another_one(signed_in: SignIn, role: Role, adds: bool) -> None:
    client = signed_in(WorkspaceFactory.create(), role)

    assert (reverse("admin:workflows_workflow_add") in shown(client)) is adds
