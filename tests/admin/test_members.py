"""Workspaces and their members in the admin: the same rules as in the API, by typed addresses too."""

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

from tests.admin.conftest import SignIn
from tests.factories import MembershipFactory, OrganizationFactory, UserFactory, WorkflowFactory, WorkspaceFactory
from workspaces import services
from workspaces.models import Membership, Organization, Role, Workspace

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>"
ADD = "admin:workspaces_membership_add"
LIST = "admin:workspaces_membership_changelist"
OWNERS_ONLY = "Owners are made and unmade by owners alone."


@pytest.fixture
def workspace() -> Workspace:
    workspace: Workspace = WorkspaceFactory.create(name="Ours", slug="ours")
    return workspace


@pytest.fixture
def newcomer() -> User:
    newcomer: User = UserFactory.create(username="newcomer", email="new@example.org")
    return newcomer


def member(workspace: Workspace, role: Role = Role.MEMBER) -> Membership:
    membership: Membership = MembershipFactory.create(workspace=workspace, role=role)
    return membership


def role_of(user: User, workspace: Workspace) -> str | None:
    return Membership.objects.filter(workspace=workspace, user=user).values_list("role", flat=True).first()


def page_of(workspace: Workspace) -> str:
    return reverse("admin:workspaces_workspace_change", args=[workspace.pk])


def change(membership: Membership) -> str:
    return reverse("admin:workspaces_membership_change", args=[membership.pk])


def delete(membership: Membership) -> str:
    return reverse("admin:workspaces_membership_delete", args=[membership.pk])


def added(client: Client, workspace: Workspace, /, **fields: Any) -> Any:
    return client.post(reverse(ADD), {"workspace": workspace.pk, "user": "newcomer", "role": "MEMBER", **fields})


