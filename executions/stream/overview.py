"""What has happened in a workspace since a moment: the rows of its executions are the only store.

A cursor is a time of the database's in microseconds. It lies two seconds back, so that what commits late isn't missed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from executions.engine import statements
from executions.models import Execution, ExecutionQuerySet
from executions.representation import error_json, progress_json, waiting_for
from executions.stream.reading import RUNNING
from workflows.documents import Json
from workspaces.representation import moment

MARGIN = timedelta(seconds=2)
UNFINISHED_AT_MOST = 1_000
A_SHEET = 500
MICROSECOND = timedelta(microseconds=1)
A_MILLISECOND = 1_000
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

type Mark = tuple[int, str]
"""An execution's position and status: what tells it from what it was before."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Some executions as they are; who has them and had what was before the cursor `since` has all before `cursor`."""

    since: int
    cursor: int
    states: tuple[dict[str, Json], ...]


def latest_cursor() -> int:
    """Behind which nothing can be that hasn't been committed."""
    return _cursor(statements.time_of(connection) - MARGIN)


def present(workspace_id: UUID, since: int) -> Iterator[Sheet]:
    """What has ended since then, oldest first, and what hasn't ended: the latest states, in sheets.

    Nothing is held between two of them, so each may be taken by another thread.
    """
    latest = latest_cursor()
    for sheet in _ended(workspace_id, since):
        since = min(sheet.cursor, latest)
        yield Sheet(min(sheet.since, latest), since, sheet.states)
    keys = list(_unfinished(workspace_id).values_list("pk", flat=True))
    yield from sheets(keys, since, max(since, latest))


def marks(workspace_id: UUID, since: int) -> dict[UUID, Mark]:
    """Of the newest that haven't ended, and of all that have ended since.

    Asked in this order: one that ends in between is in both.
    """
    ended = _ended_since(workspace_id, since)
    return {
        key: (position, status)
        for rows in (_unfinished(workspace_id), ended)
        for key, position, status in rows.values_list("pk", "position", "status")
    }


def sheets(keys: Sequence[UUID], since: int, cursor: int) -> Iterator[Sheet]:
    """These executions; the cursor moves on with the last of them."""
    rest = len(keys)
    for some in batched(keys, A_SHEET):
        rest -= len(some)
        yield Sheet(since, since if rest else cursor, _states(some))


def mark_of(state: dict[str, Any]) -> tuple[UUID, Mark]:
    return UUID(state["executionId"]), (state["position"], state["status"])


def connected(workspace_id: UUID) -> dict[str, Json]:
    return {"workspaceId": str(workspace_id), "timestamp": moment(timezone.now())}


def _of(workspace_id: UUID) -> ExecutionQuerySet:
    return Execution.objects.filter(workspace=workspace_id)


def _unfinished(workspace_id: UUID) -> ExecutionQuerySet:
    """In the index's own order, backwards: so that a million that sleep aren't sorted."""
    newest_first = _of(workspace_id).filter(completed_at=None).order_by("-completed_at", "-created_at")
    return newest_first[:UNFINISHED_AT_MOST]


def _ended_since(workspace_id: UUID, since: int) -> ExecutionQuerySet:
    return _of(workspace_id).filter(completed_at__gte=_moment(since)).order_by("completed_at")


def _ended(workspace_id: UUID, since: int) -> Iterator[Sheet]:
    """A sheet begins a millisecond before the end of the last one, since that is all that SQLite tells apart."""
    told: set[UUID] = set()
    size, is_full = A_SHEET, True
    while is_full:
        rows = _ended_since(workspace_id, since)
        found = list(rows.values_list("pk", "completed_at")[:size])
        is_full = len(found) == size
        new = [key for key, _ in found if key not in told]
        until = max((_cursor(ended) for _, ended in found if ended), default=0) - A_MILLISECOND
        if is_full and until <= since:
            size *= 2  # more have ended at once than a sheet holds
            continue
        yield from sheets(new, since, max(since, until))
        since, told, size = max(since, until), {key for key, _ in found}, A_SHEET


def _states(keys: Sequence[UUID]) -> tuple[dict[str, Json], ...]:
    """In the order of the keys."""
    rows = Execution.objects.filter(pk__in=keys).annotate(running=RUNNING).select_related("workflow")
    found = {row.pk: row for row in rows.only(*_COLUMNS)}
    return tuple(_state(found[key]) for key in keys if key in found)


_COLUMNS = (
    "status", "trigger_type", "is_simulation", "error", "created_at", "started_at", "completed_at", "wake_at",
    "waiting_for", "position", "total_steps", "successful_steps", "failed_steps", "skipped_steps", "workflow",
    "workflow__name",
)  # fmt: skip


def _state(execution: Any) -> dict[str, Json]:
    return {
        "executionId": str(execution.pk),
        "workflowId": str(execution.workflow_id),
        "workflowName": execution.workflow.name,
        "status": execution.status,
        "triggerType": execution.trigger_type,
        "isSimulation": execution.is_simulation,
        "startedAt": moment(execution.started_at),
        "completedAt": moment(execution.completed_at),
        "durationMs": execution.duration_ms,
        "waitingFor": waiting_for(execution),
        "error": error_json(execution.error),
        "progress": progress_json(execution, running=execution.running),
        "position": execution.position,
    }


def _cursor(moment: datetime) -> int:
    return (moment - BEGINNING) // MICROSECOND


def _moment(cursor: int) -> datetime:
    return BEGINNING + cursor * MICROSECOND
