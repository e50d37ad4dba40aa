"""Workspaces in the admin: what is in each, who gives it another name, and who makes one."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.admin.conftest import SignIn, member
from tests.factories import MembershipFactory, OrganizationFactory, WorkflowFactory, WorkspaceFactory
from workspaces.models import Organization, Role, Workspace

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>"
LIST = "admin:workspaces_workspace_changelist"


def page_of(workspace: Workspace) -> str:
    return reverse("admin:workspaces_workspace_change", args=[workspace.pk])


def test_the_list_says_how_much_is_in_each_without_a_query_for_each(admin_client: Client, workspace: Workspace) -> None:
    counts, page = [], ""
    for number in (5, 45):
        for _ in range(number):
            there = WorkspaceFactory.create()
            member(there)
            WorkflowFactory.create(workspace=there)
        with CaptureQueriesContext(connection) as queries:
            page = admin_client.get(reverse(LIST)).content.decode()
        counts.append(len(queries))

    assert counts[0] == counts[1] <= 6
    assert "ours" in page


def test_members_and_workflows_are_not_multiplied(admin_client: Client, workspace: Workspace) -> None:
    for _ in range(3):
        member(workspace)
    for _ in range(2):
        WorkflowFactory.create(workspace=workspace)

    [shown] = admin_client.get(reverse(LIST)).context["cl"].result_list

    assert (shown.member_count, shown.workflow_count) == (3, 2)


def test_its_page_shows_the_members_and_leads_to_what_is_in_it(admin_client: Client, workspace: Workspace) -> None:
    other = member(workspace, Role.OWNER)

    page = admin_client.get(page_of(workspace)).content.decode()

    assert 'data-role="OWNER">Owner<' in page
    for name in ("change", "delete"):
        assert reverse(f"admin:workspaces_membership_{name}", args=[other.pk]) in page
    assert f"{reverse('admin:workspaces_membership_add')}?workspace={workspace.pk}" in page
    for name, parameter in (
        ("workflows_workflow", "workspace__id__exact"),
        ("executions_execution", "workspace"),
        ("workspaces_task", "workspace__id__exact"),
        ("workspaces_apitoken", "workspace__id__exact"),
    ):
        assert f"{reverse(f'admin:{name}_changelist')}?{parameter}={workspace.pk}" in page


def test_its_page_costs_the_same_for_many_members_as_for_few(
    admin_client: Client, workspace: Workspace, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    counts, page = [], ""
    for number in (5, 45):
        for _ in range(number):
            member(workspace)
        with CaptureQueriesContext(connection) as queries, django_assert_max_num_queries(9):
            page = admin_client.get(page_of(workspace)).content.decode()
        counts.append(len(queries))

    assert counts[0] == counts[1]
    assert "All 50 members" in page


@pytest.mark.parametrize("role", [Role.GUEST, Role.MEMBER])
def test_members_look_at_it_and_change_nothing(signed_in: SignIn, workspace: Workspace, role: Role) -> None:
    client, other = signed_in(workspace, role), member(workspace)

    page = client.get(page_of(workspace)).content.decode()

    assert other.user.username in page
    assert "Add a member" not in page
    assert "Change the role" not in page
    assert client.post(page_of(workspace), {"name": "Other"}).status_code == 403
    workspace.refresh_from_db()
    assert workspace.name == "Ours"


def test_an_admin_gives_it_another_name_and_nothing_else(signed_in: SignIn, workspace: Workspace) -> None:
    given = {"name": "New", "slug": "new", "organization": OrganizationFactory.create().pk}

    signed_in(workspace, Role.ADMIN).post(page_of(workspace), given)

    before = workspace.organization_id
    workspace.refresh_from_db()
    assert (workspace.name, workspace.slug, workspace.organization_id) == ("New", "ours", before)
    assert LogEntry.objects.get().object_id == str(workspace.pk)


def test_an_admin_sets_its_limits_and_takes_them_away(signed_in: SignIn, workspace: Workspace) -> None:
    client = signed_in(workspace, Role.ADMIN)

    client.post(page_of(workspace), {"name": "Ours", "max_running": "5", "retention_days": "0", "retention_count": "9"})
    workspace.refresh_from_db()
    assert (workspace.max_running, workspace.retention_days, workspace.retention_count) == (5, 0, 9)

    client.post(page_of(workspace), {"name": "Ours", "max_running": "", "retention_days": "", "retention_count": ""})
    workspace.refresh_from_db()
    assert (workspace.max_running, workspace.retention_days, workspace.retention_count) == (None, None, None)


@pytest.mark.parametrize(
    ("field", "value"),
    [("max_running", "0"), ("max_running", "x"), ("retention_days", "-1"), ("retention_count", "1.5")],
)
def test_a_limit_that_is_none_is_refused_at_its_field(
    signed_in: SignIn, workspace: Workspace, field: str, value: str
) -> None:
    response = signed_in(workspace, Role.ADMIN).post(page_of(workspace), {"name": "Ours", field: value})

    assert response.status_code == 200
    assert list(response.context["adminform"].form.errors) == [field]


def test_the_page_of_another_is_out_of_reach(signed_in: SignIn, workspace: Workspace) -> None:
    theirs = WorkspaceFactory.create(name="Theirs")
    client = signed_in(workspace, Role.OWNER)

    assert client.get(page_of(theirs)).status_code == 302
    assert client.get(reverse("admin:workspaces_workspace_change", args=["no-id"])).status_code == 302
    assert "Theirs" not in client.get(reverse(LIST)).content.decode()


def test_a_superuser_makes_one_with_its_owner_and_its_organization(admin_client: Client, newcomer: User) -> None:
    given = {"name": "Support", "slug": "support", "owner": "newcomer"}

    response = admin_client.post(reverse("admin:workspaces_workspace_add"), given)

    made = Workspace.objects.get()
    assert response.status_code == 302
    assert (made.slug, made.name, made.organization.slug, made.organization.owner) == (
        "support", "Support", "support", newcomer,
    )  # fmt: skip
    assert made.memberships.get(user=newcomer).role == Role.OWNER
    assert LogEntry.objects.get().object_id == str(made.pk)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"slug": "ours"}, "slug"),
        ({"slug": "theirs"}, "slug"),
        ({"slug": "No Slug"}, "slug"),
        ({"slug": str(UUID(int=1))}, "slug"),
        ({"slug": ""}, "slug"),
        ({"owner": "nobody"}, "owner"),
        ({"name": "x" * 201}, "name"),
    ],
    ids=str,
)
def test_why_one_can_not_be_made_is_said_at_the_field(
    admin_client: Client, workspace: Workspace, newcomer: User, fields: dict[str, str], field: str
) -> None:
    OrganizationFactory.create(slug="theirs")
    given = {"name": "Support", "slug": "support", "owner": "newcomer", **fields}

    response = admin_client.post(reverse("admin:workspaces_workspace_add"), given)

    assert list(response.context["adminform"].form.errors) == [field]
    assert Workspace.objects.get() == workspace
    assert not Organization.objects.filter(slug="support").exists()


def test_nobody_else_makes_or_deletes_one(signed_in: SignIn, workspace: Workspace) -> None:
    client = signed_in(workspace, Role.OWNER)

    assert client.get(reverse("admin:workspaces_workspace_add")).status_code == 403
    delete_it = reverse("admin:workspaces_workspace_delete", args=[workspace.pk])
    assert client.post(delete_it, {"post": "yes"}).status_code == 403


def test_names_are_shown_as_text(admin_client: Client) -> None:
    hostile = WorkspaceFactory.create(name=HOSTILE)
    MembershipFactory.create(workspace=hostile, user__username=HOSTILE)

    for address in (page_of(hostile), reverse(LIST), reverse("admin:workspaces_membership_changelist")):
        page = admin_client.get(address).content.decode()
        assert HOSTILE not in page
        assert "&lt;script&gt;" in page
