"""What stands in the logs, and what never does."""

import json
import logging
import threading
from pathlib import Path
from typing import Any

import pytest
import structlog

from config import logs
from executions import services
from tests.config.processes import manage
from tests.config.servers import serving
from tests.executions.handlers import ValueConfig
from tests.executions.programs import scene
from tests.executions.programs.children import child, eventually, has_ended
from tests.executions.scenes import ran, steps
from workflows.actions.context import ActionContext
from workflows.actions.registry import action

SECRET = "hunter2"


@action("test_bound", config=ValueConfig)
def bound(_config: ValueConfig, _context: ActionContext) -> Any:
    """Gives what a line logged here would have."""
    return structlog.contextvars.get_contextvars()


@action("test_bound_async", config=ValueConfig)
async def bound_async(_config: ValueConfig, _context: ActionContext) -> Any:
    return structlog.contextvars.get_contextvars()


@action("test_bound_inside", config=ValueConfig, transactional=True)
def bound_inside(_config: ValueConfig, _context: ActionContext) -> Any:
    return structlog.contextvars.get_contextvars()


def parsed(text: str) -> list[dict[str, Any]]:
    """Every line is an object, or this raises."""
    return [json.loads(line) for line in text.splitlines()]


def line(message: str, *values: object, error: Exception | None = None, **extra: object) -> str:
    """What a line of that would be in JSON."""
    record = logging.makeLogRecord({"name": "of_a_test", "levelno": 30, "levelname": "WARNING", **extra})
    record.msg, record.args = message, values
    record.exc_info = (type(error), error, error.__traceback__) if error else None
    return logs.formatter("json").format(record)


def test_a_line_is_an_object_whatever_is_in_it() -> None:
    written = line('a "quote", a\nbreak, %s and %s', "\ud800", object, request=SECRET, execution_id="e")

    assert written.isascii()
    assert "\n" not in written
    shown = json.loads(written)
    assert shown.pop("timestamp").endswith("Z")
    assert ascii(shown.pop("event")) == ascii(f'a "quote", a\nbreak, \ud800 and {object}')
    assert shown == {"level": "warning", "logger": "of_a_test", "execution_id": "e"}


def test_a_line_about_an_error_has_its_traceback() -> None:
    try:
        raise ValueError("broken")
    except ValueError as error:
        written = line("it broke", error=error)

    assert "\n" not in written
    assert json.loads(written)["exception"].endswith("ValueError: broken")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["test_bound", "test_bound_async", "test_bound_inside"])
def test_a_handler_logs_with_the_ids_of_its_execution_on_whatever_thread_it_runs(kind: str) -> None:
    execution = ran({"type": kind}, {"type": kind})

    ids = {
        "execution_id": str(execution.pk),
        "workflow_id": str(execution.workflow_id),
        "workspace_id": str(execution.workspace_id),
    }
    assert [step.output for step in steps(execution)] == [{**ids, "step": path, "attempt": 1} for path in ("0", "1")]
    assert structlog.contextvars.get_contextvars() == {}


@pytest.mark.django_db(transaction=True)
def test_a_worker_writes_json_with_ids_and_without_a_users_data() -> None:
    log: scene.Action = {"type": "test_log", "config": {"text": "{{ trigger.text }}"}}
    workflow = scene.workflow("logged", log)
    with child("manage.py", "run_worker", LOG_FORMAT="json", LOG_LEVEL="DEBUG") as worker:
        execution = services.start(workflow=workflow, trigger_data={"text": SECRET})
        eventually(lambda: has_ended(execution))
        worker.terminate()
        _, errors = worker.communicate(timeout=60)

    assert SECRET in str(execution.steps.get().output)
    assert SECRET not in errors
    found = {line["event"]: line for line in parsed(errors)}
    assert "This worker is ready." in found
    line = found["at work"]
    assert line.pop("timestamp")
    assert line == {
        "event": "at work", "level": "info", "logger": "executions.of_a_test", "step": "0", "attempt": 1,
        "execution_id": str(execution.pk), "workflow_id": str(workflow.pk), "workspace_id": str(workflow.workspace_id),
    }  # fmt: skip


def test_a_server_writes_json_alone_with_a_line_for_each_request(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/nowhere/db.sqlite3"
    with serving(DATABASE_URL=url, LOG_FORMAT="json") as server:
        reader, rest = _reading(server.process.stderr)
        assert server.ask("GET", f"/nothing/here?ticket={SECRET}").status == 404
        assert server.ask("GET", "/readyz").status == 503
        server.process.terminate()
        server.process.wait(60)
        reader.join(60)

    assert SECRET not in "".join(rest)
    events = parsed("".join(rest))
    nothing, readyz = (line for line in events if line["event"] == "request_finished")
    assert (nothing["request"], nothing["code"], nothing["level"]) == ("GET /nothing/here", 404, "info")
    assert (readyz["request"], readyz["code"], readyz["level"]) == ("GET /readyz", 503, "error")
    assert nothing["request_id"] != readyz["request_id"]
    ailments = [line for line in events if line.get("request_id") == readyz["request_id"]]
    assert ["the database doesn't answer" in line["event"] for line in ailments] == [True, False]
    assert any(line["logger"] == "uvicorn.error" for line in events)


def _reading(pipe: Any) -> tuple[threading.Thread, list[str]]:
    lines: list[str] = []
    thread = threading.Thread(target=lambda: lines.extend(pipe))
    thread.start()
    return thread, lines


def test_the_servers_own_access_log_has_no_queries(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/nowhere/db.sqlite3"
    with serving("--access-log", DATABASE_URL=url, LOG_FORMAT="json") as server:
        server.ask("GET", f"/healthz?ticket={SECRET}")
        server.process.terminate()
        output, errors = server.process.communicate(timeout=60)

    assert SECRET not in output + errors
    (line,) = parsed(output)
    assert line["event"].endswith('"GET /healthz HTTP/1.1" 200')


@pytest.mark.parametrize(("debug", "expected"), [("true", "plain"), ("false", "json")])
def test_it_is_for_people_while_debugging_and_for_machines_otherwise(debug: str, expected: str) -> None:
    say = "import logging; logging.getLogger('executions').warning('hello')"
    answer = manage("shell", "--no-imports", "--command", say, DEBUG=debug, SECRET_KEY="of a test " * 5)

    assert answer.returncode == 0, answer.stderr
    (line,) = answer.stderr.splitlines()
    assert line.startswith("{") == (expected == "json")
    assert "hello" in line


def test_an_unknown_format_is_told_with_its_mend() -> None:
    answer = manage("check", LOG_FORMAT="xml")

    assert "LOG_FORMAT: Must be one of: plain, json." in answer.stderr
    assert "Write plain, or json for a JSON object a line." in answer.stderr
