"""What is next: for every state of the records the one right move. No database, no clock."""

import ast
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from executions.engine import plan, retry
from executions.engine.plan import (
    MAX_CLAIMS_WITHOUT_PROGRESS,
    Again,
    Begin,
    Finish,
    Move,
    Resolve,
    Skip,
    Sleep,
    StepRecord,
    next_move,
)
from executions.states import ExecutionStatus, StepStatus, WaitingFor
from workflows.definition import Action, Definition

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def definition(*on_errors: str, timeout: int | None = None) -> Definition:
    """An action for each of `on_errors`, with the ids `a0`, `a1`, …"""
    actions = tuple(
        Action.model_validate({"id": f"a{index}", "type": "noop", "onError": on_error})
        for index, on_error in enumerate(on_errors)
    )
    return Definition(actions=actions, timeout=timeout)


def record(path: str, status: str, **fields: Any) -> StepRecord:
    return StepRecord(path, f"a{path}", "noop", "", StepStatus(status), **fields)


def move(defined: Definition, *records: StepRecord, now: datetime = NOW, **options: Any) -> Move:
    return next_move(defined, {each.path: each for each in records}, now=now, **options)


THREE = definition("stop", "stop", "stop")
FIRST, SECOND_ACTION, THIRD = THREE.actions


def test_it_begins_with_the_first_action() -> None:
    assert move(THREE) == Begin("0", FIRST)


def test_it_goes_on_behind_the_last_record() -> None:
    assert move(THREE, record("0", "success")) == Begin("1", SECOND_ACTION)
    assert move(THREE, record("0", "success"), record("1", "skipped")) == Begin("2", THIRD)


def test_it_completes_behind_the_last_action() -> None:
    ended = [record(path, "success") for path in "012"]

    assert move(THREE, *ended) == Finish(ExecutionStatus.COMPLETED)


def test_it_completes_also_when_the_last_action_failed_and_continues() -> None:
    assert move(definition("continue"), record("0", "failed")) == Finish(ExecutionStatus.COMPLETED)


def test_it_goes_by_the_definition_whatever_order_the_records_come_in() -> None:
    assert move(THREE, record("1", "success"), record("0", "success")) == Begin("2", THIRD)


# A failed step


@pytest.mark.parametrize("on_error", ["stop", "retry"])
def test_a_failed_step_ends_it(on_error: str) -> None:
    failed = record("0", "failed", error={"code": "HTTP_500", "message": "the server said 500"})

    assert move(definition(on_error, "stop"), failed) == Finish(
        ExecutionStatus.FAILED,
        {
            "code": "HTTP_500",
            "message": "Step 'a0' failed: the server said 500",
            "details": {"stepPath": "0", "actionId": "a0"},
        },
    )


def test_a_failed_step_that_continues_is_passed() -> None:
    defined = definition("continue", "stop")

    assert move(defined, record("0", "failed")) == Begin("1", defined.actions[1])


@pytest.mark.parametrize("error", [None, "a text", ["a", "list"], {}])
def test_it_ends_with_a_readable_error_whatever_was_recorded(error: Any) -> None:
    finish = move(definition("stop"), record("0", "failed", error=error))

    assert isinstance(finish, Finish)
    assert isinstance(finish.error, dict)
    assert (finish.error["code"], finish.error["message"]) == ("STEP_FAILED", "Step 'a0' failed: no reason given")


# What a condition decided about the steps behind it


def test_skip_next_skips_one_and_says_why() -> None:
    steered = record("0", "success", flow="skip_next")

    assert move(THREE, steered) == Skip("1", SECOND_ACTION, "the condition 'a0' wasn't met")
    assert move(THREE, steered, record("1", "skipped")) == Begin("2", THIRD)


def test_skip_next_at_the_end_skips_nothing() -> None:
    assert move(definition("stop"), record("0", "success", flow="skip_next")) == Finish(ExecutionStatus.COMPLETED)


def test_stop_completes_it_and_leaves_the_rest_out() -> None:
    assert move(THREE, record("0", "success", flow="stop")) == Finish(ExecutionStatus.COMPLETED)


# A step that is recorded as running


def test_an_attempt_whose_process_died_is_made_again_with_the_same_number() -> None:
    running = record("0", "running", attempt=2)

    assert move(THREE, running) == Again(running, FIRST, 2, interrupted=True)


def test_a_backoff_sleeps_until_its_time() -> None:
    waiting = record("0", "running", wait_until=NOW + SECOND, error={"code": "X"})

    assert move(THREE, waiting) == Sleep(NOW + SECOND, WaitingFor.RETRY)


