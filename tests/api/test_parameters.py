"""What stands in the query and in the headers: an allow-list of names, and no value that breaks anything."""

import pytest

from tests.api.clients import PROBLEM
from tests.api.house import House
from tests.api.routes import CASES, EXPECTED, address, rows
from workflows.models import Workflow

PAGE = ("page", "limit")
SORT = ("sortBy", "sortOrder")
OFFSET = ("offset", "limit", "cursor", "from", "to", "status", "triggerType")
LISTS = {
    "workspaces": PAGE,
    "tokens": PAGE,
    "{house}/members": PAGE,
    "{house}/tokens": PAGE,
    "{house}/tasks": ("status", "priority", "assignee", "executionId", *SORT, *PAGE),
    "{house}/notifications": ("unread", *SORT, *PAGE),
    "{house}/workflows": ("status", "trigger", "search", "tags", *SORT, *PAGE),
    "{house}/workflows/{workflow}/executions": (*OFFSET, *SORT),
    "{house}/workflows/{workflow}/history": (*OFFSET, *SORT, "executionId"),
}
PARAMETERS = [(path, name) for path, names in LISTS.items() for name in names]
HOSTILE = {
    "nothing": "",
    "a NUL": "%00",
    "a NUL inside": "a%00b",
    "a surrogate": "%ED%A0%80",
    "no UTF-8": "%FF%FE",
    "very long": "x" * 10_000,
    "very many digits": "9" * 5_000,
    "very many commas": "%2C" * 3_000,
    "a large number": "99999999999999999999",
    "minus one": "-1",
    "zero": "0",
    "a fraction": "1.5",
    "an exponent": "1e3",
    "hexadecimal": "0x10",
    "not a number": "nan",
    "an underscore": "1_0",
    "digits of another script": "%D9%A1%D9%A2",
    "a newline behind": "1%0A",
    "quotation marks": "%27%22%60",
    "a backslash": "%5C",
    "a lone percent": "%",
    "a list": "%5B%5D",
    "a time before all": "0001-01-01T00:00:00%2B14:00",
    "a time after all": "9999-12-31T23:59:59-14:00",
    "an emoji": "%F0%9F%98%80",
}


def filled(path: str, house: House) -> str:
    return path.format(house=house.path, workflow=house.workflow.pk)


@pytest.mark.parametrize(("path", "parameter"), PARAMETERS)
def test_no_value_of_a_parameter_breaks_a_list(house: House, path: str, parameter: str) -> None:
    whole = filled(path, house)
    for name, value in HOSTILE.items():
        answer = house.owner.get(f"{whole}?{parameter}={value}")

        if answer.status == 404:
            assert (parameter, answer.error) == ("executionId", "EXECUTION_NOT_FOUND"), name
        elif answer.status != 200:
            assert (answer.status, answer.error, list(answer.json["errors"])) == (400, "VALIDATION_ERROR", [parameter])


UNKNOWN = {
    "a misspelt one": ("Status", "Status"),
    "Django's own": ("status__in", "status__in"),
    "a relation": ("workspace__organization__owner__password", "workspace__organization__owner__password"),
    "a NUL": ("%00", "\x00"),
    "a surrogate": ("%ED%A0%80", "\ufffd\ufffd\ufffd"),
    "brackets": ("status%5B%5D", "status[]"),
    "a format": ("format", "format"),
    "a long one": ("x" * 5_000, "x" * 100),
}


@pytest.mark.parametrize("path", LISTS)
def test_an_unknown_parameter_is_refused_by_name(house: House, path: str) -> None:
    whole = filled(path, house)
    for sent, said in UNKNOWN.values():
        answer = house.owner.get(f"{whole}?{sent}=1")

        assert (answer.status, answer.error) == (400, "VALIDATION_ERROR")
        assert list(answer.json["errors"]) == [said]
        for known in LISTS[path]:
            assert known in answer.json["errors"][said][0]


@pytest.mark.parametrize(("route", "method"), [case for case in CASES if EXPECTED[case[0]][case[1]].who != "everybody"])
def test_a_parameter_that_a_route_has_not_is_refused_before_anything_is_done(
    house: House, route: str, method: str
) -> None:
    path, owner = address(route, house), house.owner
    before = rows()

    answer = owner.ask(method, f"{path}?nope=1", EXPECTED[route][method].body)

    assert (answer.status, answer.error, list(answer.json["errors"])) == (400, "VALIDATION_ERROR", ["nope"])
    assert rows() == before


def test_execute_knows_one_parameter(house: House) -> None:
    path = f"{house.path}/workflows/{house.workflow.pk}/execute"

    assert house.owner.post(f"{path}?wait=0").status == 202
    assert list(house.owner.post(f"{path}?wiat=1").json["errors"]) == ["wiat"]
    for value in ("-1", "61", "1.5", "", "a", "%00", "9" * 100, "%D9%A1"):
        answer = house.owner.post(f"{path}?wait={value}")
        assert (answer.status, list(answer.json["errors"])) == (400, ["wait"])
    house.workflow.refresh_from_db()
    assert house.workflow.execution_count == 1


# Of headers a server passes on what Latin-1 has, byte by byte.
SNOWMAN, SURROGATE = "\xe2\x98\x83", "\xed\xa0\x80"
KEYS = ["", "x" * 256, "x" * 100_000, "a\x00b", "é", SNOWMAN, SURROGATE, "a\tb", "\x7f", "a\x1bb"]


def test_an_idempotency_key_is_a_line_of_ascii(house: House) -> None:
    path = f"{house.path}/workflows/{house.workflow.pk}/execute"
    for key in KEYS:
        answer = house.owner.post(path, Idempotency_Key=key)

        assert (answer.status, answer.error) == (400, "VALIDATION_ERROR"), key
        assert list(answer.json["errors"]) == ["Idempotency-Key"]
    assert Workflow.objects.get(pk=house.workflow.pk).execution_count == 0
    assert house.owner.post(path, Idempotency_Key="x" * 255).status == 202


HEADERS = ["\x00", "a\x00b", "\xff\xfe", SNOWMAN, SURROGATE, "x" * 9_000, ",", ";", ";;q=", "=", '"', "wait=", "\\"]
NAMES = ["Accept", "Accept-Language", "Content-Type", "Cookie", "Prefer", "If-None-Match", "X-CSRFToken", "Referer"]


@pytest.mark.parametrize("name", [*NAMES, "X-Forwarded-For", "X-HTTP-Method-Override", "Range", "Origin", "User-Agent"])
def test_no_value_of_a_header_breaks_anything(house: House, name: str) -> None:
    path = f"{house.path}/workflows/{house.workflow.pk}/execute"
    for value in HEADERS:
        for api in (house.owner, house.api("owner")):
            answer = api.ask("POST", path, b"{}", **{name.replace("-", "_"): value})

            assert answer.status in ((202, 401) if name == "Cookie" else (202, 400, 406, 415)), value
            assert answer.type == ("application/json" if answer.status == 202 else PROBLEM)
