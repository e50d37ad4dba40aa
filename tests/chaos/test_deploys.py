"""Rolling deploys: workers of two releases side by side, and one that is told to stop while it works."""

import os
import signal
import time

import pytest

from executions import services
from executions.models import Execution, Step
from tests.chaos import invariants, report, scenes
from tests.chaos.effects import Effects
from tests.chaos.programs import next_release
from tests.chaos.workers import workers
from tests.executions.programs import scene
from tests.executions.programs.children import eventually, has_ended

EXECUTIONS = 20
KNOWN = next_release.__name__  # importing them has registered them in this process, which saves the workflow


def test_a_worker_of_the_last_release_leaves_what_it_does_not_know_to_the_next(database: str) -> None:
    new: scene.Action = {"type": "test_of_next_release"}
    workflow = scene.workflow("next release", scene.task("before"), new, scene.task("after"))
    executions = [services.start(workflow=workflow) for _ in range(EXECUTIONS)]
    with workers(DELAY_SECONDS=0.5) as old, workers(DELAY_SECONDS=0.5, RELEASE="next") as latest:
        old.start_and_wait(2)
        eventually(lambda: Step.objects.filter(status="success").count() == EXECUTIONS)
        eventually(lambda: Execution.objects.filter(epoch__gte=4).count() == EXECUTIONS)
        assert set(Execution.objects.values_list("status", "claims")) <= {("RUNNING", 0), ("RUNNING", 1)}

        latest.start_and_wait(1)
        scenes.seconds_until_all_have_ended()

        ran_by = set(Step.objects.filter(path="1").values_list("output", flat=True))
        assert ran_by == set(latest.alive)
        said = [old.log(pid).count("is for others") for pid in old.alive]
        assert sum(said) <= 2 * EXECUTIONS, "each says so once of each execution"
    for execution in executions:
        execution.refresh_from_db()
        assert (execution.status, execution.successful_steps) == ("COMPLETED", 3)


def test_what_no_worker_knows_fails_in_the_end(database: str) -> None:
    workflow = scene.workflow("unknown", {"type": "test_of_next_release"})
    execution = services.start(workflow=workflow)
    with workers(DELAY_SECONDS=0.2, PATIENCE_SECONDS=1) as running:
        running.start_and_wait(1)
        scenes.seconds_until_all_have_ended()

    execution.refresh_from_db()
    assert execution.completed_at
    assert (execution.status, execution.error["code"]) == ("FAILED", "UNKNOWN_ACTION")
    assert (execution.completed_at - execution.created_at).total_seconds() >= 1


@pytest.mark.parametrize(("works", "grace", "asked"), [(1.0, 10, 1), (8.0, 1, 2)])
def test_a_worker_that_is_told_to_stop(database: str, effects: Effects, works: float, grace: int, asked: int) -> None:
    """What ends in time is recorded; what doesn't is at once another's, long before the lease would end."""
    effects.seconds = works
    workflow = scene.workflow("stopped", scenes.call(effects, "step"), scene.task("after"))
    with workers(OUTBOUND_ALLOWED_HOSTS=effects.authority, STOP_GRACE_SECONDS=grace, LEASE_SECONDS=60) as running:
        running.start_and_wait(1)
        (told,) = running.alive
        execution = services.start(workflow=workflow)
        eventually(lambda: effects.in_order)
        os.kill(told, signal.SIGTERM)
        later = services.start(workflow=scene.workflow("later", scene.task("later")))
        eventually(lambda: running.exited() == {told: 0})
        later.refresh_from_db()
        assert later.status == "PENDING", "it claims nothing more"
        running.alive.remove(told)

        effects.seconds = 0
        began = time.monotonic()
        running.start_and_wait(1)
        eventually(lambda: has_ended(execution) and has_ended(later))
        taken_over = time.monotonic() - began

    assert (execution.status, execution.successful_steps) == ("COMPLETED", 2)
    assert len(effects.in_order) == asked
    assert sum(map(invariants.interruptions, execution.steps.all())) == asked - 1
    report.tell("told to stop", grace=f"{grace} s", step=f"{works:g} s", asked=asked, done_after=f"{taken_over:.1f} s")
