"""How a workflow fares: from counters that the journal keeps, so it costs the same whatever number it has run."""

from django.db.models import Case, Count, OuterRef, Subquery, When
from django.db.models.functions import Coalesce

from executions.models import Execution, ExecutionQuerySet
from executions.states import FINAL, ExecutionStatus
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
