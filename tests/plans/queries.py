"""The queries that the API makes, each with the index that it must find them by. The engine's are caught at work."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.utils import timezone

from executions.models import Execution, ExecutionQuerySet, Step
from executions.stream import overview
from tests.plans.many_rows import BUSY, ROWS
from workflows.models import Workflow, WorkflowQuerySet, WorkflowStatus, WorkflowVersion
from workspaces import signin
from workspaces.models import AuditEntry, Membership, Notification, Task

PAGE = 20
QUIET = UUID(int=77)
MIDDLE = UUID(int=ROWS // 2)
NEWEST = ("-created_at", "-id")


@dataclass(frozen=True)
class Query:
    """`reads`: how many rows it may read for its answer. `sorts`: no index gives the order, and few rows need it."""

    name: str
    rows: Callable[[], QuerySet[Any, Any]]
    index: str
    reads: int = 200
    sorts: bool = False


def _executions() -> ExecutionQuerySet:
    return Execution.objects.filter(workflow=BUSY)


def _started(days_ago: int) -> dict[str, Any]:
    to = timezone.now() - timedelta(days=days_ago)
    return {"started_at__gte": to - timedelta(days=7), "started_at__lt": to}


def _page[T: QuerySet[Any, Any]](rows: T, *order: str, offset: int = 0) -> T:
    return rows.order_by(*order or NEWEST)[offset : offset + PAGE]


def _before(rows: QuerySet[Execution, Execution]) -> QuerySet[Execution, Execution]:
    """As a cursor's page asks: what was created before an execution in the middle."""
    return rows.filter(created_at__lte=timezone.now() - timedelta(minutes=ROWS // 2))


def _in_time(rows: ExecutionQuerySet) -> QuerySet[Execution, Execution]:
    return _page(rows.in_time(among_all=True), "-moment", "-id")


def _minutes_ago(minutes: int) -> int:
    """As a cursor of a workspace's stream."""
    return overview._cursor(timezone.now() - timedelta(minutes=minutes))


def _me() -> User:
    return User.objects.earliest("pk")


def _workflows() -> WorkflowQuerySet:
    return Workflow.objects.filter(workspace=BUSY)


EXECUTIONS = [
    Query("executions of a workflow, newest first", lambda: _page(_executions()), "execution_of_workflow"),
    Query("with an offset", lambda: _page(_executions(), offset=1_000), "execution_of_workflow", reads=1_100),
    Query("with a cursor", lambda: _page(_before(_executions())), "execution_of_workflow"),
    Query("the latest", lambda: _executions().newest_first()[:1], "execution_of_workflow"),
    Query("of one status", lambda: _page(_executions().filter(status="TIMEOUT")), "execution_by_status"),
    Query("that, with a cursor", lambda: _page(_before(_executions().filter(status="FAILED"))), "execution_by_status"),
    Query(
        "of several statuses",
        lambda: _page(_executions().filter(status__in=["FAILED", "CANCELLED"])),
        "execution_of_workflow",
        reads=1_100,
    ),
    Query("by what started them", lambda: _page(_executions().filter(trigger_type="webhook")), "execution_by_trigger"),
    Query(
        "by the time they started",
        lambda: _page(_executions().filter(**_started(30)), "-started_at", "-id"),
        "execution_by_start",
    ),
    Query(
        "by that time, of one status",
        lambda: _page(_executions().filter(status="FAILED", **_started(30)), "-started_at", "-id"),
        "execution_by_status_start",
    ),
    Query("in the order they started", lambda: _page(_executions(), "started_at", "id"), "execution_by_start"),
    Query("and back again", lambda: _page(_executions(), "-started_at", "-id"), "execution_by_start", reads=500),
    Query(
        "executions of a workspace",
        lambda: _page(Execution.objects.filter(workspace=BUSY)),
        "execution_of_workspace",
    ),
    Query("those that haven't ended", lambda: overview._unfinished(BUSY)[:PAGE], "execution_by_end"),
    Query("those that ended since", lambda: overview._ended_since(BUSY, _minutes_ago(60)), "execution_by_end"),
    Query(
        "the one that went on with it",
        lambda: Execution.objects.filter(resumed_from=MIDDLE),
        "executions_execution(resumed_from)",
    ),
    Query("an execution", lambda: Execution.objects.filter(workspace=BUSY, pk=MIDDLE), "executions_execution(id)"),
    Query(
        "the steps of a page of executions",
        lambda: Step.objects.filter(execution__in=[UUID(int=ROWS - number) for number in range(PAGE)]),
        "executions_step(execution_id, path)",
    ),
]

LISTS = [
    Query("all executions", lambda: _in_time(Execution.objects.all()), "execution_by_creation"),
    Query("all that failed", lambda: _in_time(Execution.objects.unsuccessful("FAILED")), "execution_unsuccessful"),
    Query(
        "those that failed in a workspace",
        lambda: _page(Execution.objects.unsuccessful("TIMEOUT", BUSY)),
        "execution_unsuccessful_in",
    ),
    Query("all dry runs", lambda: _in_time(Execution.objects.simulations()), "execution_simulated"),
]

WORKFLOWS = [
    Query("workflows of a workspace", lambda: _page(_workflows()), "workflow_of_workspace"),
    Query(
        "those that aren't archived",
        lambda: _page(_workflows().exclude(status=WorkflowStatus.ARCHIVED)),
        "workflow_of_workspace",
    ),
    Query("workflows of one status", lambda: _page(_workflows().filter(status="DRAFT")), "workflow_by_status"),
    Query("by name", lambda: _page(_workflows().order_by(), Lower("name"), "id"), "workflow_by_name"),  # type: ignore[arg-type]
    Query(
        "the one with that name, in capitals or not",
        lambda: _workflows().alias(folded=Lower("name")).filter(folded="workflow 76"),
        "workflow_by_name",
    ),
    Query(
        "the one with exactly that name",
        lambda: _workflows().addressed_by("Workflow 76"),
        "workflows_workflow(workspace_id, name)",
    ),
    Query("the last changed", lambda: _page(_workflows(), "-updated_at", "-id"), "workflow_by_update"),
    Query(
        "versions of a workflow",
        lambda: WorkflowVersion.objects.filter(workflow=QUIET).order_by("-number"),
        "workflows_workflowversion(workflow_id, number)",
    ),
]

PEOPLE = [
    Query("tasks of a workspace", lambda: _page(Task.objects.filter(workspace=BUSY)), "task_of_workspace"),
    Query("its open tasks", lambda: _page(Task.objects.filter(workspace=BUSY, status="TODO")), "task_by_status"),
    Query("tasks of a person", lambda: _page(Task.objects.filter(assignee=_me())), "task_of_assignee"),
    Query("tasks of an execution", lambda: Task.objects.filter(execution_id=MIDDLE), "task_of_execution"),
    Query(
        "notifications of a person",
        lambda: _page(Notification.objects.filter(recipient=_me())),
        "notification_of_recipient",
    ),
    Query(
        "in one workspace",
        lambda: _page(Notification.objects.filter(recipient=_me(), workspace=BUSY)),
        "notification_of_recipient",
        reads=1_100,
    ),
    Query("unread ones", lambda: _page(Notification.objects.filter(recipient=_me()).unread()), "notification_unread"),
    Query(
        "notifications of an execution",
        lambda: Notification.objects.filter(execution_id=MIDDLE),
        "notification_of_execution",
    ),
    Query("memberships of a person", lambda: Membership.objects.filter(user=_me()), "workspaces_membership(user_id)"),
    Query(
        "whether a person is a member",
        lambda: Membership.objects.filter(workspace=BUSY, user=_me()),
        "workspaces_membership(workspace_id, user_id)",
    ),
    Query(
        "what was done in a workspace",
        lambda: _page(AuditEntry.objects.filter(workspace_id=QUIET), "-id"),
        "audit_of_workspace",
    ),
    Query("from where a person signed in", lambda: signin.from_where(_me().pk), "audit_of_signin"),
    Query("wrong passwords for a name", lambda: signin.recent().filter(name="name 77"), "failures_of_name"),
    Query("wrong passwords from there", lambda: signin.recent().filter(network="net 77"), "failures_of_network"),
]

QUERIES = [*EXECUTIONS, *LISTS, *WORKFLOWS, *PEOPLE]
