"""Who is who: tokens that open nothing any more, sessions, owners of organizations, superusers."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.api.clients import Api, with_token
from tests.api.house import House
from tests.api.routes import CASES, EXPECTED, address
from tests.factories import MembershipFactory, UserFactory
from workspaces import tokens
from workspaces.models import ApiToken, Membership, Role, Scope

GUARDED = [(route, method) for route, method in CASES if EXPECTED[route][method].who != "everybody"]


@pytest.fixture(autouse=True)
def _newcomer(db: None) -> None:
    """Whom a body of the table names."""
    UserFactory.create(username="newcomer")


def expire(token: ApiToken) -> None:
    ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now())


def revoke(token: ApiToken) -> None:
    tokens.revoke(token=token)


def deactivate(token: ApiToken) -> None:
    User.objects.filter(pk=token.user.pk).update(is_active=False)


@pytest.mark.parametrize("end", [expire, revoke, deactivate])
@pytest.mark.parametrize(("route", "method"), GUARDED)
def test_a_token_that_has_ended_is_401(house: House, route: str, method: str, end: Callable[[ApiToken], None]) -> None:
    token, text = tokens.issue(user=house.people["owner"], name="test", scopes=Scope.values)
    path, body = address(route, house), EXPECTED[route][method].body
    end(token)

    answer = Api(token=text).ask(method, path, body)

    assert (answer.status, answer.error) == (401, "UNAUTHORIZED")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert text not in answer.content.decode()


@pytest.mark.parametrize("end", [expire, revoke, deactivate])
def test_it_opens_everything_until_then(house: House, end: Callable[[ApiToken], None]) -> None:
    token, text = tokens.issue(user=house.people["owner"], name="test", scopes=Scope.values)

    assert Api(token=text).get(house.path).status == 200
    end(token)
    assert Api(token=text).get(house.path).status == 401


@pytest.mark.parametrize("authorization", ["Bearer", "Bearer a b", "Bearer tri_unknown", "Bearer \x00", "bearer é"])
def test_a_wrong_token_is_401_even_beside_a_session(house: House, authorization: str) -> None:
    answer = house.api("owner").ask("GET", house.path, Authorization=authorization)

    assert (answer.status, answer.error) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize("authorization", ["", "Basic YTpi", "Token abc", "tri_x"])
def test_another_scheme_is_as_good_as_none(house: House, authorization: str) -> None:
    assert house.api("anonymous").ask("GET", house.path, Authorization=authorization).status == 401
    assert house.api("owner").ask("GET", house.path, Authorization=authorization).status == 200


def test_a_session_of_a_user_who_is_no_longer_active_is_none(house: House) -> None:
    api = house.api("owner")
    assert api.get(house.path).status == 200

    User.objects.filter(pk=house.people["owner"].pk).update(is_active=False)

    assert api.get(house.path).status == 401


@pytest.mark.parametrize("api", [lambda user: Api(user=user), with_token], ids=["session", "token"])
@pytest.mark.parametrize(("route", "method"), CASES)
def test_the_organizations_owner_is_an_owner_without_a_membership(
    house: House, route: str, method: str, api: Callable[[User], Api]
) -> None:
    chief = house.workspace.organization.owner
    house.people["chief"] = chief

    answer = api(chief).ask(method, address(route, house, "chief"), EXPECTED[route][method].body)

    assert answer.status == EXPECTED[route][method].status, answer.content
    assert not Membership.objects.filter(user=chief).exists()


@pytest.mark.parametrize("role", Role)
def test_a_membership_does_not_lessen_the_organizations_owner(house: House, role: Role) -> None:
    chief = house.workspace.organization.owner
    MembershipFactory.create(workspace=house.workspace, user=chief, role=role)

    assert with_token(chief).get(house.path).json["workspace"]["role"] == "OWNER"
    assert [each["role"] for each in with_token(chief).get("workspaces").json["workspaces"]] == ["OWNER"]


def test_an_organizations_owner_owns_nothing_elsewhere(house: House) -> None:
    chief = house.elsewhere.organization.owner

    assert with_token(chief).get(house.path).status == 404
    assert with_token(chief).get(f"workspaces/{house.elsewhere.slug}").status == 200


@pytest.mark.parametrize(("route", "method"), GUARDED)
def test_a_superuser_has_no_reach_of_his_own(house: House, route: str, method: str) -> None:
    root = UserFactory.create(is_superuser=True, is_staff=True)
    house.people["root"] = root
    rule = EXPECTED[route][method]

    answer = Api(user=root).ask(method, address(route, house, "root" if rule.who == "user" else "owner"), rule.body)

    assert answer.status == (rule.status if rule.who == "user" else 404)


@pytest.mark.parametrize("role", ["guest", "member", "admin"])
def test_a_superuser_who_is_a_member_has_the_role_he_was_given(house: House, role: str) -> None:
    root = house.people[role]
    root.is_superuser = root.is_staff = True
    root.save()

    assert with_token(root).get(f"{house.path}/tokens").status == (200 if role == "admin" else 403)
    assert with_token(root).get(house.path).json["workspace"]["role"] == role.upper()


def test_who_has_left_finds_nothing_from_then_on(house: House) -> None:
    """By whichever token: also by one that was made for this workspace."""
    member = house.people["member"]
    callers = [house.member, with_token(member, workspace=house.workspace), house.api("member")]
    assert [api.get(house.path).status for api in callers] == [200, 200, 200]

    Membership.objects.filter(user=member).delete()

    assert [api.get(house.path).status for api in callers] == [404, 404, 404]
    assert [api.get("workspaces").json["total"] for api in callers] == [0, 0, 0]


def test_another_role_counts_from_the_next_request_on(house: House) -> None:
    path = f"{house.path}/workflows/{house.workflow.pk}/execute"
    assert house.member.post(path).status == 202

    Membership.objects.filter(user=house.people["member"]).update(role=Role.GUEST)

    refused = house.member.post(path)
    assert (refused.status, refused.error) == (403, "FORBIDDEN")
    assert "GUEST" in refused.json["message"]
    assert "that takes MEMBER or ADMIN or OWNER" in refused.json["message"]


def test_a_bound_token_lists_its_one_workspace(house: House) -> None:
    owner = house.people["owner"]
    slugs = {house.slug, house.elsewhere.slug}

    bound, free = (with_token(owner, workspace=workspace) for workspace in (house.workspace, None))

    assert [each["slug"] for each in bound.get("workspaces").json["workspaces"]] == [house.slug]
    assert {each["slug"] for each in free.get("workspaces").json["workspaces"]} == slugs
