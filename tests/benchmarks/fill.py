"""A workflow with many executions, made by the database itself: `python -m tests.benchmarks.fill 1000000`.

They are spread over the last year: 90 % COMPLETED, 6 % FAILED, 2 % CANCELLED, 1.9 % TIMEOUT, and 0.1 % unfinished,
which nobody takes up for a year to come. Each has a step. The workflow's counters say what the rows say.
"""

import os
import sys
import time
from uuid import UUID

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()

from django.db import connection, transaction

from tests.executions.counters import counted
from tests.factories import WorkflowFactory
from tests.plans.many_rows import FALSE, ago, execute, gather_statistics, insert_numbered
from workflows.models import Workflow
from workspaces.fields import uuid7

YEAR_SECONDS = 365 * 24 * 3600
NEWEST_SECONDS = 3
DRAWN = "(n * 7919 % 1000)"
"""Each number below a thousand once in a thousand rows, and not in their order."""

STATUS = f"""(CASE WHEN {DRAWN} < 900 THEN 'COMPLETED' WHEN {DRAWN} < 960 THEN 'FAILED'
    WHEN {DRAWN} < 980 THEN 'CANCELLED' WHEN {DRAWN} < 999 THEN 'TIMEOUT'
    WHEN n / 1000 % 2 = 0 THEN 'PENDING' ELSE 'RUNNING' END)"""
HAS_ENDED = f"{DRAWN} < 999"
WAITED_SECONDS, WORKED_SECONDS = "0.05", "(0.2 + n * 31 % 1800 / 1000.0)"
UUID7 = {
    "postgresql": "CAST(LPAD(TO_HEX({0}), 12, '0') || '70008{1}' || LPAD(TO_HEX(n), 12, '0') AS uuid)",
    "sqlite": "PRINTF('%012x70008{1}%012x', {0}, n)",
}


def fill(executions: int) -> Workflow:
    """Gives a new workflow with so many executions, the newest of them a few seconds old."""
    workflow = _workflow(f"{executions:,} executions")
    with transaction.atomic():
        execute(_executions(workflow, executions))
        execute(_steps(workflow))
        Workflow.objects.filter(pk=workflow.pk).update(**counted(workflow))
    gather_statistics()
    workflow.refresh_from_db()
    return workflow


def _workflow(name: str) -> Workflow:
    """In a workspace of its own, so that a database may be filled more than once."""
    slug = f"filled-{uuid7().hex}"
    return WorkflowFactory.create(
        name=name,
        workspace__slug=slug,
        workspace__organization__slug=slug,
        workspace__organization__owner__username=slug,
    )


def _executions(workflow: Workflow, executions: int) -> str:
    age = f"(({executions} - n) * {YEAR_SECONDS / executions} + {NEWEST_SECONDS})"
    columns = {
        **_owners(workflow), "id": _uuid7(workflow, age), "status": STATUS, "created_at": ago(age), "epoch": "1",
        "trigger_type": "CASE WHEN n % 20 = 0 THEN 'webhook' ELSE 'manual' END", "trigger_data": "'{\"order\": 1234}'",
        "variables": "'{}'", "is_simulation": FALSE, "claims": "0", "position": "3",
        "started_at": f"CASE WHEN {STATUS} = 'PENDING' THEN NULL ELSE {ago(f'{age} - {WAITED_SECONDS}')} END",
        "completed_at": f"CASE WHEN {HAS_ENDED} THEN {ago(f'{age} - {WAITED_SECONDS} - {WORKED_SECONDS}')} END",
        "wake_at": f"CASE WHEN {HAS_ENDED} THEN NULL ELSE {ago(f'-{YEAR_SECONDS}')} END",
        "total_steps": "1", "successful_steps": "1", "failed_steps": "0", "skipped_steps": "0",
    }  # fmt: skip
    return insert_numbered("executions_execution", executions, columns)


def _uuid7(workflow: Workflow, age: str) -> str:
    """The id of an execution of this age (s); where two workflows' are of one age, they differ by the workflow's."""
    milliseconds = f"{time.time_ns() // 1_000_000} - CAST({age} * 1000 AS bigint)"
    return UUID7[connection.vendor].format(milliseconds, workflow.pk.hex[-3:])


def _owners(workflow: Workflow) -> dict[str, str]:
    owners = {"workspace": workflow.workspace_id, "workflow": workflow.pk, "version": workflow.version_id}
    return {f"{name}_id": _key(owner) for name, owner in owners.items()}


def _steps(workflow: Workflow) -> str:
    columns = {
        "id": "id", "execution_id": "id", "path": "'0'", "action_id": "'action-1'", "action_type": "'wait'",
        "name": "''", "status": "'success'", "attempt": "1", "flow": "'continue'", "position": "2",
        "input": "'{\"durationMs\": 0}'", "output": "'{}'", "started_at": "started_at",
        "attempt_started_at": "started_at", "completed_at": "completed_at",
    }  # fmt: skip
    of_workflow = f"FROM executions_execution WHERE workflow_id = {_key(workflow.pk)}"
    return f"INSERT INTO executions_step ({', '.join(columns)}) SELECT {', '.join(columns.values())} {of_workflow}"


def _key(key: UUID) -> str:
    return f"CAST('{key}' AS uuid)" if connection.vendor == "postgresql" else f"'{key.hex}'"


if __name__ == "__main__":
    began = time.perf_counter()
    print(fill(int(sys.argv[1])).pk, f"{time.perf_counter() - began:.1f} s")
