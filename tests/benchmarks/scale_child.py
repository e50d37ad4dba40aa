"""Makes executions due at once, once workers are ready; prints what came of it as JSON. Started by `scale`."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from statistics import median

import django

django.setup()

from django.core.management import call_command  # noqa: E402 (the apps have to be there first)
from django.db import connection, transaction  # noqa: E402 (the apps have to be there first)
from django.db.models import Max, Min  # noqa: E402 (the apps have to be there first)
from django.db.models.functions import Now  # noqa: E402 (the apps have to be there first)

from executions import services  # noqa: E402 (the apps have to be there first)
from executions.engine.announcements import DUE_CHANNEL  # noqa: E402 (the apps have to be there first)
from executions.models import Execution  # noqa: E402 (the apps have to be there first)
from tests.factories import WorkflowFactory, definition  # noqa: E402 (the apps have to be there first)
from workflows.documents import Json  # noqa: E402 (the apps have to be there first)
from workflows.models import Workflow  # noqa: E402 (the apps have to be there first)
from workspaces.fields import uuid7  # noqa: E402 (the apps have to be there first)

LOOK_SECONDS = 0.1
STOP_SECONDS = 30
STARTS = 15
NOTHING: Json = {"type": "test_nothing"}


@contextmanager
def worker() -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "manage.py", "run_worker"])
    try:
        yield
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


def listening() -> int:
    """How many workers wait to be told that something is due."""
    with connection.cursor() as cursor:
        asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query = %s"
        cursor.execute(asked, [f"LISTEN {DUE_CHANNEL}"])
        return int(cursor.fetchone()[0])


def workflow_of(slug: str, steps: int) -> Workflow:
    """In a workspace of its own."""
    return WorkflowFactory.create(
        workspace__slug=slug,
        workspace__organization__slug=slug,
        workspace__organization__owner__username=slug,
        definition=definition(*[NOTHING] * steps),
    )


@contextmanager
def ready(workers: int) -> Iterator[None]:
    with ExitStack() as running:
        for _ in range(workers):
            running.enter_context(worker())
        while listening() < workers:
            time.sleep(LOOK_SECONDS)
        yield


def start_at_once(workflow: Workflow, executions: int) -> None:
    with transaction.atomic():
        for _ in range(executions):
            services.start(workflow=workflow)


def rate(workers: int, executions: int, steps: int) -> float:
    """Steps a second, from the first claim to the last end."""
    workflow = workflow_of(f"scale-{uuid7().hex}", steps)
    with ready(workers):
        start_at_once(workflow, executions)
        mine = Execution.objects.filter(workflow=workflow)
        while mine.unfinished().exists():
            time.sleep(LOOK_SECONDS)
    took = mine.aggregate(took=Max("completed_at") - Min("started_at"))["took"]
    assert mine.filter(status="COMPLETED", successful_steps=steps).count() == executions
    return float(executions * steps / took.total_seconds())


def lags(workers: int, queued: int, steps: int) -> list[float]:
    """How long (s) a start waits for a worker: the median of those alone, and of those behind another one's queue."""
    crowd, mine = (workflow_of(f"lag-{name}-{uuid7().hex}", steps) for name in ("crowd", "mine"))
    with ready(workers):
        alone = _lag(mine)
        start_at_once(crowd, queued)
        behind = _lag(mine)
        assert Execution.objects.filter(workflow=crowd, started_at=None).exists(), "the queue was too short"
    Execution.objects.filter(workflow=crowd).unfinished().update(wake_at=None, status="CANCELLED", completed_at=Now())
    return [alone, behind]


def _lag(workflow: Workflow) -> float:
    executions = []
    for _ in range(STARTS):
        executions.append(services.start(workflow=workflow))
        services.wait(execution=executions[-1], seconds=60)
        time.sleep(LOOK_SECONDS)
    return median((each.started_at - each.created_at).total_seconds() for each in executions if each.started_at)


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    measured = {"rate": rate, "lags": lags}[sys.argv[1]]
    print(json.dumps(measured(*map(int, sys.argv[2:]))))