@pytest.mark.parametrize("late", [timedelta(0), SECOND, timedelta(days=400)])
def test_a_backoff_that_is_over_leads_to_the_next_attempt(late: timedelta) -> None:
    waiting = record("0", "running", attempt=2, wait_until=NOW, error={"code": "X"})

    assert move(THREE, waiting, now=NOW + late) == Again(waiting, FIRST, 3, interrupted=False)


def test_a_timer_sleeps_until_its_time() -> None:
    waiting = record("0", "running", wait_until=NOW + SECOND, output={"until": "then"})

    assert move(THREE, waiting) == Sleep(NOW + SECOND, WaitingFor.TIMER)


@pytest.mark.parametrize("late", [timedelta(0), SECOND, timedelta(days=400)])
def test_a_timer_that_has_fired_is_a_success(late: timedelta) -> None:
    waiting = record("0", "running", wait_until=NOW)

    assert move(THREE, waiting, now=NOW + late) == Resolve(waiting)


# The workflow's own timeout


LIMITED = definition("stop", "stop", timeout=5_000)
TIMED_OUT = Finish(
    ExecutionStatus.TIMEOUT,
    {"code": "TIMEOUT", "message": "The workflow's timeout of 5000 ms is over."},
    StepStatus.CANCELLED,
)


@pytest.mark.parametrize(
    "records",
    [
        [],
        [record("0", "success")],
        [record("0", "running")],
        [record("0", "running", wait_until=NOW + SECOND)],
        [record("0", "running", wait_until=NOW - SECOND)],
        [record("0", "failed")],
        [record("0", "success"), record("1", "success")],
    ],
)
def test_at_its_deadline_it_ends_whatever_is_recorded(records: list[StepRecord]) -> None:
    assert move(LIMITED, *records, deadline=NOW) == TIMED_OUT
    assert move(LIMITED, *records, deadline=NOW - SECOND) == TIMED_OUT


def test_before_its_deadline_it_goes_on() -> None:
    assert move(LIMITED, deadline=NOW + timedelta(microseconds=1)) == Begin("0", LIMITED.actions[0])


@pytest.mark.parametrize(
    ("wait", "deadline", "until"), [(10, 4, 4), (4, 10, 4), (4, 4, 4), (10, None, 10)], ids=lambda value: f"{value} s"
)
def test_no_wait_is_longer_than_the_deadline(wait: int, deadline: int | None, until: int) -> None:
    waiting = record("0", "running", wait_until=NOW + wait * SECOND)
    ends = None if deadline is None else NOW + deadline * SECOND

    assert move(LIMITED, waiting, deadline=ends) == Sleep(NOW + until * SECOND, WaitingFor.TIMER)


# A definition that kills its process


@pytest.mark.parametrize("claims", range(MAX_CLAIMS_WITHOUT_PROGRESS + 1))
def test_claims_without_progress_are_borne_for_a_while(claims: int) -> None:
    assert move(THREE, claims=claims) == Begin("0", FIRST)


@pytest.mark.parametrize("records", [[], [record("0", "running")], [record("0", "success")]])
@pytest.mark.parametrize("deadline", [None, NOW - SECOND])
def test_after_too_many_it_is_poisoned_and_its_open_step_has_failed(
    records: list[StepRecord], deadline: datetime | None
) -> None:
    poisoned = move(THREE, *records, deadline=deadline, claims=MAX_CLAIMS_WITHOUT_PROGRESS + 1)

    assert poisoned == Finish(
        ExecutionStatus.FAILED,
        {
            "code": "POISONED",
            "message": "Its process ended 3 times without finishing an attempt; the definition may be what kills it.",
        },
        StepStatus.FAILED,
    )


# Purity


PURE = [plan, retry]


def test_they_are_imported_where_there_is_no_django() -> None:
    program = "import sys; sys.modules['django'] = None\nimport executions.engine.plan, executions.engine.retry"

    subprocess.run([sys.executable, "-c", program], check=True, timeout=30, cwd=Path(__file__).parents[2])


@pytest.mark.parametrize("module", PURE, ids=lambda module: module.__name__)
def test_they_have_no_clock_no_dice_and_no_file(module: Any) -> None:
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    imported = {
        node.module if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    asked = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}

    assert imported <= {
        "collections.abc", "dataclasses", "datetime", "executions.states", "workflows.definition",
        "workflows.documents",
    }  # fmt: skip
    assert not asked & {"now", "utcnow", "today"}
