"""How a workflow fares: from counters that the journal keeps, so it costs the same whatever number it has run.

And how it fared lately: from a bounded sample of what ran last.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from math import ceil
from operator import itemgetter
from typing import NamedTuple
from uuid import UUID

from django.db.models import Case, Count, OuterRef, Subquery, When
from django.db.models.functions import Coalesce

from executions.models import Execution, ExecutionQuerySet, Step
from executions.states import FINAL, ExecutionStatus, StepStatus
from workflows.documents import Json
from workflows.models import Workflow

COUNTERS = (
    "execution_count",
    "success_count",
    "failure_count",
    "timeout_count",
    "cancelled_count",
    "total_duration_ms",
)
DAYS = 30
MOST_EXECUTIONS = 20_000
"""Of the latest ones: by these the days are counted and the durations measured."""
MOST_FOR_STEPS = 1_000
MOST_STEPS = 20_000
"""Of the latest executions, so many at most and with no more steps together: by these the steps are compared."""


def statistics_json(workflow: Workflow) -> dict[str, Json]:
    """Of all its executions but dry runs, in one query and so of one moment.

    `successRate` (%) is None until an execution has ended, `averageDurationMs` until one has ended by itself.
    """
    counted = _counted(workflow)
    by_status = _by_status(counted)
    ended = sum(by_status[status] for status in FINAL)
    worked = counted["success_count"] + counted["failure_count"]
    return {
        "total": counted["execution_count"],
        "byStatus": {status.value: by_status[status] for status in ExecutionStatus},
        "successRate": round(100 * counted["success_count"] / ended, 2) if ended else None,
        "averageDurationMs": round(counted["total_duration_ms"] / worked) if worked else None,
    }


def _counted(workflow: Workflow) -> dict[str, int]:
    """The counters, and `pending`: no counter follows what waits for its first claim."""
    pending = Execution.objects.filter(workflow=OuterRef("pk"), status=ExecutionStatus.PENDING)
    # Where no dry run has to be told apart, the index knows the number without the rows.
    number = Case(When(simulation_count=0, then=_number(pending)), default=_number(pending.filter(is_simulation=False)))
    counted: dict[str, int] = Workflow.objects.values(*COUNTERS, pending=number).get(pk=workflow.pk)
    return counted


def _number(executions: ExecutionQuerySet) -> Coalesce:
    counted = executions.values("workflow").annotate(number=Count("*")).values("number")
    return Coalesce(Subquery(counted), 0)


def _by_status(counted: dict[str, int]) -> dict[ExecutionStatus, int]:
    ended = counted["success_count"] + counted["failure_count"] + counted["cancelled_count"]
    return {
        ExecutionStatus.PENDING: counted["pending"],
        ExecutionStatus.RUNNING: counted["execution_count"] - ended - counted["pending"],
        ExecutionStatus.COMPLETED: counted["success_count"],
        ExecutionStatus.FAILED: counted["failure_count"] - counted["timeout_count"],
        ExecutionStatus.CANCELLED: counted["cancelled_count"],
        ExecutionStatus.TIMEOUT: counted["timeout_count"],
    }


class Ran(NamedTuple):
    """An execution as its figures need it."""

    status: str
    created_at: datetime
    duration_ms: float | None


@dataclass(frozen=True, slots=True)
class Sample:
    """What ran lately, the newest first, without dry runs. `is_cut`: there was more than is looked at."""

    since: datetime
    until: datetime
    executions: Sequence[Ran]
    is_cut: bool


class StepFigures(NamedTuple):
    """One step of the definition, in all executions that were looked at; the durations are in milliseconds."""

    action_id: str
    name: str
    ran: int
    failed: int
    median_ms: float | None
    slow_ms: float | None


def recent(workflow: Workflow, now: datetime) -> Sample:
    """Of the last 30 days; if they have more than 20,000 executions, it begins with the oldest of the latest 20,000."""
    begin = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS - 1)
    rows = list(
        Execution.objects.filter(workflow=workflow, created_at__gte=begin)
        .order_by("-created_at")
        .values_list("status", "created_at", "started_at", "completed_at", "is_simulation")[:MOST_EXECUTIONS]
    )
    is_cut = len(rows) == MOST_EXECUTIONS
    executions = [Ran(status, created, _took(start, end)) for status, created, start, end, is_dry in rows if not is_dry]
    return Sample(rows[-1][1] if is_cut else begin, now, executions, is_cut)


def steps_of(workflow: Workflow) -> tuple[list[StepFigures], int]:
    """By its latest executions but dry runs, and of how many; a step that was skipped or hasn't ended didn't run."""
    counted = _counted_for_steps(workflow)
    rows = (
        Step.objects.filter(execution__in=counted, status__in=(StepStatus.SUCCESS, StepStatus.FAILED))
        .values_list("action_id", "name", "status", "started_at", "completed_at")
        .order_by("action_id", "-started_at")
    )
    return [_figures(list(same)) for _, same in groupby(rows, key=itemgetter(0))], len(counted)


def _counted_for_steps(workflow: Workflow) -> list[UUID]:
    latest = Execution.objects.filter(workflow=workflow).order_by("-created_at")[:MOST_FOR_STEPS]
    found: list[UUID] = []
    steps = 0
    for pk, is_dry, number in latest.values_list("pk", "is_simulation", "total_steps"):
        steps += number
        if found and steps > MOST_STEPS:
            break
        found += [] if is_dry else [pk]
    return found


def percentile(values: Iterable[float], part: float) -> float | None:
    """The smallest of the values that `part` of them (0 to 1) don't exceed; None of none."""
    ordered = sorted(values)
    return ordered[max(0, ceil(part * len(ordered)) - 1)] if ordered else None


def _figures(rows: Sequence[tuple[str, str, str, datetime | None, datetime | None]]) -> StepFigures:
    action_id, name, *_ = rows[0]
    took = [ms for *_, start, end in rows if (ms := _took(start, end)) is not None]
    failed = sum(row[2] == StepStatus.FAILED for row in rows)
    return StepFigures(action_id, name, len(rows), failed, percentile(took, 0.5), percentile(took, 0.95))


def _took(start: datetime | None, end: datetime | None) -> float | None:
    return None if start is None or end is None else (end - start) / timedelta(milliseconds=1)
