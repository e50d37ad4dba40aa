"""What `docs/api.md` says is so. Its last part is made of the code; to write it anew:

WRITE=1 .venv/bin/python -m pytest tests/docs/test_api.py
"""

import ast
import os
from io import BytesIO

import pytest
from django.conf import settings
from rest_framework.exceptions import ParseError

from config.problems import CODES, DOMAIN
from config.rest import JSONParser
from config.streaming import STREAMS_OF_A_USER
from executions import services
from executions.api.preferences import MAX_WAIT_SECONDS
from executions.selection import COUNTED_UP_TO
from executions.services import IDEMPOTENCY_KEY
from executions.stream import boards, following, overview, passes
from executions.stream import reading as stream_reading
from tests.docs.pages import DOCS, ROOT, codes, read, rows, section
from tests.docs.reference import reference
from tests.factories import ExecutionFactory
from workflows.documents import MAX_DEPTH, MAX_DOCUMENT_BYTES, DocumentError, encode
from workspaces.access import MAY, SCOPE
from workspaces.api.pages import DEFAULT_LIMIT, MAX_LIMIT
from workspaces.models import Role

PAGE = DOCS / "api.md"
MARK = "<!-- from here on made of the code: WRITE=1 .venv/bin/python -m pytest tests/docs/test_api.py -->\n"
MIB = 1024 * 1024


def test_the_operations_are_those_of_the_openapi_document() -> None:
    written, mark, made = read(PAGE).partition(MARK)
    assert mark, "the mark behind which the page is made of the code"

    if os.environ.get("WRITE"):
        PAGE.write_text(f"{written}{mark}\n{reference()}", encoding="utf-8")
        _, _, made = read(PAGE).partition(MARK)

    assert made == f"\n{reference()}", f"outdated; {__doc__}"


def test_the_table_of_roles_and_scopes_is_that_of_the_code() -> None:
    roles = [*MAY]
    table = rows(section(PAGE, "## Who may what"), "to", *roles, "scope of a token")

    assert {row["to"]: row["scope of a token"] for row in table} == {
        verb: f"`{scope}`" for verb, scope in SCOPE.items()
    }
    for row in table:
        assert [role for role in roles if row[role] == "✔"] == [role for role in roles if row["to"] in MAY[role]]
    assert roles[-1] is Role.OWNER


def test_every_error_code_is_in_the_table_with_its_status() -> None:
    table = [(int(row["status"]), codes(row["code"])[0]) for row in rows(read(PAGE), "code", "status", "when")]

    assert sorted(table) == sorted({*CODES.items(), *DOMAIN.values(), *written_out()})


def written_out() -> set[tuple[int, str]]:
    """The statuses and codes that stand beside each other as arguments, anywhere in `config`."""
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in (ROOT / "config").glob("*.py")]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    pairs = [[arg.value for arg in call.args[:2] if isinstance(arg, ast.Constant)] for call in calls]
    return {
        (status, code)
        for status, code in (pair for pair in pairs if len(pair) == 2)
        if isinstance(status, int) and isinstance(code, str) and code.isupper()
    }


REFUSED = [codes(row["such as"])[0] for row in rows(read(PAGE), "such as", "since")]


@pytest.mark.parametrize("text", REFUSED)
def test_the_json_that_is_said_to_be_refused_is(text: str) -> None:
    assert not is_kept(text)


def test_json_that_is_like_it_is_kept() -> None:
    assert len(REFUSED) == 8
    for text in ('{"a": 1, "b": 2}', "9223372036854775807", "0.1234567890123456", "1e300", '"NaN"', '"\\ud83d\\ude00"'):
        assert is_kept(text), text
    assert is_kept("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert not is_kept("[" * (MAX_DEPTH + 1) + "1" + "]" * (MAX_DEPTH + 1))


def is_kept(text: str) -> bool:
    try:
        encode(JSONParser().parse(BytesIO(text.encode())))
    except (DocumentError, ParseError):
        return False
    return True


def test_the_limits_are_those_of_the_code() -> None:
    limits = {row["limit"]: row[""] for row in rows(section(PAGE, "## Limits"), "limit", "")}

    assert (settings.MAX_BODY_BYTES, MAX_DOCUMENT_BYTES) == (MIB, MIB)
    assert limits == {
        "a request's body": "1 MiB, by `MAX_BODY_BYTES`",
        "a definition, trigger data, variables, metadata: each": "1 MiB",
        "items of a page": f"{MAX_LIMIT}; {DEFAULT_LIMIT} unless asked",
        "how long an execute waits": f"{MAX_WAIT_SECONDS} s",
        "requests of one user, over all tokens and sessions": (
            f"{settings.REQUESTS_PER_MINUTE_OF_USER:,} in a minute, by `REQUESTS_PER_MINUTE_OF_USER`"
        ),
        "requests in one workspace, of all users": (
            f"{settings.REQUESTS_PER_MINUTE_IN_WORKSPACE:,} in a minute, by `REQUESTS_PER_MINUTE_IN_WORKSPACE`"
        ),
        "streams of one user": f"{STREAMS_OF_A_USER}",
        "streams of all users": f"{settings.STREAMS_AT_ONCE:,}, by `STREAMS_AT_ONCE`",
    }


def test_the_figures_in_the_text_are_those_of_the_code() -> None:
    assert IDEMPOTENCY_KEY.pattern == "[ -~]{1,255}"
    assert "one to 255 printable ASCII characters" in read(PAGE)
    assert f"`total` is exact up to {COUNTED_UP_TO:,}" in read(PAGE)
    assert f"more than {MAX_WAIT_SECONDS} seconds counts as {MAX_WAIT_SECONDS}" in read(PAGE)
    assert f"at most {MAX_DEPTH} levels deep" in read(PAGE)


def test_the_figures_of_the_stream_are_those_of_the_code() -> None:
    told = section(PAGE, "## The stream").replace("\n", " ")

    assert f"every {following.KEEP_ALIVE_SECONDS:.0f} seconds" in told
    assert f"for {passes.TICKET_LIFE.total_seconds():.0f} seconds" in told
    assert f"the newest {overview.UNFINISHED_AT_MOST:,}" in told
    assert boards.READING_SECONDS == 1 / 5
    assert "at most five states of an execution in a second" in told


def test_the_fields_of_the_streams_are_those_of_the_code(db: None) -> None:
    table = rows(section(PAGE, "## The stream"), "of a workspace", "when", "data")
    told = {codes(row["of a workspace"])[0]: codes(row["data"]) for row in table}
    execution = ExecutionFactory.create()

    (sheet,) = overview.present(execution.workspace_id, overview.latest_cursor())

    assert told["execution"] == [*sheet.states[0]]
    assert told["connected"] == [*overview.connected(execution.workspace_id)]
    of_one = rows(section(PAGE, "## The stream"), "of an execution", "when", "data")
    reading = stream_reading.read(services.cancel(execution=execution).pk, 0)
    assert reading.ending
    assert codes(next(row for row in of_one if "complete" in row["of an execution"])["data"]) == [*reading.ending]
