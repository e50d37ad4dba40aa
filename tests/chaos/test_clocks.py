"""A worker whose clock is an hour off: due times and leases are the database's, so it changes nothing."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta

import pytest
from django.db import connection

from executions import services
from executions.engine import statements
from executions.models import Execution
from tests.chaos import invariants, report, scenes
from tests.chaos.effects import Effects
from tests.executions.programs import scene
from tests.executions.programs.children import Child, child, eventually

HOUR = 3600.0
PAUSE_SECONDS = 2.0
LATE_SECONDS = 5.0


@contextmanager
def worker_off_by(seconds: float, effects: Effects, **variables: object) -> Iterator[Child]:
    arguments = ["tests/chaos/programs/off_clock.py", "run_worker"]
    variables |= {"OUTBOUND_ALLOWED_HOSTS": effects.authority, "OFF_BY_SECONDS": seconds}
    with child(*arguments, sink=None, **variables) as process:
        assert process.stderr is not None
        said = datetime.fromisoformat(process.stderr.readline().split()[-1])
        off = said - statements.time_of(connection)
        assert abs(off - timedelta(seconds=seconds)) < timedelta(minutes=1), "its clock is wrong indeed"
        yield process


@pytest.mark.parametrize("off", [HOUR, -HOUR], ids=["ahead", "behind"])
def test_a_worker_whose_clock_is_an_hour_off_changes_nothing(database: str, effects: Effects, off: float) -> None:
    workflow = scene.workflow(
        "pauses", scenes.call(effects, "before"), scene.wait(PAUSE_SECONDS), scene.task("after")
    )  # fmt: skip
    begin = statements.time_of(connection)
    started = [services.start(workflow=workflow).pk for _ in range(5)]
    with worker_off_by(off, effects):
        scenes.seconds_until_all_have_ended()
    end = statements.time_of(connection)

    invariants.hold(workflow, started, effects)
    for execution in Execution.objects.all():
        moments = times_of(execution)
        assert begin <= min(moments) <= max(moments) <= end
        step = execution.steps.get(path="1")
        assert step.started_at
        assert step.completed_at
        waited = (step.completed_at - step.started_at).total_seconds()
        assert PAUSE_SECONDS <= waited < PAUSE_SECONDS + LATE_SECONDS
        assert execution.duration_ms
        assert PAUSE_SECONDS <= execution.duration_ms / 1000 < PAUSE_SECONDS + 2 * LATE_SECONDS


def times_of(execution: Execution) -> list[datetime]:
    own = [execution.created_at, execution.started_at, execution.completed_at]
    of_steps = execution.steps.values_list("started_at", "attempt_started_at", "completed_at")
    return [moment for moment in [*own, *(each for row in of_steps for each in row)] if moment]


def test_it_backs_off_by_the_right_clock(database: str, effects: Effects) -> None:
    """The first answer is a 503; what the journal notes of that attempt is of the right time too."""
    effects.unwell = 1
    workflow = scene.workflow("backs off", scenes.call(effects, "flaky", **scene.retried(int(PAUSE_SECONDS * 1000))))
    begin = statements.time_of(connection)
    execution = services.start(workflow=workflow)
    with worker_off_by(HOUR, effects):
        scenes.seconds_until_all_have_ended()

    step = execution.steps.get()
    (attempt,) = step.attempts or []
    assert (step.status, step.attempt, attempt["error"]["code"]) == ("success", 2, "HTTP_STATUS")
    failed_at = datetime.fromisoformat(attempt["completedAt"])
    assert step.attempt_started_at
    assert begin <= datetime.fromisoformat(attempt["startedAt"]) <= failed_at
    backed_off = (step.attempt_started_at - failed_at).total_seconds()
    assert PAUSE_SECONDS * 0.99 <= backed_off < PAUSE_SECONDS + LATE_SECONDS


def test_it_steals_nobodys_lease(database: str, effects: Effects) -> None:
    """Beside workers whose clocks are right, while steps take longer than a lease."""
    effects.seconds = 3.0
    workflow = scene.workflow("long", scenes.call(effects, "one"), scenes.call(effects, "two"))
    with ExitStack() as running:
        for off in (0.0, HOUR, -HOUR):
            running.enter_context(worker_off_by(off, effects, LEASE_SECONDS=1, EXECUTOR_THREADS=2))
        started = [services.start(workflow=workflow).pk for _ in range(6)]
        eventually(lambda: not Execution.objects.unfinished().exists(), seconds=60)

    found = invariants.hold(workflow, started, effects)
    report.tell("clocks an hour off", executions=found.executions, interrupted=found.interrupted, stolen=found.extra)
    assert (found.extra, found.interrupted) == (0, 0)
    assert set(Execution.objects.values_list("epoch", flat=True)) == {1}, "each was claimed once"
