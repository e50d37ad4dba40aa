"""Handlers that are isolated are the same as others to those who write them, and workflows with them."""

import json
import os
import signal
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from structlog.contextvars import bound_contextvars

from executions import services
from executions.engine import forks, isolation, performer
from tests.config.processes import ROOT
from tests.executions.misbehaving import apart
from tests.executions.misbehaving import settings as settings_of_children
from tests.executions.misbehaving.scenes import LAST, last, worker
from tests.executions.programs.children import child, ended, eventually, has_ended
from tests.executions.scenes import ran, started, statuses, steps
from tests.factories import WorkflowFactory, definition
from workflows.actions.registry import ACTIONS, ActionConfig, action
from workflows.documents import Json
from workspaces import secrets
from workspaces.models import Task

pytestmark = pytest.mark.django_db(transaction=True)

assert apart.__name__, "its actions are registered"


def test_it_is_given_the_same_as_in_the_process_of_its_execution() -> None:
    value: Json = {"text": "ü\u2028\x7f", "number": 2**62, "list": [None, True, 1.5]}
    tell: dict[str, Json] = {"config": {"value": value}, "timeout": 5_000}
    execution = ran(
        {"id": "first", "type": "test_echo", "config": {"value": ["recorded"]}},
        {"id": "here", "type": "test_told_here", **tell},
        {"id": "apart", "type": "test_told_apart", **tell},
        trigger={"number": 7},
    )

    _, here, there = steps(execution)
    assert there.output["scope"][2].pop("here")["output"] == here.output
    differing = {name for name, found in here.output.items() if there.output[name] != found}
    assert differing == {"action_id", "path", "now", "deadline", "idempotency_key"}
    assert there.output["idempotency_key"] == f"{execution.pk}:2"
    assert there.output["has time"] is True
    assert [line["message"] for line in there.log] == ["a line"]


def test_whatever_is_bound_to_the_logs_of_its_starter_it_takes_as_text() -> None:
    with bound_contextvars(request_id=uuid4()):
        assert statuses(ran({"type": "test_told_apart"})) == ["success"]


def test_it_may_pause_and_steer() -> None:
    answers: list[Json] = [{"type": "test_answer_apart", "config": {"value": how}} for how in ("pause", "steer")]

    execution = ran(*answers, LAST, LAST)

    assert statuses(execution) == ["success", "success", "skipped", "success"]
    assert [step.output for step in steps(execution)[:2]] == ["paused", "steered"]


def test_it_is_tried_again_as_any_and_what_it_said_is_kept() -> None:
    retry: Json = {"maxRetries": 3, "delayMs": 1}
    execution = ran(last(config={"value": "3"}, onError="retry", retryConfig=retry), last(config={"value": "exit"}))

    again, ended = steps(execution)
    assert (execution.status, again.status, again.attempt) == ("FAILED", "success", 3)
    assert [line["message"] for line in again.log] == ["attempt 1", "attempt 2", "attempt 3"]
    assert [failure["error"]["code"] for failure in again.attempts] == ["PROCESS_ENDED"] * 2
    assert [line["message"] for line in ended.log] == ["attempt 1"]


def test_what_it_starts_is_as_if_it_were_started_anywhere() -> None:
    """It hears signals, has the environment as it was, and may be a pool of processes."""
    (step,) = steps(ran({"type": "test_start_apart", "config": {"value": os.environ.get("PYTHONPATH", "")}}))

    assert step.output == {"ended by": [-signal.SIGTERM] * 2, "same environment": True, "from a pool": [1, 4, 9]}


def test_a_handler_that_its_own_process_does_not_know_fails_at_once() -> None:
    nobody_else_knows = action("test_known_here", config=ActionConfig, isolated=True)
    nobody_else_knows(apart.told)

    (step,) = steps(ran({"type": "test_known_here", "onError": "retry"}))

    assert (step.error["code"], step.attempt) == ("UNKNOWN_ACTION", 1)


