"""The database's clock jumps while an execution is under way: on SQLite it is the machine's, which people set."""

import pytest
from django.db import connection

from executions import services
from executions.engine import journal, runner, statements
from executions.models import Execution
from tests.executions.handlers import reset
from tests.executions.scenes import started
from workflows.documents import Json

pytestmark = pytest.mark.django_db(transaction=True)

HOUR, DAY = 3_600, 86_400
NUMBER: Json = {"type": "test_number"}
WAIT: Json = {"type": "wait", "config": {"durationMs": 600_000}}
RIGHT = dict(statements.NOW)
WRONG = {
    "sqlite": "STRFTIME('%Y-%m-%d %H:%M:%f', 'now', '{:+} seconds')",
    "postgresql": "(statement_timestamp() + {} * interval '1 second')",
}


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    reset()
    monkeypatch.setattr(statements, "NOW", dict(RIGHT))


def jump(seconds: int) -> None:
    statements.NOW[connection.vendor] = WRONG[connection.vendor].format(seconds)


def carry_on(execution: Execution) -> bool:
    """As far as it goes now; False when it isn't due."""
    claims = journal.claim_due(1)
    for claim in claims:
        runner.run(claim)
    execution.refresh_from_db()
    return bool(claims)


@pytest.mark.parametrize("seconds", [HOUR, -HOUR, DAY, -DAY])
def test_an_execution_that_runs_while_it_jumps_ends_as_ever(seconds: int) -> None:
    execution = started(NUMBER, WAIT, NUMBER)
    assert carry_on(execution)
    assert not carry_on(execution), "it waits"

    jump(seconds)
    services.cancel(execution=execution)
    execution.refresh_from_db()

    assert execution.status == "CANCELLED"
    assert execution.duration_ms is not None
    assert execution.duration_ms >= 0
    execution.workflow.refresh_from_db()
    assert execution.workflow.total_duration_ms >= 0


@pytest.mark.parametrize("seconds", [-HOUR, -DAY])
def test_after_a_jump_back_a_wait_is_longer_by_as_much_and_nothing_is_lost(seconds: int) -> None:
    execution = started(NUMBER, WAIT, NUMBER)
    assert carry_on(execution)
    jump(seconds)
    assert not carry_on(execution)

    jump(600)
    assert carry_on(execution)
    assert execution.status == "COMPLETED"
    assert [step.status for step in execution.steps.all()] == ["success"] * 3


@pytest.mark.parametrize("seconds", [-HOUR, -DAY, HOUR])
def test_what_was_claimed_before_a_jump_is_finished_after_it(seconds: int) -> None:
    """Its lease is counted by a clock that nobody sets, so whoever has it goes on."""
    execution = started(NUMBER, NUMBER)
    [claim] = journal.claim_due(1)
    jump(seconds)
    runner.run(claim)

    execution.refresh_from_db()
    assert (execution.status, execution.epoch) == ("COMPLETED", 1)
    assert execution.duration_ms is not None
    assert execution.duration_ms >= 0
    execution.workflow.refresh_from_db()
    assert execution.workflow.total_duration_ms >= 0
    for step in execution.steps.all():
        assert step.duration_ms is None or step.duration_ms >= 0


@pytest.mark.parametrize("seconds", [-HOUR, -DAY])
def test_what_is_started_before_a_jump_back_is_due_after_it(seconds: int) -> None:
    """It was due at once, and isn't to wait until the clock is there again."""
    execution = started(NUMBER)
    jump(seconds)

    assert not carry_on(execution)  # an hour later by that clock; `docs/operations.md` says so
    jump(1)
    assert carry_on(execution)
    assert execution.status == "COMPLETED"
