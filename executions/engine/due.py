"""What is due, and when something will be: asked by the database's clock, and claimed by nobody."""

from datetime import datetime
from uuid import UUID

from executions.engine import picking, statements
from executions.engine.transactions import current
from executions.models import Execution, ExecutionQuerySet


def ids(limit: int) -> list[UUID]:
    """Up to `limit` executions that are due, those that are due longest first; they are not claimed."""
    are_due = Execution.objects.filter(wake_at__lte=statements.DatabaseNow()).order_by("wake_at")
    return list(are_due.values_list("pk", flat=True)[:limit])


def seconds_behind() -> float:
    """How long that has waited which is due longest; 0 when nothing is due."""
    due_at, now = _next_due(Execution.objects.unfinished()) or (None, None)
    return max(0.0, (now - due_at).total_seconds()) if due_at and now else 0.0


def seconds_until(execution_id: UUID | None = None) -> float | None:
    """How long until something, or this execution, is due, by the database's clock; None when nothing will be."""
    unfinished = Execution.objects.unfinished()
    next_due = _next_due(unfinished if execution_id is None else unfinished.filter(pk=execution_id))
    return None if next_due is None else max(0.0, (next_due[0] - next_due[1]).total_seconds())


def _next_due(unfinished: ExecutionQuerySet) -> tuple[datetime, datetime] | None:
    """When the first of them is due, and what time it is."""
    return unfinished.order_by("wake_at").values_list("wake_at", statements.DatabaseNow()).first()


def elsewhere(workspace_id: UUID) -> bool:
    """Whether another workspace than this one has anything due."""
    due = picking.of_others(current(), workspace_id)
    with current().cursor() as cursor:
        cursor.execute(due.sql, due.parameters)
        return cursor.fetchone() is not None
