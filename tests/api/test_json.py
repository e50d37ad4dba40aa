"""JSON from a client comes back as it was sent, or it is refused; it never breaks anything, and nothing is left of it.

What is sent here is written as text, since Python's own `json` couldn't write most of it.
"""

import json
import time
from typing import Any

import pytest
from pytest_django import Settings

from executions.models import Execution
from tests.api.clients import Answer
from tests.api.documents import PLACES, VALUE, read_back, send
from tests.api.house import House
from workflows.models import Workflow, WorkflowVersion

ANYWHERE = [place for place in PLACES if place != "tags"]
KEPT = {
    "the largest integer": "9223372036854775807",
    "the smallest integer": "-9223372036854775808",
    "a float that is whole": "1.0",
    "a negative zero": "-0.0",
    "a large float": "1e+308",
    "the smallest float": "5e-324",
    "a float with an exponent": "1e22",
    "17 digits": "0.30000000000000004",
    "a false, and a zero": "[false, 0, 0.0, null, true, 1, 1.0]",
    "an empty text": '""',
    "an emoji by its two halves": r'"\ud83d\ude00"',
    "an emoji": '"👩‍💻"',
    "separators of lines": r'"\u2028\u2029\u0085"',
    "control characters": r'"\u0001\u001f\u007f\t\n"',
    "decomposed and composed": r'["\u00e9", "e\u0301"]',
    "names out of order": '{"z": {"b": 1, "a": 2}, "a": [], "É": {}}',
    "an empty name": '{"": {"": ""}}',
    "names of Python's and JavaScript's": '{"__proto__": 1, "constructor": 2, "__class__": 3, "$where": 4}',
    "names that only look alike": r'{"a": 1, "A": 2, "\u0430": 3, "\u00e9": 4, "e\u0301": 5}',
    "SQL and markup": """["'; DROP TABLE x; --", "%s %% %(a)s ?", "<script>", "\\\\"]""",
    "60 levels": "[" * 60 + "]" * 60,
    "a long text": json.dumps("x" * 900_000),
}
REFUSED: dict[str, str | bytes] = {
    "a lone surrogate": r'"\ud800"',
    "the other half": r'"a\udfffb"',
    "a surrogate in a name": r'{"a": {"\ud800": 1}}',
    "a NUL": r'"a\u0000b"',
    "a NUL in a name": r'{"a": {"\u0000": 1}}',
    "NaN": "NaN",
    "Infinity": "Infinity",
    "minus Infinity": "[-Infinity]",
    "a float too large": "1e400",
    "a float too small": "-1e-400",
    "a float with an exponent beyond sense": "1e99999999999999999999",
    "a float with an exponent below sense": "0.1e-99999999999999999999",
    "a float with too many digits": "0.12345678901234567890",
    "a float of 2,000 digits": "0." + "1" * 2_000,
    "2^63": "9223372036854775808",
    "-2^63 - 1": "-9223372036854775809",
    "an integer of 5,000 digits": "9" * 5_000,
    "65 levels": "[" * 66 + "]" * 66,
    "9,000 levels": "[" * 9_000 + "]" * 9_000,
    "9,990 levels": "[" * 9_990 + "]" * 9_990,
    "100,000 lists": "[" * 100_000 + "]" * 100_000,
    "100,000 objects": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "a name twice": '{"a": 1, "a": 1}',
    "a name twice, once escaped": r'{"a": 1, "\u0061": 2}',
    "a surrogate twice": r'{"\ud800": 1, "\ud800": 2}',
    "a control character": '"\x01"',
    "invalid UTF-8": b'"\xff"',
    "a surrogate in UTF-8": b'"\xed\xa0\x80"',
    "single quotes": "'a'",
    "a trailing comma": "[1,]",
    "a comment": "1 /* one */",
    "hexadecimal": "0x10",
    "a leading zero": "01",
    "an unfinished text": '"a',
    "nothing but a comma": ",",
}


def filled(body: Any, value: str | bytes) -> bytes:
    """The body with this text where VALUE is."""
    text = value if isinstance(value, bytes) else value.encode()
    return json.dumps(body).encode().replace(f'"{VALUE}"'.encode(), text)


def rows(house: House) -> tuple[Any, ...]:
    kept = Workflow.objects.values_list("metadata", "tags", "version", "execution_count").get(pk=house.workflow.pk)
    return kept, Workflow.objects.count(), WorkflowVersion.objects.count(), Execution.objects.count()


def check_refusal(house: House, before: tuple[Any, ...], answer: Answer) -> None:
    assert answer.status == 400, answer.content[:300]
    assert answer.error in ("VALIDATION_ERROR", "WORKFLOW_INVALID")
    assert rows(house) == before


