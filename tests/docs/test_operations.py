"""What `docs/operations.md` says of settings and error codes is so."""

import ast
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.docs.commands import shown
from tests.docs.pages import DOCS, ROOT, codes, read, rows, section
from workflows.actions.outbound.client import WORTH_A_RETRY

PAGE = DOCS / "operations.md"
READERS = ("read", "database", "mailer")
FAILURES = ("ActionError", "Failure")
SETTINGS = {row["variable"].strip("`"): row["default"] for row in rows(read(PAGE), "variable", "default", "what it is")}
ERRORS = {
    row["code"].strip("`"): row["tried again"] for row in rows(read(PAGE), "code", "what happened", "tried again")
}


def calls(file: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))


def constants(nodes: list[ast.expr]) -> list[object]:
    return [node.value for node in nodes if isinstance(node, ast.Constant)]


def variables() -> dict[str, object]:
    """Every environment variable that the settings read, with its default where that is written out."""
    source = ROOT / "config" / "settings.py"
    found = read_in_a_loop(source)
    for call in calls(source):
        is_direct = isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "env"
        if is_direct or (isinstance(call.func, ast.Name) and call.func.id in READERS):
            name, *default = constants(call.args) or [""]
            keywords = [value.value for value in call.keywords if value.arg == "default"]
            found[str(name)] = next(iter([*default, *constants(keywords)]), None)
    return {name: default for name, default in found.items() if name}


def read_in_a_loop(file: Path) -> dict[str, object]:
    """The names and defaults in `(read(…, name, default, …) for name, default in ((…, …), …))`."""
    loops = (
        node for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.GeneratorExp)
    )
    readers = (loop for loop in loops if isinstance(loop.elt, ast.Call) and ast.unparse(loop.elt.func) in READERS)
    found: dict[str, object] = {}
    for loop in readers:
        found |= ast.literal_eval(loop.generators[0].iter)
    return found


def test_every_variable_is_in_the_table() -> None:
    assert {"DATABASE_URL", "LEASE_SECONDS", "EMAIL_URL", "REQUESTS_PER_MINUTE_OF_USER"} <= set(variables())
    assert set(SETTINGS) == set(variables())


def test_the_defaults_are_those_of_the_settings() -> None:
    written = {name: default for name, default in variables().items() if isinstance(default, str | int)}
    assert len(written) > 8

    for name, default in written.items():
        value = str(default).lower() if isinstance(default, bool) else str(default)
        assert SETTINGS[name] == f"`{value}`", name


def test_the_number_of_connections_is_that_of_the_pool() -> None:
    assert settings.EXECUTOR_THREADS + settings.WEB_THREADS // 2 + 4 == 12, "as the page counts them"
    assert "with the defaults, 12" in read(PAGE)


def raised() -> set[str]:
    """Every code that the engine or a built-in action gives to an error."""
    found: set[object] = set()
    for file in [*(ROOT / "workflows" / "actions").rglob("*.py"), *(ROOT / "executions").rglob("*.py")]:
        for call in calls(file):
            if isinstance(call.func, ast.Name) and call.func.id in FAILURES and call.args:
                found.update(constants(call.args[:1]))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Dict) and constants([key for key in node.keys if key])[:1] == ["code"]:
                found.update(constants(node.values[:1]))
    return {str(code) for code in found}


def test_every_error_code_is_in_the_table() -> None:
    assert set(ERRORS) == raised()


def test_the_statuses_that_are_tried_again_are_those_of_the_client() -> None:
    assert ERRORS["HTTP_STATUS"] == ", ".join([*map(str, sorted(WORTH_A_RETRY)), "5xx"])


def test_the_codes_of_other_pages_are_in_the_table_too() -> None:
    table = rows(
        section(DOCS / "actions.md", "### How it fails"),
        "what happens",
        "the step's error",
        "tried again under `onError: retry`",
    )
    told = {row["the step's error"]: row[next(reversed(row))] for row in table}

    for error, again in told.items():
        (code, *_) = codes(error)
        assert code == "CODE" or ERRORS[code].split(";")[0] == again.split(";")[0], code


def test_the_copy_of_a_database_in_use_is_whole(tmp_path: Path) -> None:
    (words,) = [words for words in shown(PAGE) if "-c" in words]
    writer = sqlite3.connect(tmp_path / "db.sqlite3")
    writer.executescript("PRAGMA journal_mode=WAL; CREATE TABLE row (id); INSERT INTO row VALUES (1);")

    subprocess.run([sys.executable, *words[1:]], cwd=tmp_path, check=True, timeout=60)

    with sqlite3.connect(tmp_path / "copy.sqlite3") as copy:
        assert copy.execute("SELECT id FROM row").fetchall() == [(1,)]
    copy.close()
    writer.close()


@pytest.mark.parametrize("status", ["PENDING", "RUNNING", "FAILED"])
def test_what_an_execution_may_be_stuck_in_is_told(status: str) -> None:
    assert status in section(PAGE, "## When something is stuck")
