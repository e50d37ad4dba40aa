"""Each query that the engine makes, and those that the API and the admin will make, finds its rows by an index.

Asked of the database itself (EXPLAIN), with a hundred thousand rows in every table that grows.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.utils import timezone

from executions.engine import journal, statements
from executions.engine.statements import Piece
from executions.models import Execution, Step
from tests.executions import many_rows
from workflows.models import Workflow
from workspaces.models import Membership, Notification, Task

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

RARE = UUID(int=8)
"""A workflow and a workspace that aren't the busy ones."""
LARGE = ("executions_execution", "executions_step", "workflows_workflow", "workspaces_task", "workspaces_notification")


def user() -> User:
    return User.objects.order_by("id")[7]


QUERIES: dict[str, tuple[str, Callable[[], QuerySet[Any, Any]]]] = {
    "what is due": ("execution_due", lambda: Execution.objects.due(timezone.now())[:4]),
    "the next to be due": (
        "execution_due",
        lambda: Execution.objects.filter(wake_at__isnull=False).order_by("wake_at").values_list("wake_at")[:1],
    ),
    "the steps of an execution": (
        "step_once_per_path",
        lambda: Step.objects.filter(execution=UUID(int=many_rows.ROWS - 5)),
    ),
    "a workflow's latest": (
        "execution_of_workflow",
        lambda: Execution.objects.filter(workflow=RARE).newest_first()[:20],
    ),
    "a workflow's failed": (
        "execution_by_status",
        lambda: Execution.objects.filter(workflow=many_rows.BUSY, status="TIMEOUT").newest_first()[:20],
    ),
    "a workflow's by trigger": (
        "execution_by_trigger",
        lambda: Execution.objects.filter(workflow=many_rows.BUSY, trigger_type="webhook").newest_first()[:20],
    ),
    "a workflow's of a day": (
        "execution_by_start",
        lambda: Execution.objects.filter(
            workflow=many_rows.BUSY,
            started_at__gte=timezone.now() - timedelta(days=60),
            started_at__lt=timezone.now() - timedelta(days=59, hours=12),
        ).order_by("-started_at")[:20],
    ),
    "a workspace's latest": (
        "execution_of_workspace",
        lambda: Execution.objects.filter(workspace=RARE).newest_first()[:20],
    ),
    "a workspace's workflows": (
        "workflow_of_workspace",
        lambda: Workflow.objects.filter(workspace=RARE).order_by("-created_at")[:20],
    ),
    "a workspace's drafts": (
        "workflow_by_status",
        lambda: Workflow.objects.filter(workspace=many_rows.BUSY, status="INACTIVE").order_by("-created_at")[:20],
    ),
    "a workspace's workflows by name": (
        "workflow_by_name",
        lambda: Workflow.objects.filter(workspace=many_rows.BUSY).order_by(Lower("name"))[:20],
    ),
    "a workspace's workflows by change": (
        "workflow_by_update",
        lambda: Workflow.objects.filter(workspace=many_rows.BUSY).order_by("-updated_at")[:20],
    ),
    "a workflow by its name": (
        "workflow_name_once_per_workspace",
        lambda: Workflow.objects.filter(workspace=many_rows.BUSY).addressed_by("Workflow 1"),
    ),
    "a workspace's tasks": (
        "task_of_workspace",
        lambda: Task.objects.filter(workspace=RARE).order_by("-created_at")[:20],
    ),
    "a workspace's open tasks": (
        "task_by_status",
        lambda: Task.objects.filter(workspace=many_rows.BUSY, status="TODO").order_by("-created_at")[:20],
    ),
    "somebody's tasks": ("task_of_assignee", lambda: Task.objects.filter(assignee=user()).order_by("-created_at")[:20]),
    "an execution's tasks": ("task_of_execution", lambda: Task.objects.filter(execution_id=UUID(int=8))),
    "somebody's notifications": (
        "notification_of_recipient",
        lambda: Notification.objects.filter(recipient=user()).order_by("-created_at")[:20],
    ),
    "somebody's unread": (
        "notification_unread",
        lambda: Notification.objects.unread().filter(recipient=user()).order_by("-created_at")[:20],
    ),
    "an execution's notifications": (
        "notification_of_execution",
        lambda: Notification.objects.filter(execution_id=UUID(int=8)),
    ),
    "a member": (
        "membership_once_per_workspace",
        lambda: Membership.objects.filter(workspace=UUID(int=3), user=user()),
    ),
}


def test_every_query_finds_its_rows_by_its_index(monkeypatch: pytest.MonkeyPatch) -> None:
    many_rows.make()
    many_rows.forget_statistics()
    try:
        plans = {name: queryset().explain() for name, (_, queryset) in QUERIES.items()}
        plans |= _plans_of_the_engine(monkeypatch)
    finally:
        many_rows.remove()

    assert {name: plan for name, plan in plans.items() if not _index(name, plan)} == {}
    assert {name: plan for name, plan in plans.items() if _reads_whole(plan)} == {}


def _index(name: str, plan: str) -> bool:
    """Whether the plan uses the index that was made for the query; the engine's own go by primary key too."""
    expected = QUERIES[name][0] if name in QUERIES else "execution_due|pkey|sqlite_autoindex"
    return re.search(expected, _as_declared(plan)) is not None


def _as_declared(plan: str) -> str:
    """PostgreSQL keeps the name of a constraint's index, SQLite of none but those with a condition."""
    if connection.vendor == "postgresql":
        return plan
    automatic = {
        "executions_step_1": "sqlite", "workflows_workflowversion": "version_content_once_per_workflow",
        "executions_step": "step_once_per_path", "workspaces_membership": "membership_once_per_workspace",
    }  # fmt: skip
    for table, declared in automatic.items():
        plan = re.sub(rf"sqlite_autoindex_{table}_[2-9]", declared, plan)
    return plan


def _reads_whole(plan: str) -> bool:
    """A large table from its beginning to its end."""
    whole = re.findall(r"Seq Scan on (\w+)|SCAN (\w+)$", plan, flags=re.MULTILINE)
    return any(table in LARGE for tables in whole for table in tables)


def _plans_of_the_engine(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The very statements that claims and a step's commit send, explained instead of carried out."""
    plans: dict[str, str] = {}
    carried_out = statements.run_fenced

    def explained(db: Any, fence: Piece, pieces: Any = ()) -> list[Any]:
        explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
        with connection.cursor() as cursor:
            for number, piece in enumerate((fence, *pieces)):
                if not piece.sql.startswith("INSERT"):
                    cursor.execute(f"{explain} {statements.escaped(piece.sql).replace('%%s', '%s')}", piece.parameters)
                    plans[f"engine {len(plans)}.{number}"] = "\n".join(str(row[-1]) for row in cursor.fetchall())
        return carried_out(db, fence, pieces)

    monkeypatch.setattr(statements, "run_fenced", explained)
    (claim,) = journal.claim_due(1)
    journal.commit(claim)
    journal.claim(UUID(int=5))
    assert len(plans) >= 3
    return plans
