"""The journal's rules once more, plainly, through the ORM: what its tuned SQL is held against. And a clock to hold."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connection, transaction

from executions.engine import clock, statements
from executions.engine.journal import Change, Fenced
from executions.engine.plan import Finish, Sleep, StepRecord
from executions.models import Execution, Step
from executions.states import ExecutionStatus, StepStatus
from tests.executions.counters import COUNTERS
from workflows.models import Workflow

OPEN = (StepStatus.PENDING, StepStatus.RUNNING)


@dataclass
class HeldClock:
    """The database's clock and the process's monotonic one, which go on when the test says so."""

    now: datetime = datetime(2030, 1, 1, tzinfo=UTC)

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def monotonic(self) -> float:
        return self.now.timestamp()

    def as_sql(self) -> str:
        if connection.vendor == "postgresql":
            return f"TIMESTAMPTZ '{self.now.isoformat()}'"
        return f"'{self.now.strftime('%Y-%m-%d %H:%M:%S.%f')}'"


class _Now(dict[str, str]):
    """Stands in for the table of each database's clock."""

    def __init__(self, held: HeldClock) -> None:
        super().__init__()
        self.held = held

    def __missing__(self, vendor: str) -> str:
        return self.held.as_sql()


@contextmanager
def held_clock() -> Iterator[HeldClock]:
    held = HeldClock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statements, "NOW", _Now(held))
        patch.setattr(clock, "monotonic", held.monotonic)
        yield held


@dataclass
class OrmJournal:
    """The writes of one claim."""

    execution_id: UUID
    epoch: int
    leased_at: datetime

    def commit(
        self, changes: Sequence[Change], *, now: datetime, sleep: Sleep | None = None, finish: Finish | None = None
    ) -> None:
        with transaction.atomic():
            mine = Execution.objects.select_for_update().filter(pk=self.execution_id, epoch=self.epoch)
            execution = mine.first()
            if execution is None:
                raise Fenced
            for change in changes:
                execution.position += 1
                _write(execution, change, now)
            if not all(change.new_attempt for change in changes):
                execution.claims = 0
            self._decide(execution, now, sleep, finish)
            _count(execution)
            execution.save()

    def _decide(self, execution: Execution, now: datetime, sleep: Sleep | None, finish: Finish | None) -> None:
        """What becomes of the execution."""
        if finish:
            execution.position += 1
            execution.status, execution.error = finish.status, finish.error
            execution.wake_at, execution.completed_at = None, now
            if not execution.is_simulation:
                _count_end(execution)
        elif sleep:
            execution.wake_at, execution.waiting_for = sleep.until, sleep.waiting_for
        elif now - self.leased_at > timedelta(seconds=settings.LEASE_SECONDS) / 3:
            execution.wake_at = now + timedelta(seconds=settings.LEASE_SECONDS)
            self.leased_at = now


def _count_end(execution: Execution) -> None:
    workflow = Workflow.objects.select_for_update().get(pk=execution.workflow_id)
    workflow.success_count += execution.status == ExecutionStatus.COMPLETED
    workflow.failure_count += execution.status in {ExecutionStatus.FAILED, ExecutionStatus.TIMEOUT}
    workflow.timeout_count += execution.status == ExecutionStatus.TIMEOUT
    workflow.total_duration_ms += execution.duration_ms or 0
    workflow.save(update_fields=COUNTERS)


def _write(execution: Execution, change: Change, now: datetime) -> None:
    record = change.record
    if change.is_new:
        step = Step(
            execution=execution, path=record.path, action_id=record.action_id, action_type=record.action_type,
            name=record.name, input=record.input, started_at=now, attempt_started_at=now,
        )  # fmt: skip
    else:
        step = execution.steps.get(path=record.path)
    if change.new_attempt:
        step.attempt_started_at = now
    for field, value in _state(record).items():
        setattr(step, field, value)
    step.position = execution.position
    step.completed_at = None if record.status in OPEN else now
    step.save()


def _state(record: StepRecord) -> dict[str, Any]:
    return {
        "status": record.status, "attempt": record.attempt, "attempts": list(record.failures) or None,
        "output": record.output, "error": record.error, "log": list(record.log) or None, "flow": record.flow,
        "wait_until": record.wait_until,
    }  # fmt: skip


def _count(execution: Execution) -> None:
    """By looking, where the journal keeps a tally."""
    execution.successful_steps = execution.steps.filter(status="success").count()
    execution.failed_steps = execution.steps.filter(status="failed").count()
    execution.skipped_steps = execution.steps.filter(status="skipped").count()


def rows_of(execution_id: UUID) -> dict[str, Any]:
    """All that is stored of an execution, but for its keys."""
    execution = Execution.objects.filter(pk=execution_id).values().get()
    workflow = Workflow.objects.filter(pk=execution["workflow_id"]).values(*COUNTERS, "last_executed_at")
    steps = Step.objects.filter(execution=execution_id).order_by("path").values()
    return {
        "execution": _without(execution, "id", "workflow_id", "version_id", "workspace_id"),
        "steps": [_without(step, "id", "execution_id") for step in steps],
        "workflow": workflow.get(),
    }


def _without(row: Any, *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}
