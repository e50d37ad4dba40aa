"""Workspaces and their members: who is shown, who may make whom what."""

import pytest
from django.contrib.auth.models import User

from tests.api.clients import Answer, with_token
from tests.api.house import House
from tests.factories import MembershipFactory, UserFactory, WorkspaceFactory
from workspaces.models import Membership, Role


def role_of(user: User, house: House) -> str | None:
    return Membership.objects.filter(workspace=house.workspace, user=user).values_list("role", flat=True).first()


def membership(house: House, name: str) -> str:
    return f"{house.path}/members/{Membership.objects.get(workspace=house.workspace, user=house.people[name]).pk}"


def check_refused(answer: Answer) -> None:
    assert (answer.status, answer.error) == (403, "FORBIDDEN")
    assert "OWNER" in answer.json["message"]


def test_a_workspace_is_shown_with_the_callers_role(house: House) -> None:
    shown = house.admin.get(house.path).json["workspace"]

    assert shown == {
        "id": str(house.workspace.pk),
        "slug": "sales",
        "name": "Workspace",
        "organization": {"slug": house.workspace.organization.slug, "name": "Organization"},
        "role": "ADMIN",
        "maxRunning": None,
        "retentionDays": None,
        "retentionCount": None,
        "createdAt": house.workspace.created_at.isoformat().replace("+00:00", "Z"),
    }
    assert house.guest.get(house.path).json["workspace"]["role"] == "GUEST"
    assert house.admin.get("workspaces").json == {
        "workspaces": [shown], "total": 1, "page": 1, "limit": 20, "totalPages": 1,
    }  # fmt: skip


def test_workspaces_come_by_name_in_pages(house: House) -> None:
    for name in "cab":
        workspace = WorkspaceFactory.create(name=name)
        MembershipFactory.create(workspace=workspace, user=house.people["stranger"])

    pages = [house.stranger.get("workspaces", page=page, limit=2).json for page in (1, 2, 3)]

    assert [[each["name"] for each in page["workspaces"]] for page in pages] == [["a", "b"], ["c"], []]
    assert [(page["total"], page["page"], page["totalPages"]) for page in pages] == [(3, 1, 2), (3, 2, 2), (3, 3, 2)]


def test_members_are_shown_to_all_of_them(house: House) -> None:
    page = house.guest.get(f"{house.path}/members").json

    assert [(each["user"]["username"], each["role"]) for each in page["members"]] == [
        (house.people[role].username, role.upper()) for role in ("guest", "member", "admin", "owner")
    ]
    one = page["members"][0]
    guest = house.people["guest"]
    assert one["user"] == {"id": guest.pk, "username": guest.username, "name": "", "email": guest.email}
    assert house.guest.get(f"{house.path}/members/{one['id']}").json == {"member": one}


@pytest.mark.parametrize("reference", ["newcomer", "new@example.org", "NEW@example.ORG", " newcomer "])
def test_a_member_is_added_by_user_name_or_address(house: House, reference: str) -> None:
    newcomer = UserFactory.create(username="newcomer", email="new@example.org")

    answer = house.admin.post(f"{house.path}/members", {"user": reference, "role": "MEMBER"})

    member = answer.json["member"]
    assert (answer.status, member["user"]["id"], member["role"]) == (201, newcomer.pk, "MEMBER")
    assert answer.headers["Location"] == f"/api/{house.path}/members/{member['id']}"
    assert house.admin.get(answer.headers["Location"]).json == {"member": member}
    assert with_token(newcomer).get(house.path).status == 200


def test_one_who_is_a_member_already_is_409_and_keeps_the_role(house: House) -> None:
    for _ in range(2):
        answer = house.owner.post(f"{house.path}/members", {"user": house.people["guest"].username, "role": "OWNER"})

        assert (answer.status, answer.error) == (409, "MEMBER_ALREADY_EXISTS")
        assert house.people["guest"].username in answer.json["message"]
    assert role_of(house.people["guest"], house) == "GUEST"