@pytest.mark.parametrize("name", KEPT)
@pytest.mark.parametrize("place", ANYWHERE)
def test_it_comes_back_as_it_was_sent(house: House, place: str, name: str) -> None:
    written = send(house, place, lambda body: filled(body, KEPT[name]))

    assert written.status in (200, 201, 202), written.content[:300]
    assert json.dumps(read_back(house, place, written)) == json.dumps(json.loads(KEPT[name]))


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("place", PLACES)
def test_what_can_not_is_refused_and_nothing_is_left_of_it(house: House, place: str, name: str) -> None:
    house.workflow  # noqa: B018 (so that it is there before)
    before = rows(house)

    check_refusal(house, before, send(house, place, lambda body: filled(body, REFUSED[name])))


@pytest.mark.parametrize("levels", [101, 9_000, 100_000])
def test_no_reader_gets_to_see_what_it_could_not_walk_through(house: House, levels: int) -> None:
    """How deep Python goes differs from reader to reader and from version to version."""
    body = b'{"triggerData":' + b"[" * levels + b"]" * levels + b"}"

    answer = house.owner.post(f"{house.path}/workflows/{house.workflow.pk}/execute", body)

    assert (answer.status, answer.error) == (400, "VALIDATION_ERROR")
    assert answer.json["message"] == "The JSON is nested too deep; send at most 64 levels."


WHOLE = {
    "a list": b"[]",
    "a text": b'"x"',
    "a number": b"1",
    "true": b"true",
    "null": b"null",
    "two objects": b"{} {}",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": "{}".encode("utf-16"),
    "spaces": b"  ",
    "a NUL": b"\x00",
    "an unknown field": b'{"nmae": 1}',
    "an unknown field with a surrogate": rb'{"\ud800": 1}',
    "an unknown field of 100,000 characters": b'{"' + b"x" * 100_000 + b'": 1}',
    "a status that is a surrogate": rb'{"status": "\ud800", "role": "\ud800", "scopes": ["\ud800"]}',
    "a name that is a surrogate": rb'{"name": "\ud800", "user": "\ud800", "description": "\ud800"}',
    "a name that is NUL": rb'{"name": "\u0000", "user": "\u0000", "description": "\u0000"}',
    "objects for everything": b'{"name": {}, "user": {}, "status": {}, "role": {}, "scopes": {}, "triggerData": NaN}',
    "lists for everything": b'{"name": [], "user": [], "status": [], "role": [], "scopes": [[]], "variables": []}',
}  # fmt: skip
BODIES = {
    "POST": ["members", "tokens", "workflows", "workflows/{workflow}/execute"],
    "PATCH": ["members/{member}", "tasks/{task}", "workflows/{workflow}"],
}


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize(("method", "path"), [(method, path) for method, paths in BODIES.items() for path in paths])
def test_a_body_that_is_no_such_object_is_refused(house: House, method: str, path: str, name: str) -> None:
    filled_path = path.format(workflow=house.workflow.pk, member=house.intern.pk, task=house.task.pk)
    before = rows(house)

    answer = house.owner.ask(method, f"{house.path}/{filled_path}", WHOLE[name])

    check_refusal(house, before, answer)


@pytest.mark.parametrize("body", [None, b""])
def test_no_body_is_an_empty_object(house: House, body: bytes | None) -> None:
    path = f"{house.path}/workflows"

    assert house.owner.post(f"{path}/{house.workflow.pk}/execute", body).status == 202
    refused = house.owner.post(path, body)
    assert (refused.status, sorted(refused.json["errors"])) == (400, ["actions", "name"])


def test_a_body_has_one_mebibyte_at_most(house: House, settings: Settings) -> None:
    path = f"{house.path}/workflows/{house.workflow.pk}/execute"
    empty = json.dumps({"triggerData": ""}).encode()
    room = settings.DATA_UPLOAD_MAX_MEMORY_SIZE - len(empty)
    assert settings.DATA_UPLOAD_MAX_MEMORY_SIZE == 1024 * 1024

    assert house.owner.post(path, empty.replace(b'""', b'"' + b"x" * room + b'"')).status == 202
    refused = house.owner.post(path, empty.replace(b'""', b'"' + b"x" * (room + 1) + b'"'))
    assert (refused.status, refused.error) == (413, "PAYLOAD_TOO_LARGE")
    assert "1,048,576 bytes" in refused.json["message"]
    assert Execution.objects.count() == 1


def test_one_name_that_occurs_twice_among_many_is_found_at_once(house: House) -> None:
    """To count each of the names would take minutes."""
    names = [*(f'"{number}":0' for number in range(100_000)), '"99999":0']
    began = time.process_time()

    answer = house.owner.post(f"{house.path}/workflows", f"{{{','.join(names)}}}".encode())

    assert (answer.status, time.process_time() - began < 20) == (400, True)
    assert "99999" in answer.json["message"]
