"""What a caller may not see doesn't exist for him: nothing tells a foreign id from one that was made up."""

from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from executions.models import Execution
from tests.api.clients import Answer, Api
from tests.api.house import House
from tests.api.routes import EXPECTED, IN_A_WORKSPACE, WITH_AN_ID, address, row_id
from tests.factories import MembershipFactory, UserFactory, WorkspaceFactory, definition
from workspaces.fields import uuid7

CODES = {"workflows": "WORKFLOW_NOT_FOUND", "executions": "EXECUTION_NOT_FOUND"}
NO_IDS = {
    "a word": "nope",
    "a NUL": "%00",
    "a percent sign": "%25",
    "a dot": "%2E",
    "a space": "%20",
    "a quotation mark": "%27",
    "a snowman": quote("☃"),
    "a surrogate": "%ED%A0%80",
    "no UTF-8": "%FF%FE",
    "very long": "x" * 100_000,
    "very many digits": "9" * 100_000,
    "one digit short": "01a20881-04d2-773b-9632-d2a02aec1b9",
    "zero": "0",
    "minus one": "-1",
    "a reserved name": "undefined",
}


@pytest.fixture
def other() -> House:
    return House(slug="theirs")


@pytest.fixture(autouse=True)
def _newcomer(db: None) -> None:
    """Whom a body of the table names."""
    UserFactory.create(username="newcomer")


def asked(api: Api, method: str, path: str, body: Any) -> tuple[Answer, int]:
    with CaptureQueriesContext(connection) as queries:
        answer = api.ask(method, path, body)
    return answer, len(queries)


def check_the_same(house: House, route: str, method: str, *paths: str) -> Answer:
    """All of these paths are answered in the same way, byte for byte, at the same cost."""
    house.owner.get("workspaces")  # the token's first use is recorded
    body = EXPECTED[route][method].body
    answers = [asked(house.owner, method, path, body) for path in paths]
    first, cost = answers[0]
    for answer, queries in answers:
        assert (answer.status, answer.content, dict(answer.headers)) == (404, first.content, dict(first.headers))
        assert queries == cost
    return first


@pytest.mark.parametrize(("route", "method"), IN_A_WORKSPACE)
def test_a_foreign_workspace_is_like_none(house: House, other: House, route: str, method: str) -> None:
    row = row_id(route, other) if "<str:id>" in route else ""
    slug = route.replace("<str:id>", row)

    for theirs, none in ((other.slug, "nowhere"), (other.workspace.pk, uuid7())):
        paths = [slug.replace("<str:workspace>", str(reference)) for reference in (theirs, none)]
        assert check_the_same(house, route, method, *paths).error == "WORKSPACE_NOT_FOUND"


@pytest.mark.parametrize(("route", "method"), WITH_AN_ID)
def test_a_foreign_row_is_like_none(house: House, other: House, route: str, method: str) -> None:
    """Neither one of another workspace nor, where each has his own, one of somebody else."""
    foreign = row_id(route, other)
    elses = row_id(route, house, "member") if "notifications" in route or route == "tokens/<str:id>" else foreign

    answer = check_the_same(
        house, route, method, *(address(route, house, id=row) for row in (str(uuid7()), foreign, elses))
    )

    kind = "executions" if "/executions/" in route else "workflows" if "/workflows/" in route else ""
    assert answer.error == CODES.get(kind, "NOT_FOUND")


@pytest.mark.parametrize(("route", "method"), [case for case in WITH_AN_ID if case in IN_A_WORKSPACE])
def test_a_row_is_found_in_its_own_workspace_alone(house: House, route: str, method: str) -> None:
    """The owner reaches both workspaces, and the row through one of them."""
    own = address(route, house)
    elsewhere = own.replace(f"/{house.slug}/", f"/{house.elsewhere.slug}/")
    none = elsewhere.replace(own.split("/")[4 if "/executions/" in own else 3], str(uuid7()))

    check_the_same(house, route, method, none, elsewhere)


@pytest.mark.parametrize(("route", "method"), WITH_AN_ID)
def test_what_is_no_id_leads_nowhere(house: House, route: str, method: str) -> None:
    for name, text in NO_IDS.items():
        answer = house.owner.ask(method, address(route, house, id=text), EXPECTED[route][method].body)

        assert (answer.status, answer.error[-9:]) == (404, "NOT_FOUND"), name


@pytest.mark.parametrize("name", NO_IDS)
def test_what_is_no_slug_leads_nowhere(house: House, name: str) -> None:
    for path in ("", "/workflows", "/members", "/workflows/executions/x"):
        answer = house.owner.get(f"workspaces/{NO_IDS[name]}{path}")
        assert (answer.status, answer.error) == (404, "WORKSPACE_NOT_FOUND")


def test_an_id_is_found_however_its_digits_are_written(house: House) -> None:
    key = house.workflow.pk

    for written in (str(key), str(key).upper(), key.hex, key.hex.upper()):
        assert house.owner.get(f"{house.path}/workflows/{written}").json["workflow"]["id"] == str(key)


STRANGE = ["{{{0}}}", "urn:uuid:{0}", "{0}%20", "{0}%0A", "%0A{1}", "%20{1}", "_{1}", "+{1}", "%D9%A0{1}"]


@pytest.mark.parametrize("form", STRANGE)
def test_an_id_in_a_form_that_only_python_reads_is_none(house: House, form: str) -> None:
    """All of these are the same id to `UUID()`: whoever repeats one in a header or a cache key gets into trouble."""
    for row, path in ((house.workflow, "workspaces/sales/workflows/{0}"), (house.workspace, "workspaces/{0}")):
        answer = house.owner.get(path.format(form.format(row.pk, str(row.pk)[1:])))
        assert (answer.status, answer.error[-9:]) == (404, "NOT_FOUND")


def test_a_newline_before_a_workspaces_id_starts_nothing(house: House) -> None:
    """Its `Location` would have the newline in it."""
    path = f"workspaces/%0A{str(house.workspace.pk)[1:]}/workflows"

    assert house.owner.post(path, {"name": "New", **definition()}).status == 404
    assert house.owner.post(f"{path}/{house.workflow.pk}/execute").status == 404
    assert not Execution.objects.exists()


def test_a_workspace_is_found_by_its_slug_or_its_id(house: House) -> None:
    for reference in (house.slug, house.workspace.pk, str(house.workspace.pk).upper(), house.workspace.pk.hex):
        assert house.owner.get(f"workspaces/{reference}").json["workspace"]["slug"] == house.slug


def test_a_slug_that_only_resembles_an_id_still_leads_to_its_workspace(house: House) -> None:
    lookalike = WorkspaceFactory.create(slug="a0000000-0000-0000-0000-0000000000-00")
    MembershipFactory.create(workspace=lookalike, user=house.people["owner"])

    assert house.owner.get(f"workspaces/{lookalike.slug}").json["workspace"]["id"] == str(lookalike.pk)
