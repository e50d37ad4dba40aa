"""Secrets over the API: set and replaced, listed by name, and never read back."""

import json

import pytest

from tests.api.clients import with_token
from tests.api.house import House
from workspaces import secrets
from workspaces.models import Secret

VALUE = "sk-4f0a81c2d9e7"


def path(house: House, name: str = "") -> str:
    return f"{house.path}/secrets/{name}".rstrip("/")


def test_one_is_set_replaced_listed_and_removed(house: House) -> None:
    made = house.admin.ask("PUT", path(house, "API_KEY"), {"value": VALUE})
    changed = house.admin.ask("PUT", path(house, "API_KEY"), {"value": f" {VALUE}\n"})
    page = house.admin.get(path(house)).json

    assert (made.status, changed.status) == (201, 200)
    assert made.json["secret"].keys() == {"name", "createdAt", "updatedAt"}
    assert page["secrets"] == [changed.json["secret"]]
    assert page["total"] == 1
    assert secrets.reveal(workspace_id=house.workspace.pk, names=["API_KEY"]) == {"API_KEY": f" {VALUE}\n"}
    assert house.admin.delete(path(house, "API_KEY")).status == 204
    assert house.admin.delete(path(house, "API_KEY")).status == 404
    assert house.admin.get(path(house)).json["secrets"] == []


def test_no_answer_holds_a_value(house: House) -> None:
    answers = [
        house.admin.ask("PUT", path(house, "API_KEY"), {"value": VALUE}),
        house.admin.ask("PUT", path(house, "1"), {"value": VALUE}),
        house.admin.ask("PUT", path(house, "API_KEY"), {"value": VALUE, "more": VALUE}),
        house.admin.ask("PUT", path(house, "API_KEY"), {"value": [VALUE]}),
        house.admin.get(path(house)),
        house.admin.get(house.path),
    ]

    assert [answer.status for answer in answers] == [201, 400, 400, 400, 200, 200]
    assert VALUE not in "".join(answer.content.decode() for answer in answers)


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("A-B", {"value": VALUE}, "name"),
        ("1A", {"value": VALUE}, "name"),
        ("A%00", {"value": VALUE}, "name"),
        ("A%0A", {"value": VALUE}, "name"),
        ("A", {"value": "short"}, "value"),
        ("A", {"value": 12345678}, "value"),
        ("A", {"value": None}, "value"),
        ("A", {}, "value"),
        ("A", {"value": "x" * 65_537}, "value"),
        ("A", {"value": VALUE, "note": "no"}, "note"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_field(house: House, name: str, body: object, field: str) -> None:
    answer = house.admin.ask("PUT", path(house, name), body)

    assert (answer.status, [*answer.json["errors"]]) == (400, [field])
    assert not Secret.objects.exists()


@pytest.mark.parametrize("name", ["A-B", "A%00", "%F0%9F%94%91", "a" * 300])
def test_what_is_no_name_is_not_found(house: House, name: str) -> None:
    assert house.admin.delete(path(house, name)).status == 404


def test_who_changes_workflows_sees_names_and_who_administers_sets_them(house: House) -> None:
    writer = with_token(house.people["admin"], "write")
    house.admin.ask("PUT", path(house, "API_KEY"), {"value": VALUE})

    assert [each["name"] for each in writer.get(path(house)).json["secrets"]] == ["API_KEY"]
    assert writer.ask("PUT", path(house, "API_KEY"), {"value": VALUE}).status == 403
    assert house.member.get(path(house)).status == 403
    assert house.stranger.get(path(house)).status == 404
    assert json.loads(house.stranger.ask("PUT", path(house, "X"), {"value": VALUE}).content)["status"] == 404
