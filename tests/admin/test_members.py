"""Members in the admin: the same rules as in the API, by typed addresses too."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests.admin.conftest import SignIn, member
from tests.factories import MembershipFactory, UserFactory, WorkspaceFactory
from workspaces import services
from workspaces.models import Membership, Role, Workspace

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>"
ADD = "admin:workspaces_membership_add"
LIST = "admin:workspaces_membership_changelist"
OWNERS_ONLY = "Owners are made and unmade by owners alone."


def role_of(user: User, workspace: Workspace) -> str | None:
    return Membership.objects.filter(workspace=workspace, user=user).values_list("role", flat=True).first()


def change(membership: Membership) -> str:
    return reverse("admin:workspaces_membership_change", args=[membership.pk])


def delete(membership: Membership) -> str:
    return reverse("admin:workspaces_membership_delete", args=[membership.pk])


def added(client: Client, workspace: Workspace, /, **fields: Any) -> Any:
    return client.post(reverse(ADD), {"workspace": workspace.pk, "user": "newcomer", "role": "MEMBER", **fields})


def errors_of(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200
    return dict(response.context["adminform"].form.errors)


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
