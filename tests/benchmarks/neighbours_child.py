"""How many steps a second executions make beside handlers that hang. Started by `neighbours`."""

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.executions.misbehaving.settings")
django.setup()

from django.core.management import call_command  # noqa: E402 (the apps have to be there first)

from executions import services  # noqa: E402 (the apps have to be there first)
from executions.engine import dispatch  # noqa: E402 (the apps have to be there first)
from executions.models import Execution, Step  # noqa: E402 (the apps have to be there first)
from tests.executions.misbehaving import actions  # noqa: E402 (the apps have to be there first)
from tests.factories import WorkflowFactory, definition  # noqa: E402 (the apps have to be there first)
from workflows.actions.registry import action  # noqa: E402 (the apps have to be there first)
from workflows.documents import Json  # noqa: E402 (the apps have to be there first)
from workflows.models import Workflow  # noqa: E402 (the apps have to be there first)

STEPS = 10
SECONDS = 3.0
STAY_SECONDS = 600
action("spin_here", config=actions.HangConfig, isolated=False)(actions.stay)
QUICK: Json = {"type": "test_pid", "config": {"seconds": 0.001}}


def workflow(*steps: Json) -> Workflow:
    made: Workflow = WorkflowFactory.create(definition=definition(*steps))
    return made


def left_behind(how: str, count: int) -> None:
    """So many handlers are at work for nobody: each one's step has timed out."""
    stay = workflow({"type": "test_stay", "config": {"how": how, "seconds": STAY_SECONDS}, "timeout": 50})
    for _ in range(count):
        services.run(execution=services.start(workflow=stay))


@contextmanager
def at_work(kind: str, count: int) -> Iterator[None]:
    """So many handlers compute, each for an execution that waits for it."""
    spin = workflow({"type": kind, "config": {"how": "spin", "seconds": STAY_SECONDS}, "timeout": 1000 * STAY_SECONDS})
    executions = [services.start(workflow=spin) for _ in range(count)]
    threads = [threading.Thread(target=services.run, kwargs={"execution": each}, daemon=True) for each in executions]
    for thread in threads:
        thread.start()
    while Step.objects.filter(execution__in=executions, status="running").count() < count:
        time.sleep(0.1)
    time.sleep(SECONDS)
    try:
        yield
    finally:
        for each in executions:
            services.cancel(execution=each)
        for thread in threads:
            thread.join()
        time.sleep(SECONDS)


def rate(quick: Workflow) -> float:
    """Steps a second of an executor with four threads, while four executions are always due or at work."""
    stop, done = threading.Event(), list[int]()

    def keep_busy() -> None:
        while not stop.is_set():
            execution = services.start(workflow=quick)
            while not services.wait(execution=execution, seconds=1).has_ended:
                pass
            done.append(STEPS)

    with dispatch.executor(4):
        threads = [threading.Thread(target=keep_busy, daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        began = time.perf_counter()
        time.sleep(SECONDS)
        made = sum(done)
        took = time.perf_counter() - began
        stop.set()
        for thread in threads:
            thread.join()
    return made / took


def main() -> None:
    call_command("migrate", verbosity=0)
    quick = workflow(*[QUICK] * STEPS)
    rate(quick)
    found = {"alone": rate(quick)}
    for name, how, count in (("16 that sleep", "sleep", 16), ("1 that spins", "spin", 1), ("4 that spin", "spin", 3)):
        left_behind(how, count)
        found[name] = rate(quick)
    found["alone once more"] = rate(quick)
    for name, kind, count in (
        ("1 isolated at work", "test_stay_apart", 1),
        ("4 isolated at work", "test_stay_apart", 4),
        ("1 at work here", "spin_here", 1),
    ):
        with at_work(kind, count):
            found[name] = rate(quick)
    actions.gate.set()
    found["alone again"] = rate(quick)
    print(json.dumps(found))
    sys.stdout.flush()
    assert Execution.objects.exists()
    os._exit(0)


if __name__ == "__main__":
    main()
