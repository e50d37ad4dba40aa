"""How many executions may run at once, in a workspace and of a workflow. Those over a limit are held, in their order.

One that is held is PENDING, waits for LIMIT, and has a `wake_at` so far off that it isn't due before it's admitted; a
later one has a later one. Admitted are all others that haven't ended, also while they wait for a timer.
"""

from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Count

from executions.engine import statements
from executions.engine.announcements import Announcement
from executions.engine.statements import Piece
from executions.engine.transactions import current, write_transaction
from executions.models import HELD_SINCE, Execution
from workflows.models import Workflow
from workspaces.models import Workspace

AT_ONCE = 500
_OTHERS_WAIT = "EXISTS (SELECT 1 FROM executions_execution held WHERE held.workspace_id = %s AND held.wake_at >= %s)"


def others_wait(db: BaseDatabaseWrapper, workspace_id: UUID) -> Piece:
    """Whether any execution of the workspace is held, as an SQL expression."""
    return Piece(_OTHERS_WAIT, [statements.key(db, workspace_id), statements.moment(db, HELD_SINCE)])


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
    room, rooms = _room_of_workspace(workspace), _rooms_of_workflows(workspace)
    admitted: list[UUID] = []
    while room > len(admitted):
        full = [workflow_id for workflow_id, left in rooms.items() if left <= 0]
        oldest = Execution.objects.held().filter(workspace=workspace).exclude(workflow__in=full).order_by("wake_at")
        # One that is being cancelled is skipped, which is locked in another order.
        locked = oldest.select_for_update(skip_locked=True, of=("self",)).values_list("pk", "workflow_id")
        chosen = []
        for execution_id, workflow_id in (found := locked[: room - len(admitted)]):
            if rooms.get(workflow_id, 1) > 0:
                chosen.append(execution_id)
                rooms.update({workflow_id: rooms[workflow_id] - 1} if workflow_id in rooms else {})
        if not found:
            break
        Execution.objects.filter(pk__in=chosen).update(wake_at=statements.DatabaseNow(), waiting_for=None)
        admitted += chosen
    return admitted


def _room_of_workspace(workspace: Workspace) -> int:
    limit = workspace.max_running
    if limit is None:
        return AT_ONCE
    return min(AT_ONCE, limit - Execution.objects.admitted().filter(workspace=workspace)[:limit].count())


def _rooms_of_workflows(workspace: Workspace) -> dict[UUID, int]:
    """Those of its workflows that have a limit."""
    limited = Workflow.objects.filter(workspace=workspace, max_running__isnull=False)
    limits = dict(limited.values_list("pk", "max_running"))
    running = Execution.objects.admitted().filter(workflow__in=limits).order_by().values("workflow")
    counts = dict(running.annotate(Count("pk")).values_list("workflow", "pk__count"))
    return {workflow_id: (limit or 0) - counts.get(workflow_id, 0) for workflow_id, limit in limits.items()}