def errors_of(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200
    return dict(response.context["adminform"].form.errors)


# The members


@pytest.mark.parametrize("reference", ["newcomer", "new@example.org", "NEW@example.ORG", " newcomer "])
def test_a_member_is_added_by_user_name_or_address(
    signed_in: SignIn, workspace: Workspace, newcomer: User, reference: str
) -> None:
    response = added(signed_in(workspace, Role.ADMIN), workspace, user=reference, role="GUEST")

    assert response.status_code == 302
    assert role_of(newcomer, workspace) == "GUEST"
    entry, made = LogEntry.objects.get(), Membership.objects.get(user=newcomer)
    assert (entry.object_id, entry.is_addition()) == (str(made.pk), True)


@pytest.mark.parametrize(
    "reference", ["nobody", "", "shared@example.org", "inactive", "%", "new%@example.org", "a\x00b"]
)
def test_who_can_not_be_added_is_said_at_the_field(
    admin_client: Client, workspace: Workspace, newcomer: User, reference: str
) -> None:
    UserFactory.create(username="inactive", is_active=False)
    for _ in range(2):
        UserFactory.create(email="shared@example.org")

    assert list(errors_of(added(admin_client, workspace, user=reference))) == ["user"]
    assert not Membership.objects.exists()


@pytest.mark.parametrize(
    ("fields", "field"), [({"role": "ROOT"}, "role"), ({"role": ""}, "role"), ({"workspace": "x"}, "workspace")]
)
def test_so_is_what_else_is_wrong(
    admin_client: Client, workspace: Workspace, newcomer: User, fields: dict[str, str], field: str
) -> None:
    assert list(errors_of(added(admin_client, workspace, **fields))) == [field]


def test_one_who_is_a_member_already_stays_what_he_is(
    admin_client: Client, workspace: Workspace, newcomer: User
) -> None:
    services.add_member(workspace=workspace, user=newcomer, role=Role.GUEST)

    errors = errors_of(added(admin_client, workspace, role="OWNER"))

    assert errors == {"user": ["newcomer is a member already; change the role instead."]}
    assert role_of(newcomer, workspace) == "GUEST"


@pytest.mark.parametrize("role", Role)
def test_an_owner_gives_every_role(signed_in: SignIn, workspace: Workspace, newcomer: User, role: Role) -> None:
    client, other = signed_in(workspace, Role.OWNER), member(workspace)

    added(client, workspace, role=role)
    client.post(change(other), {"role": role})

    assert {role_of(newcomer, workspace), role_of(other.user, workspace)} == {role}


def test_an_admin_makes_no_owner(signed_in: SignIn, workspace: Workspace, newcomer: User) -> None:
    client, other = signed_in(workspace, Role.ADMIN), member(workspace)

    assert errors_of(added(client, workspace, role="OWNER")) == {"role": [OWNERS_ONLY]}
    assert list(errors_of(client.post(change(other), {"role": "OWNER"}))) == ["role"]
    assert 'value="OWNER"' not in client.get(change(other)).content.decode()
    assert (role_of(newcomer, workspace), role_of(other.user, workspace)) == (None, "MEMBER")


def test_an_admin_changes_and_removes_no_owner(signed_in: SignIn, workspace: Workspace) -> None:
    client, owner = signed_in(workspace, Role.ADMIN), member(workspace, Role.OWNER)

    assert client.post(change(owner), {"role": "GUEST"}).status_code == 403
    assert client.post(delete(owner), {"post": "yes"}).status_code == 403
    client.post(reverse(LIST), {"action": "delete_selected", "_selected_action": [owner.pk], "post": "yes"})
    assert role_of(owner.user, workspace) == "OWNER"


def test_an_owner_changes_and_removes_owners(signed_in: SignIn, workspace: Workspace) -> None:
    client, one, two = signed_in(workspace, Role.OWNER), member(workspace, Role.OWNER), member(workspace, Role.OWNER)

    client.post(change(one), {"role": "GUEST"})
    client.post(delete(two), {"post": "yes"})

    assert (role_of(one.user, workspace), role_of(two.user, workspace)) == ("GUEST", None)
    assert sorted(LogEntry.objects.values_list("action_flag", flat=True)) == [2, 3]


def test_an_admin_removes_several_at_once(signed_in: SignIn, workspace: Workspace) -> None:
    client, others = signed_in(workspace, Role.ADMIN), [member(workspace) for _ in range(3)]

    client.post(
        reverse(LIST),
        {"action": "delete_selected", "_selected_action": [other.pk for other in others[:2]], "post": "yes"},
    )

    assert [role_of(other.user, workspace) for other in others] == [None, None, "MEMBER"]


@pytest.mark.parametrize("role", [Role.GUEST, Role.MEMBER])
def test_members_look_at_each_other_and_change_nothing(
    signed_in: SignIn, workspace: Workspace, newcomer: User, role: Role
) -> None:
    client, other = signed_in(workspace, role), member(workspace)

    assert other.user.username in client.get(reverse(LIST)).content.decode()
    assert client.get(change(other)).status_code == 200
    assert client.post(change(other), {"role": "GUEST"}).status_code == 403
    assert client.post(delete(other), {"post": "yes"}).status_code == 403
    assert added(client, workspace).status_code == 403
    assert (role_of(other.user, workspace), role_of(newcomer, workspace)) == ("MEMBER", None)


def test_those_of_other_workspaces_are_out_of_reach(signed_in: SignIn, workspace: Workspace, newcomer: User) -> None:
    client, theirs = signed_in(workspace, Role.OWNER), member(WorkspaceFactory.create(name="Theirs"))

    assert theirs.user.username not in client.get(reverse(LIST)).content.decode()
    assert client.get(change(theirs)).status_code == 302
    assert client.post(delete(theirs), {"post": "yes"}).status_code == 302
    assert list(errors_of(added(client, theirs.workspace))) == ["workspace"]
    assert (role_of(theirs.user, theirs.workspace), role_of(newcomer, theirs.workspace)) == ("MEMBER", None)


def test_being_a_guest_there_is_not_enough_to_add_somebody(
    signed_in: SignIn, workspace: Workspace, newcomer: User
) -> None:
    client, there = signed_in(workspace, Role.ADMIN), WorkspaceFactory.create()
    MembershipFactory.create(workspace=there, user=User.objects.get(is_staff=True), role=Role.GUEST)

    assert list(errors_of(added(client, there))) == ["workspace"]


# The workspaces


def test_the_list_says_how_much_is_in_each_without_a_query_for_each(admin_client: Client, workspace: Workspace) -> None:
    counts, page = [], ""
    for number in (5, 45):
        for _ in range(number):
            there = WorkspaceFactory.create()
            member(there)
            WorkflowFactory.create(workspace=there)
        with CaptureQueriesContext(connection) as queries:
            page = admin_client.get(reverse("admin:workspaces_workspace_changelist")).content.decode()
        counts.append(len(queries))

    assert counts[0] == counts[1] <= 6
    assert "ours" in page


def test_members_and_workflows_are_not_multiplied(admin_client: Client, workspace: Workspace) -> None:
    for _ in range(3):
        member(workspace)
    for _ in range(2):
        WorkflowFactory.create(workspace=workspace)

    [shown] = admin_client.get(reverse("admin:workspaces_workspace_changelist")).context["cl"].result_list

    assert (shown.member_count, shown.workflow_count) == (3, 2)


def test_its_page_shows_the_members_and_leads_to_what_is_in_it(admin_client: Client, workspace: Workspace) -> None:
    other = member(workspace, Role.OWNER)

    page = admin_client.get(page_of(workspace)).content.decode()

    assert 'data-role="OWNER">Owner<' in page
    for address in (change(other), delete(other), f"{reverse(ADD)}?workspace={workspace.pk}"):
        assert address in page
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


def test_the_page_of_another_is_out_of_reach(signed_in: SignIn, workspace: Workspace) -> None:
    theirs = WorkspaceFactory.create(name="Theirs")
    client = signed_in(workspace, Role.OWNER)

    assert client.get(page_of(theirs)).status_code == 302
    assert client.get(reverse("admin:workspaces_workspace_change", args=["no-id"])).status_code == 302
    assert "Theirs" not in client.get(reverse("admin:workspaces_workspace_changelist")).content.decode()


def test_a_superuser_makes_one_with_its_owner_and_its_organization(admin_client: Client, newcomer: User) -> None:
    given = {"name": "Support", "slug": "support", "owner": "newcomer"}

    response = admin_client.post(reverse("admin:workspaces_workspace_add"), given)

    made = Workspace.objects.get()
    assert response.status_code == 302
    assert (made.slug, made.name, made.organization.slug, made.organization.owner) == (
        "support", "Support", "support", newcomer,
    )  # fmt: skip
    assert role_of(newcomer, made) == "OWNER"
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

    assert list(errors_of(response)) == [field]
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

    for address in (page_of(hostile), reverse(LIST), reverse("admin:workspaces_workspace_changelist")):
        page = admin_client.get(address).content.decode()
        assert HOSTILE not in page
        assert "&lt;script&gt;" in page
