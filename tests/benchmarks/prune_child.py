"""Measures the engine beside a prune on the database of DATABASE_URL; prints figures as JSON. Started by `prune`."""

import json
import os
import threading
import time
from statistics import median

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.core.management import call_command  # noqa: E402 (the apps have to be there first)
from django.db import connections  # noqa: E402 (the apps have to be there first)

from executions import retention, services  # noqa: E402 (the apps have to be there first)
from executions.models import Pruned  # noqa: E402 (the apps have to be there first)
from executions.retention import Rule  # noqa: E402 (the apps have to be there first)
from tests.benchmarks.engine_child import NOOP, STEPS  # noqa: E402 (the apps have to be there first)
from tests.benchmarks.fill import fill  # noqa: E402 (the apps have to be there first)
from tests.factories import WorkflowFactory, definition  # noqa: E402 (the apps have to be there first)
from workflows.models import Workflow  # noqa: E402 (the apps have to be there first)

OLD = 60_000
ROUNDS = 12
ROUND_SECONDS = 2.0


class Prune:
    """Deletes what `fill` has made, while it is `on`."""

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow
        self.on = threading.Event()
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def rest(self, seconds: float) -> bool:
        self.stopping.wait(seconds)
        self.on.wait()
        return self.stopping.is_set()

    def _run(self) -> None:
        self.on.wait()
        retention.prune(workspace=self.workflow.workspace, rule=Rule(days=1, count=0), rest=self.rest)
        connections.close_all()

    def stop(self) -> None:
        self.stopping.set()
        self.on.set()
        self.thread.join()


def main() -> None:
    call_command("migrate", verbosity=0)
    old = fill(OLD)
    workflow = WorkflowFactory.create(definition=definition(*[NOOP] * STEPS))
    _rate(workflow)
    prune, rates = Prune(old), dict[bool, list[float]]({False: [], True: []})
    prune.thread.start()
    for number in range(ROUNDS):
        for is_on in (False, True) if number % 2 else (True, False):
            (prune.on.set if is_on else prune.on.clear)()
            rates[is_on].append(_rate(workflow))
    if not prune.thread.is_alive():
        raise SystemExit("there was too little to prune")
    prune.stop()
    pruned = Pruned.objects.get(pk=old.pk).execution_count
    alone, beside = median(rates[False]), median(rates[True])
    figures = {
        "steps_per_second_alone": round(alone, 1),
        "steps_per_second_beside": round(beside, 1),
        "ratio": round(beside / alone, 4),
        "pruned_per_second": round(pruned / (ROUNDS * ROUND_SECONDS), 1),
    }
    print(json.dumps(figures))


def _rate(workflow: Workflow) -> float:
    """Steps a second of executions, one after another."""
    began, steps = time.perf_counter(), 0
    while (took := time.perf_counter() - began) < ROUND_SECONDS:
        steps += services.run(execution=services.start(workflow=workflow)).successful_steps
    return steps / took


if __name__ == "__main__":
    main()
