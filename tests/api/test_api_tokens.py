"""Tokens over the API: shown once, no stronger than who asks for them, and gone as soon as they are revoked."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from tests.api.clients import Answer, Api, with_token
from tests.api.house import House
from workspaces import tokens
from workspaces.models import ApiToken, Scope

EVERYWHERE = "tokens"
HERE = "workspaces/sales/tokens"


def made(answer: Answer) -> Api:
    assert answer.status == 201, answer.content
    return Api(token=answer.json["text"])


@pytest.mark.parametrize("path", [EVERYWHERE, HERE])
def test_its_text_is_shown_once_and_never_again(house: House, path: str) -> None:
    answer = house.owner.post(path, {"name": "ci", "scopes": ["read", "admin"]})
    text, shown = answer.json["text"], answer.json["token"]

    assert text.startswith("tri_")
    assert text not in str(shown)
    assert made(answer).get(house.path).status == 200
    for api in (house.owner, Api(token=text)):
        page = api.get(path)
        assert text not in page.content.decode()
        assert ApiToken.objects.get(pk=shown["id"]).digest not in page.content.decode()
        [listed] = [token for token in page.json["tokens"] if token["id"] == shown["id"]]
        assert {**listed, "lastUsedAt": None} == {**shown, "lastUsedAt": None}
        assert listed["hint"] == text[:8]


@pytest.mark.parametrize("path", [EVERYWHERE, HERE])
def test_what_is_not_said_is_reading_and_executing_for_90_days(house: House, path: str) -> None:
    token = house.owner.post(path, {"name": "ci"}).json["token"]

    assert (token["scopes"], token["lastUsedAt"]) == (["read", "execute"], None)
    life = datetime.fromisoformat(token["expiresAt"]) - datetime.fromisoformat(token["createdAt"])
    assert timedelta(days=90, minutes=-1) < life < timedelta(days=90, minutes=1)
    assert token["workspaceId"] == (str(house.workspace.pk) if path == HERE else None)
    assert token["user"]["username"] == house.people["owner"].username


@pytest.mark.parametrize(
    "scopes", [["read"], ["admin", "read"], list(Scope.values), ["read", "read", "write"]], ids=str
)
def test_scopes_come_in_one_order_once_each(house: House, scopes: list[str]) -> None:
    token = house.owner.post(HERE, {"name": "ci", "scopes": scopes}).json["token"]

    assert token["scopes"] == [scope for scope in Scope.values if scope in scopes]


@pytest.mark.parametrize(
    ("fields", "at_fault"),
    [
        ({"name": ""}, "name"),
        ({"name": " "}, "name"),
        ({"name": None}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a\x1b[2J"}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": "read"}, "scopes"),
        ({"scopes": ["reads"]}, "scopes[0]"),
        ({"scopes": ["read", None]}, "scopes[1]"),
        ({"scopes": ["read"] * 5}, "scopes"),
        ({"scopes": {"0": "read"}}, "scopes"),
        ({"expiresAt": "soon"}, "expiresAt"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "expiresAt"),
        ({"expiresAt": "9999-12-31T23:59:59-14:00"}, "expiresAt"),
        ({"expiresAt": 5}, "expiresAt"),
        ({"expiresAt": "x" * 100_000}, "expiresAt"),
        ({"user": 1}, "user"),
        ({"workspace": "sales"}, "workspace"),
        ({"workspaceId": None}, "workspaceId"),
    ],
    ids=lambda value: str(value)[:40],
)
@pytest.mark.parametrize("path", [EVERYWHERE, HERE])
def test_what_can_not_be_issued_is_said_at_its_field(
    house: House, path: str, fields: dict[str, object], at_fault: str
) -> None:
    owner = house.owner
    before = ApiToken.objects.count()

    answer = owner.post(path, {"name": "ci", "scopes": ["read"], **fields})

    assert (answer.status, answer.error, list(answer.json["errors"])) == (400, "VALIDATION_ERROR", [at_fault])
    assert ApiToken.objects.count() == before


def test_an_expiry_comes_back_in_utc_and_holds(house: House) -> None:
    soon = (timezone.now() + timedelta(hours=1)).replace(microsecond=0)
    zoned = soon.astimezone(timezone.get_fixed_timezone(120))

    answer = house.owner.post(HERE, {"name": "ci", "expiresAt": zoned.isoformat()})

    assert answer.json["token"]["expiresAt"] == soon.isoformat().replace("+00:00", "Z")
    assert made(answer).get(house.path).status == 200
    ApiToken.objects.filter(pk=answer.json["token"]["id"]).update(expires_at=timezone.now())
    assert made(answer).get(house.path).status == 401


@pytest.mark.parametrize("path", [EVERYWHERE, HERE])
def test_a_token_gives_no_scope_that_it_lacks(house: House, path: str) -> None:
    asking = with_token(house.people["owner"], "read", "admin")
    before = ApiToken.objects.count()

    for scopes in (["write"], ["read", "execute"], list(Scope.values)):
        refused = asking.post(path, {"name": "ci", "scopes": scopes})
        assert (refused.status, refused.error) == (403, "FORBIDDEN")
        for beyond in {*scopes} - {"read", "admin"}:
            assert beyond in refused.json["message"]
    assert asking.post(path, {"name": "ci"}).status == 403, "by default it would execute"
    assert ApiToken.objects.count() == before
    assert asking.post(path, {"name": "ci", "scopes": ["read", "admin"]}).status == 201


def test_a_session_gives_every_scope(house: House) -> None:
    assert house.api("owner").post(EVERYWHERE, {"name": "ci", "scopes": Scope.values}).status == 201


def test_a_token_of_one_workspace_makes_none_for_all_of_them(house: House) -> None:
    bound = with_token(house.people["owner"], workspace=house.workspace)

    refused = bound.post(EVERYWHERE, {"name": "ci", "scopes": ["read"]})

    assert (refused.status, refused.error) == (403, "FORBIDDEN")
    again = made(bound.post(HERE, {"name": "ci", "scopes": ["read"]}))
    assert again.get(house.path).status == 200
    assert again.get(f"workspaces/{house.elsewhere.slug}").status == 404


def test_a_token_of_one_workspace_sees_and_revokes_no_others(house: House) -> None:
    owner = house.people["owner"]
    bound = with_token(owner, workspace=house.workspace)
    free, _ = tokens.issue(user=owner, name="free", scopes=["read"])
    there, _ = tokens.issue(user=owner, name="there", scopes=["read"], workspace=house.elsewhere)

    assert [token["workspaceId"] for token in bound.get(EVERYWHERE).json["tokens"]] == [str(house.workspace.pk)]
    for token in (free, there):
        assert bound.delete(f"{EVERYWHERE}/{token.pk}").status == 404
        assert bound.delete(f"{HERE}/{token.pk}").status == 404
    assert ApiToken.objects.filter(pk__in=[free.pk, there.pk]).count() == 2


def test_to_revoke_works_at_once(house: House) -> None:
    for path in (EVERYWHERE, HERE):
        answer = house.owner.post(path, {"name": "ci"})
        api = made(answer)
        assert api.get(house.path).status == 200

        gone = house.owner.delete(f"{path}/{answer.json['token']['id']}")

        assert (gone.status, gone.content) == (204, b"")
        assert api.get(house.path).status == 401
        assert house.owner.delete(f"{path}/{answer.json['token']['id']}").status == 404


def test_a_token_may_revoke_itself(house: House) -> None:
    answer = house.owner.post(EVERYWHERE, {"name": "ci", "scopes": ["admin"]})
    api = made(answer)

    assert api.delete(f"{EVERYWHERE}/{answer.json['token']['id']}").status == 204
    assert api.get(EVERYWHERE).status == 401


def test_each_has_his_own_list_and_nobody_revokes_anothers(house: House) -> None:
    theirs = house.own_token_of("stranger")

    assert str(theirs.pk) not in house.owner.get(EVERYWHERE).content.decode()
    assert house.owner.delete(f"{EVERYWHERE}/{theirs.pk}").status == 404
    assert house.owner.delete(f"{HERE}/{theirs.pk}").status == 404
    assert str(theirs.pk) in house.stranger.get(EVERYWHERE).content.decode()


def test_an_admin_sees_and_revokes_all_tokens_of_the_workspace_alone(house: House) -> None:
    made_by_owner, _ = tokens.issue(user=house.people["owner"], name="ci", scopes=["read"], workspace=house.workspace)
    free = house.own_token_of("owner")

    listed = [token["id"] for token in house.admin.get(HERE).json["tokens"]]

    assert listed == [str(made_by_owner.pk)]
    assert house.admin.delete(f"{HERE}/{made_by_owner.pk}").status == 204
    assert house.admin.delete(f"{HERE}/{free.pk}").status == 404


def test_a_guest_has_tokens_of_his_own_that_do_what_he_may(house: House) -> None:
    api = made(house.api("guest").post(EVERYWHERE, {"name": "ci", "scopes": Scope.values}))

    assert api.get(f"{house.path}/workflows").status == 200
    assert api.post(f"{house.path}/workflows", {}).status == 403
    assert house.guest.post(HERE, {"name": "ci"}).status == 403


def test_a_token_makes_none_that_outlives_it(house: House) -> None:
    soon = timezone.now() + timedelta(hours=1)
    brief = Api(token=tokens.issue(user=house.people["owner"], name="brief", scopes=["admin"], expires_at=soon)[1])
    later = (soon + timedelta(hours=1)).isoformat()

    assert brief.post(HERE, {"name": "x", "scopes": ["admin"], "expiresAt": None}).status == 403
    assert brief.post(HERE, {"name": "x", "scopes": ["admin"], "expiresAt": later}).status == 403
    made = brief.post(HERE, {"name": "x", "scopes": ["admin"]})
    assert made.status == 201
    assert datetime.fromisoformat(made.json["token"]["expiresAt"]) == soon


def test_a_token_lasts_90_days_unless_something_else_is_said(house: House) -> None:
    unsaid = house.owner.post(HERE, {"name": "x"}).json["token"]["expiresAt"]
    never = house.owner.post(HERE, {"name": "x", "expiresAt": None}).json["token"]["expiresAt"]

    assert timedelta(days=89) < datetime.fromisoformat(unsaid) - timezone.now() <= timedelta(days=90)
    assert never is None


@pytest.mark.parametrize("path", [EVERYWHERE, HERE])
def test_a_new_token_can_be_revoked_at_its_location(house: House, path: str) -> None:
    answer = house.owner.post(path, {"name": "x"})

    assert house.owner.delete(answer.headers["Location"].removeprefix("/api/")).status == 204
    assert not ApiToken.objects.filter(pk=answer.json["token"]["id"]).exists()