@pytest.mark.parametrize(
    ("body", "at_fault"),
    [
        ({"user": "nobody", "role": "GUEST"}, "user"),
        ({"user": "", "role": "GUEST"}, "user"),
        ({"user": "shared@example.org", "role": "GUEST"}, "user"),
        ({"user": "inactive", "role": "GUEST"}, "user"),
        ({"user": "%", "role": "GUEST"}, "user"),
        ({"user": "newcomer_", "role": "GUEST"}, "user"),
        ({"user": "new%@example.org", "role": "GUEST"}, "user"),
        ({"user": None, "role": "GUEST"}, "user"),
        ({"role": "GUEST"}, "user"),
        ({"user": "newcomer"}, "role"),
        ({"user": "newcomer", "role": "guest"}, "role"),
        ({"user": "newcomer", "role": "ROOT"}, "role"),
        ({"user": "newcomer", "role": None}, "role"),
        ({"user": "newcomer", "role": "GUEST", "workspace": "x"}, "workspace"),
    ],
    ids=str,
)
def test_who_can_not_be_added_is_said_at_the_field(house: House, body: dict[str, str], at_fault: str) -> None:
    UserFactory.create(username="newcomer", email="new@example.org")
    UserFactory.create(username="inactive", is_active=False)
    for _ in range(2):
        UserFactory.create(email="shared@example.org")
    before = Membership.objects.count()

    answer = house.owner.post(f"{house.path}/members", body)

    assert (answer.status, answer.error, list(answer.json["errors"])) == (400, "VALIDATION_ERROR", [at_fault])
    assert Membership.objects.count() == before + 0


@pytest.mark.parametrize("role", Role)
def test_an_owner_gives_every_role(house: House, role: Role) -> None:
    UserFactory.create(username="newcomer")

    assert house.owner.post(f"{house.path}/members", {"user": "newcomer", "role": role}).status == 201
    assert house.owner.patch(membership(house, "guest"), {"role": role}).json["member"]["role"] == role
    assert role_of(house.people["guest"], house) == role


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OWNER])
def test_an_admin_gives_every_role_but_an_owners(house: House, role: Role) -> None:
    UserFactory.create(username="newcomer")

    assert house.admin.post(f"{house.path}/members", {"user": "newcomer", "role": role}).status == 201
    assert house.admin.patch(membership(house, "guest"), {"role": role}).status == 200
    assert role_of(house.people["guest"], house) == role


def test_an_admin_makes_no_owner(house: House) -> None:
    newcomer = UserFactory.create(username="newcomer")

    check_refused(house.admin.post(f"{house.path}/members", {"user": "newcomer", "role": "OWNER"}))
    check_refused(house.admin.patch(membership(house, "guest"), {"role": "OWNER"}))
    check_refused(house.admin.patch(membership(house, "admin"), {"role": "OWNER"}))
    assert role_of(newcomer, house) is None
    assert [role_of(house.people[name], house) for name in ("guest", "admin")] == ["GUEST", "ADMIN"]


@pytest.mark.parametrize("role", Role)
def test_an_admin_changes_and_removes_no_owner(house: House, role: Role) -> None:
    check_refused(house.admin.patch(membership(house, "owner"), {"role": role}))
    check_refused(house.admin.delete(membership(house, "owner")))
    assert role_of(house.people["owner"], house) == "OWNER"


def test_an_owner_changes_and_removes_owners(house: House) -> None:
    second = MembershipFactory.create(workspace=house.workspace, role=Role.OWNER)
    path = f"{house.path}/members/{second.pk}"

    assert house.owner.patch(path, {"role": "GUEST"}).json["member"]["role"] == "GUEST"
    assert house.owner.delete(path).status == 204
    assert role_of(second.user, house) is None
    assert house.owner.get(path).status == 404


def test_an_admin_removes_others_and_himself(house: House) -> None:
    paths = [membership(house, name) for name in ("guest", "admin")]

    assert [house.admin.delete(path).status for path in paths] == [204, 204]
    assert house.admin.get(house.path).status == 404


def test_an_owners_token_without_the_scope_makes_nobody_anything(house: House) -> None:
    limited = with_token(house.people["owner"], "read", "execute", "write")

    answer = limited.patch(membership(house, "guest"), {"role": "OWNER"})

    assert (answer.status, role_of(house.people["guest"], house)) == (403, "GUEST")


def test_members_of_a_workspace_are_not_those_of_another(house: House) -> None:
    there = MembershipFactory.create(workspace=house.elsewhere)

    answer = house.owner.delete(f"{house.path}/members/{there.pk}")

    assert answer.status == 404
    assert Membership.objects.filter(pk=there.pk).exists()
