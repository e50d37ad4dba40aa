"""How many executions may run at once, in a workspace and of a workflow. Those over a limit are held, in their order.

One that is held is PENDING, waits for LIMIT, and has a `wake_at` so far off that it isn't due before it's admitted; a
later one has a later one. Admitted are all others that haven't ended, also while they wait for a timer.
"""

from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from executions.engine import statements
from executions.engine.announcements import Announcement
from executions.engine.statements import Piece
from executions.engine.transactions import current, write_transaction
from executions.models import HELD_SINCE, Execution
from workflows.models import Workflow
from workspaces.models import Workspace

AT_ONCE = 500
# The latest `wake_at` rather than EXISTS: whatever the planner knows of the values, it reads one entry of an index.
_LATEST = (
    "(SELECT held.wake_at FROM executions_execution held WHERE held.workspace_id = %s AND held.wake_at IS NOT NULL"
    " ORDER BY held.wake_at DESC LIMIT 1) >= %s"
)


def others_wait(db: BaseDatabaseWrapper, workspace_id: UUID) -> Piece:
    """Whether any execution of the workspace is held, as an SQL expression; NULL counts as no."""
    return Piece(_LATEST, [statements.key(db, workspace_id), statements.moment(db, HELD_SINCE)])


def admit_if_others_wait(workspace_id: UUID) -> None:
    """After the commit of an end, of which `others_wait` wasn't asked."""
    latest = Execution.objects.unfinished().filter(workspace=workspace_id).order_by("-wake_at")
    if (wake_at := latest.values_list("wake_at", flat=True).first()) and wake_at >= HELD_SINCE:
        admit_after_commit(workspace_id)


def admit_after_commit(workspace_id: UUID) -> None:
    """A hint, as waking is: should it be lost, `sweep` makes up for it."""
    transaction.on_commit(partial(admit, workspace_id), robust=True)


def sweep() -> None:
    """Admits wherever there is room for it: a process may have ended between an end and what it makes room for."""
    for workspace_id in Execution.objects.held().order_by().values_list("workspace_id", flat=True).distinct():
        admit(workspace_id)


def admit(workspace_id: UUID) -> list[UUID]:
    """Makes held executions of the workspace due, the oldest first, as far as the limits have room for them."""
    admitted: list[UUID] = []
    with write_transaction():
        # Who locks it here is the only one to count; that others refer to it is left alone.
        workspace = Workspace.objects.select_for_update(no_key=True).filter(pk=workspace_id).first()
        if workspace is not None:
            admitted = _admitted(workspace)
            for execution_id in admitted:
                statements.announce(current(), Announcement(execution_id, workspace_id, 0))
    return admitted


def _admitted(workspace: Workspace) -> list[UUID]:
    room = AT_ONCE if workspace.max_running is None else _room(workspace.max_running, workspace=workspace)
    rooms = _Rooms(workspace)
    admitted: list[UUID] = []
    while room > len(admitted) and (found := _oldest(workspace, room - len(admitted), full=rooms.full())):
        chosen = [execution_id for execution_id, workflow_id in found if rooms.take(workflow_id)]
        Execution.objects.filter(pk__in=chosen).update(wake_at=statements.DatabaseNow(), waiting_for=None)
        admitted += chosen
    return admitted


def _oldest(workspace: Workspace, number: int, *, full: list[UUID]) -> list[tuple[UUID, UUID]]:
    """Held executions with their workflows, but for those that are full.

    One that is being cancelled is skipped: it is locked in another order.
    """
    held = Execution.objects.held().filter(workspace=workspace).exclude(workflow__in=full).order_by("wake_at")
    locked = held.select_for_update(skip_locked=True, of=("self",))
    return list(locked.values_list("pk", "workflow_id")[:number])


class _Rooms:
    """What the limits of a workspace's workflows leave, of those that were asked for."""

    def __init__(self, workspace: Workspace) -> None:
        limited = Workflow.objects.filter(workspace=workspace, max_running__isnull=False)
        self._limits = dict(limited.values_list("pk", "max_running"))
        self._left: dict[UUID, int] = {}

    def full(self) -> list[UUID]:
        return [workflow_id for workflow_id, left in self._left.items() if left <= 0]

    def take(self, workflow_id: UUID) -> bool:
        """Takes a place for an execution of this workflow, if there is one."""
        if workflow_id not in self._left:
            limit = self._limits.get(workflow_id)
            self._left[workflow_id] = AT_ONCE if limit is None else _room(limit, workflow=workflow_id)
        self._left[workflow_id] -= 1
        return self._left[workflow_id] >= 0


def _room(limit: int, **whose: Any) -> int:
    """How many more may run at once; no more are counted than the limit allows."""
    running = Execution.objects.admitted().filter(**whose).order_by("wake_at")
    return min(AT_ONCE, limit - running[:limit].count())
