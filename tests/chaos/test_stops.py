"""Workers that stop for longer than their lease, as a machine that freezes does, and go on as if nothing had been."""

import os
import re
import signal
import time

import pytest

from executions import services
from executions.models import Execution
from tests.chaos import invariants, report, scenes
from tests.chaos.effects import Effects
from tests.chaos.workers import Workers, workers
from tests.executions.programs import scene
from tests.executions.programs.children import eventually

LEASE_SECONDS = 1
POINTS = ["claim.after=1", "effect.before=2", "effect.after=2", "commit.before=3", "commit.inside=3", "commit.after=3"]
LATE = "is somebody else's now"


def is_stopped(pid: int) -> bool:
    with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 (a file of the kernel's, read as one)
        return stat.read().rpartition(")")[2].split()[0] == "T"


def has_caught_up(workers: Workers, pid: int) -> bool:
    return LATE in workers.log(pid)


@pytest.mark.parametrize("kind", ["effect", "transactional"])
def test_a_worker_that_stops_for_three_leases_writes_nothing_late(database: str, effects: Effects, kind: str) -> None:
    effects.seconds = 2.0
    inside: scene.Action = {"type": "test_deaf_inside", "config": {"seconds": 2.0}}
    middle = inside if kind == "transactional" else scenes.call(effects, "held")
    workflow = scene.workflow("stops", scene.task("before"), middle, scene.task("after"))
    execution = services.start(workflow=workflow)
    with workers(OUTBOUND_ALLOWED_HOSTS=effects.authority, LEASE_SECONDS=LEASE_SECONDS) as running:
        running.start_and_wait(1)
        (stopped,) = running.alive
        eventually(lambda: Execution.objects.filter(position__gte=3).exists())
        os.kill(stopped, signal.SIGSTOP)
        began = time.monotonic()
        other = running.start()
        scenes.seconds_until_all_have_ended()
        eventually(lambda: time.monotonic() > began + 3 * LEASE_SECONDS)
        before = rows(execution)
        os.kill(stopped, signal.SIGCONT)
        eventually(lambda: has_caught_up(running, stopped))
        scenes.check_all_still_work(running)

        assert running.log(stopped).count(LATE) == 1
        assert LATE not in running.log(other)
    assert rows(execution) == before, "nothing of it has changed since"
    execution.refresh_from_db()
    assert (execution.status, execution.successful_steps) == ("COMPLETED", 3)
    step = execution.steps.get(path="1")
    assert invariants.interruptions(step) == 1
    report.tell("stopped for three leases", step=step.action_type, late_writes=0, said="once")


def test_the_lock_of_a_worker_that_stops_in_its_transaction_is_taken_from_it(database: str, effects: Effects) -> None:
    """Behind the fence and before COMMIT: nobody could take the execution over, or cancel it, as long as it stands."""
    workflow = scene.workflow("stops", scene.task("one"), scenes.call(effects, "two"))
    execution = services.start(workflow=workflow)
    given = {"OUTBOUND_ALLOWED_HOSTS": effects.authority, "LEASE_SECONDS": LEASE_SECONDS}
    with workers(**given, STOP_BEFORE_COMMIT=1) as running, workers(**given) as others:
        stopped = running.start()
        eventually(lambda: is_stopped(stopped))
        others.start_and_wait(1)
        scenes.seconds_until_all_have_ended()
        before = rows(execution)
        os.kill(stopped, signal.SIGCONT)
        eventually(lambda: re.search("was left|was handed back", running.log(stopped)))
        scenes.check_all_still_work(running, others)
    assert rows(execution) == before
    found = invariants.hold(workflow, [execution.pk], effects)
    assert (found.extra, found.interrupted) == (0, 1)


@pytest.mark.parametrize("point", POINTS if scenes.LONG else POINTS[::2])
def test_it_may_stop_anywhere(database: str, effects: Effects, point: str) -> None:
    """Also where its transaction has written what it may not write any more."""
    workflow = scene.workflow("stops", scene.task("one"), scenes.call(effects, "two"), scene.task("three"))
    execution = services.start(workflow=workflow)
    with workers(OUTBOUND_ALLOWED_HOSTS=effects.authority, LEASE_SECONDS=LEASE_SECONDS, STOP_AT=point) as running:
        stopped = running.start()
        eventually(lambda: is_stopped(stopped))
        with workers(OUTBOUND_ALLOWED_HOSTS=effects.authority, LEASE_SECONDS=LEASE_SECONDS) as others:
            others.start_and_wait(1)
            scenes.seconds_until_all_have_ended()
            os.kill(stopped, signal.SIGCONT)
            # Refused by the fence; or, where it stopped in a transaction, ended by the database meanwhile.
            eventually(lambda: re.search(f"{LATE}|was left|was handed back", running.log(stopped)))
            assert running.log(stopped).count(LATE) <= 1
    found = invariants.hold(workflow, [execution.pk], effects)
    assert found.extra <= found.interrupted <= 1


def rows(execution: Execution) -> list[object]:
    return [Execution.objects.filter(pk=execution.pk).values().get(), *execution.steps.order_by("path").values()]
