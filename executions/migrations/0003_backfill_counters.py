"""Fills the counters and the trigger's type of each workflow from the rows there are.

One pass over the executions, a few columns of each, in Python: so that a duration is rounded as everywhere else.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import migrations, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

EXECUTIONS_AT_ONCE = 2_000
DEFINITIONS_AT_ONCE = 50
COUNTERS = {
    "COMPLETED": ("success_count",),
    "FAILED": ("failure_count",),
    "TIMEOUT": ("failure_count", "timeout_count"),
    "CANCELLED": ("cancelled_count",),
}
ALL = (
    "execution_count", "success_count", "failure_count", "timeout_count", "cancelled_count", "simulation_count",
    "total_duration_ms",
)  # fmt: skip


def backfill(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """The workflows are locked first: a process that finishes an execution meanwhile counts it after this."""
    Workflow: Any = apps.get_model("workflows", "Workflow")
    database = schema_editor.connection.alias
    workflows = Workflow.objects.using(database)
    with transaction.atomic(using=database):
        locked = list(workflows.select_for_update().values_list("pk", "trigger_type", *ALL))
        counted, types = _counted(apps, database), _trigger_types(apps, database)
        for workflow_id, *kept in locked:
            true = [types.get(workflow_id, "manual"), *(counted[workflow_id][counter] for counter in ALL)]
            if kept != true:
                workflows.filter(pk=workflow_id).update(**dict(zip(("trigger_type", *ALL), true, strict=True)))


def _counted(apps: StateApps, database: str) -> Mapping[UUID, Counter[str]]:
    Execution: Any = apps.get_model("executions", "Execution")
    counted: defaultdict[UUID, Counter[str]] = defaultdict(Counter)
    columns = ("workflow_id", "is_simulation", "status", "started_at", "completed_at")
    rows = Execution.objects.using(database).order_by().values_list(*columns)
    for workflow_id, is_simulation, status, started_at, completed_at in rows.iterator(EXECUTIONS_AT_ONCE):
        counters = counted[workflow_id]
        if is_simulation:
            counters["simulation_count"] += 1
            continue
        counters["execution_count"] += 1
        for counter in COUNTERS.get(status, ()):
            counters[counter] += 1
        if status in COUNTERS and status != "CANCELLED":
            counters["total_duration_ms"] += _milliseconds(started_at, completed_at)
    return counted


def _milliseconds(started_at: datetime | None, completed_at: datetime) -> int:
    return 0 if started_at is None else round((completed_at - started_at).total_seconds() * 1000)


def _trigger_types(apps: StateApps, database: str) -> dict[UUID, str]:
    WorkflowVersion: Any = apps.get_model("workflows", "WorkflowVersion")
    current = WorkflowVersion.objects.using(database).filter(current_for__isnull=False)
    definitions = current.values_list("current_for", "definition").iterator(DEFINITIONS_AT_ONCE)
    return {workflow_id: definition.get("trigger", {}).get("type", "manual") for workflow_id, definition in definitions}


class Migration(migrations.Migration):

    dependencies = [
        ('executions', '0002_idempotency_key'),
        ('workflows', '0002_counters_and_trigger_type'),
    ]

    operations = [
        migrations.RunPython(backfill, migrations.RunPython.noop),
    ]
