"""What has happened to an execution since a position: its rows are the log of its events."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models.expressions import RawSQL
from django.utils import timezone

from executions.models import Execution, Step
from executions.representation import error_json, progress_json, step_json
from executions.states import StepStatus
from workflows.documents import Json
from workspaces.representation import moment

COLUMNS = (
    "status", "position", "error", "started_at", "completed_at", "wake_at",
    "total_steps", "successful_steps", "failed_steps", "skipped_steps",
)  # fmt: skip
SOME_ID = UUID(int=0)
RUNNING = RawSQL(
    "(SELECT COUNT(*) FROM executions_step WHERE execution_id = executions_execution.id AND status = %s)",
    [StepStatus.RUNNING.value],
)


@dataclass(frozen=True, slots=True)
class Change:
    """A step as it is after its latest change, which has this position."""

    position: int
    step: Json


@dataclass(frozen=True, slots=True)
class Reading:
    """All that changed behind `since`, as of one moment; `ending` is set once the execution has ended."""

    since: int
    position: int
    changes: tuple[Change, ...]
    progress: dict[str, Json]
    ending: dict[str, Json] | None


def read(execution_id: UUID, since: int) -> Reading:
    """Raises Execution.DoesNotExist.

    The execution is read first and the steps after it, up to its position only: what came in between belongs to the
    next reading. A step that changed again in between is left to that one as well.
    """
    execution = _execution(execution_id)
    steps = _steps(execution_id, since, execution.position)
    return Reading(
        since,
        execution.position,
        tuple(Change(step.position, step_json(step)) for step in steps),
        {**progress_json(execution, running=execution.running), "status": execution.status},
        _ending(execution) if execution.has_ended else None,
    )


def positions(execution_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How far each of them has come."""
    return dict(Execution.objects.filter(pk__in=execution_ids).values_list("pk", "position"))


def _execution(execution_id: UUID) -> Any:
    sql, _ = _statements()
    for execution in Execution.objects.raw(sql, [StepStatus.RUNNING.value, _parameter(execution_id)]):
        return execution
    raise Execution.DoesNotExist


def _steps(execution_id: UUID, since: int, until: int) -> Iterable[Step]:
    _, sql = _statements()
    return Step.objects.raw(sql, [_parameter(execution_id), since, until])


@cache
def _statements() -> tuple[str, str]:
    """Of the execution and of its steps. Django takes ten times as long to write them as a database to answer them."""
    execution = Execution.objects.only(*COLUMNS).annotate(running=RUNNING).filter(pk=SOME_ID)
    steps = Step.objects.filter(execution=SOME_ID, position__gt=0, position__lte=0).order_by("position")
    return execution.query.sql_with_params()[0], steps.query.sql_with_params()[0]


def _parameter(execution_id: UUID) -> Any:
    return Execution._meta.pk.get_db_prep_value(execution_id, connection)


def _ending(execution: Execution) -> dict[str, Json]:
    return {
        "status": execution.status,
        "error": error_json(execution.error),
        "durationMs": execution.duration_ms,
        "completedAt": moment(execution.completed_at),
    }


def connected(execution_id: UUID) -> dict[str, Json]:
    return {"executionId": str(execution_id), "timestamp": moment(timezone.now())}
