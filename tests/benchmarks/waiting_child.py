"""Measures a worker on the database of DATABASE_URL; prints its figures as JSON. Started by `waiting`."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import quantiles
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.core.management import call_command  # noqa: E402 (the apps have to be there first)
from django.db import connection  # noqa: E402 (the apps have to be there first)

from executions.engine import statements  # noqa: E402 (the apps have to be there first)
from executions.models import Execution, Step  # noqa: E402 (the apps have to be there first)
from tests.factories import WorkflowFactory, definition  # noqa: E402 (the apps have to be there first)
from tests.plans.many_rows import (  # noqa: E402 (the apps have to be there first)
    FALSE,
    ago,
    execute,
    gather_statistics,
    insert_numbered,
    key,
)
from workflows.documents import Json  # noqa: E402 (the apps have to be there first)
from workflows.models import Workflow  # noqa: E402 (the apps have to be there first)

WAIT: Json = {"type": "wait", "config": {"minutes": 60}}
WAITING = 100_000
MEASURED_SECONDS = 15.0
SETTLING_SECONDS = 5.0
DUE = 200
SECOND = timedelta(seconds=1)
PATIENCE_SECONDS = 20.0
DUE_FROM_SECONDS, DUE_SECONDS = 5.0, 10.0
FAR_SECONDS = 365 * 24 * 3600
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    call_command("migrate", verbosity=0)
    results = {"0": _idle()}
    for sql in _waiting(WorkflowFactory.create(definition=definition(WAIT))):
        execute(sql)
    gather_statistics()
    results[str(WAITING)] = _idle() | _lateness()
    print(json.dumps(results))


@contextmanager
def _worker() -> Iterator[int]:
    """The pid of one that has come to rest."""
    with subprocess.Popen([sys.executable, "manage.py", "run_worker"], stderr=subprocess.DEVNULL) as worker:
        try:
            time.sleep(SETTLING_SECONDS)
            yield worker.pid
        finally:
            worker.terminate()


def _idle() -> dict[str, float]:
    with _worker() as pid:
        before = _cpu_ms(pid)
        time.sleep(MEASURED_SECONDS)
        used = _cpu_ms(pid) - before
        threads = len(list(Path(f"/proc/{pid}/task").iterdir()))
        return {"cpu_ms_per_second": used / MEASURED_SECONDS, "threads": threads, **_connections()}


def _cpu_ms(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / TICKS


def _connections() -> dict[str, float]:
    if connection.vendor != "postgresql":
        return {}
    with connection.cursor() as cursor:
        mine = "datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        cursor.execute(f"SELECT count(*) FROM pg_stat_activity WHERE {mine}")
        return {"connections": cursor.fetchone()[0]}


def _waiting(workflow: Workflow) -> list[str]:
    """Half of them wait for a timer, half for their next try; all for nearly a year."""
    at = ago(f"-({FAR_SECONDS} - n)")
    is_timer = "n % 2 = 0"
    executions = {
        **_owners(workflow), "id": key("n"), "status": "'RUNNING'",
        "created_at": ago("n"), "started_at": ago("n"), "wake_at": at, "epoch": "1", "trigger_type": "'manual'",
        "waiting_for": f"CASE WHEN {is_timer} THEN 'timer' ELSE 'retry' END", "variables": "'{}'",
        "is_simulation": FALSE, "claims": "0", "position": "2", "total_steps": "1", "successful_steps": "0",
        "failed_steps": "0", "skipped_steps": "0",
    }  # fmt: skip
    steps = {
        "id": "id", "execution_id": "id", "path": "'0'", "action_id": "'action-1'", "action_type": "'wait'",
        "name": "''", "status": "'running'", "attempt": "1", "flow": "'continue'", "position": "2",
        "input": "'{\"minutes\": 60}'", "wait_until": "wake_at", "started_at": "started_at",
        "attempt_started_at": "started_at",
        "error": "CASE WHEN waiting_for = 'retry' THEN '{\"code\": \"HTTP_STATUS\"}' END",
    }  # fmt: skip
    insert_steps = f"INSERT INTO executions_step ({', '.join(steps)}) SELECT {', '.join(steps.values())}"
    return [
        insert_numbered("executions_execution", WAITING, executions),
        f"{insert_steps} FROM executions_execution WHERE wake_at IS NOT NULL",
    ]


def _owners(workflow: Workflow) -> dict[str, str]:
    owners = {"workspace_id": workflow.workspace_id, "workflow_id": workflow.pk, "version_id": workflow.version_id}
    return {column: f"'{statements.key(connection, owner)}'" for column, owner in owners.items()}


def _lateness() -> dict[str, float]:
    """Of timers that are due within a few seconds, spread evenly: how long after its time each fired."""
    with _worker():
        begin = statements.time_of(connection) + timedelta(seconds=DUE_FROM_SECONDS)
        due = {UUID(int=2 * number): begin + number * DUE_SECONDS / DUE * SECOND for number in range(1, DUE + 1)}
        for execution_id, moment in due.items():
            Step.objects.filter(execution=execution_id).update(wait_until=moment)
            Execution.objects.filter(pk=execution_id).update(wake_at=moment)
        ends_at = time.monotonic() + DUE_FROM_SECONDS + DUE_SECONDS + PATIENCE_SECONDS
        while (unfinished := Execution.objects.filter(pk__in=due, completed_at=None).count()) and (
            time.monotonic() < ends_at
        ):
            time.sleep(0.5)
    assert not unfinished
    fired = Step.objects.filter(execution__in=due).values_list("execution", "completed_at")
    late = sorted((at - due[execution_id]).total_seconds() * 1000 for execution_id, at in fired if at)
    cuts = quantiles(late, n=100, method="inclusive")
    return {"p50_ms": round(cuts[49], 1), "p99_ms": round(cuts[98], 1), "max_ms": round(late[-1], 1)}


if __name__ == "__main__":
    main()