def test_it_works_with_the_database() -> None:
    task: Json = {"type": "test_tasks_apart", "config": {"value": "made there"}}
    execution = started(task, {"type": "test_leave_open_apart", "config": {"how": ""}}, task)
    with worker():
        eventually(partial(has_ended, execution))

    assert [step.output for step in steps(execution)] == [1, False, 2]
    assert set(Task.objects.values_list("title", flat=True)) == {"made there"}


def test_what_it_logs_has_the_ids_of_its_execution_and_none_of_its_secrets() -> None:
    workflow = WorkflowFactory.create(
        definition=definition({"type": "test_log_apart", "config": {"value": "{{ secrets.KEY }}"}})
    )
    secrets.put(workspace=workflow.workspace, name="KEY", value="sk-4f0a81c2d9e7")
    execution = services.start(workflow=workflow)
    with worker(LOG_FORMAT="json") as process:
        eventually(partial(has_ended, execution))
        process.terminate()
        _, _, errors = ended(process)

    [line] = [json.loads(line) for line in errors.splitlines() if "using " in line]
    assert (line["event"], line["execution_id"], line["step"]) == ("using ***", str(execution.pk), "0")


@pytest.mark.parametrize("named", ["test_pid_anywhere", isolation.ALL])
def test_settings_isolate_what_has_no_opinion(settings: LazySettings, named: str) -> None:
    kinds: list[Json] = [{"type": kind} for kind in ("test_pid_anywhere", "test_pid_here", "test_pid_inside")]
    settings.ISOLATED_ACTIONS = frozenset({named})

    execution = ran(*kinds)

    found = [step.output == os.getpid() for step in steps(execution)]

    assert found == [False, True, True]


def test_one_that_computed_long_after_its_time_is_isolated_from_then_on(caplog: pytest.LogCaptureFixture) -> None:
    stay: Json = {"type": "test_stay", "config": {"how": "spin"}, "timeout": 20, "onError": "continue"}
    waits: Json = {"type": "test_stay_async", "config": {"how": "sleep"}, "timeout": 20, "onError": "continue"}

    ran(stay, waits)
    eventually(lambda: isolation._confined, seconds=5)

    assert isolation._confined == {"test_stay"}
    assert "'test_stay' computed long after its time" in caplog.text
    eventually(lambda: isolation.is_for(ACTIONS["test_stay"]), seconds=60)
    assert steps(ran(stay))[0].error["code"] == "TIMEOUT"
    eventually(lambda: not [call for call in performer._left if call.action == "test_stay"], seconds=5)


def test_whom_experience_isolates_does_not_wait_for_the_first_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its step has begun, and is to end on time, however long the project takes to be loaded once more."""
    server, load = forks.Server(), forks.Server._load
    monkeypatch.setattr(forks, "server", server)
    monkeypatch.setattr(forks.Server, "_load", lambda _server: None)
    isolation.confine("test_pid_anywhere")
    pid: Json = {"type": "test_pid_anywhere"}

    meanwhile = steps(ran(pid))[0].output
    load(server)
    afterwards = steps(ran(pid))[0].output

    assert meanwhile == os.getpid()
    assert afterwards != os.getpid()


@pytest.mark.parametrize("place", ["transactional", "raw"])
def test_what_works_in_here_cannot_be_isolated(place: str) -> None:
    options: dict[str, Any] = {place: True}

    with pytest.raises(ValueError, match="can't be isolated"):
        action("test_nowhere", config=ActionConfig, isolated=True, **options)(apart.told)


def test_a_script_that_runs_executions_is_not_run_again_for_each_attempt(tmp_path: Path) -> None:
    """Though it has no `if __name__ == "__main__":`, which others of Python's forks ask for."""
    execution = started({"type": "test_told_apart"}, {"type": "test_told_apart"})
    script = tmp_path / "script.py"
    script.write_text(
        "import django\ndjango.setup()\nfrom executions import services\nfrom executions.models import Execution\n"
        "print('begun', flush=True)\nservices.run(execution=Execution.objects.get())\n"
    )
    with child(str(script), DJANGO_SETTINGS_MODULE=settings_of_children.__name__, PYTHONPATH=ROOT) as process:
        status, output, errors = ended(process)

    assert (status, output) == (0, "begun\n"), errors
    assert statuses(execution) == ["success", "success"]
