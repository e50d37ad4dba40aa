"""Workers that are killed by SIGKILL all the time, and replaced."""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from executions import services
from executions.engine.plan import MAX_CLAIMS_WITHOUT_PROGRESS
from executions.models import Execution
from tests.chaos import invariants, report, scenes
from tests.chaos.effects import Effects
from tests.chaos.workers import Workers, workers
from tests.executions.programs.children import eventually

KILLING_SECONDS, EXECUTIONS = (60.0, 200) if scenes.LONG else (8.0, 25)
EVERY_SECONDS = 0.2
WORKERS = 3
LEASE_SECONDS = 2


@dataclass
class Killer:
    """Kills one of the workers every so often and starts another; spares those whose death would be the last straw.

    An execution whose process died three times without an attempt that ended is given up on purpose. So while any is
    at its third, nobody is killed: it has to be over in no time.
    """

    workers: Workers
    drawn: random.Random = field(default_factory=lambda: random.Random(7))
    kills: int = 0
    while_working: int = 0

    def kill_for(self, seconds: float) -> None:
        for moment in _beats(seconds):
            time.sleep(max(0.0, moment - time.monotonic()))
            ready = [pid for pid in self.workers.alive if self.workers.is_ready(pid)]
            eventually(lambda: not _at_the_last_claim())
            self.while_working += Execution.objects.unfinished().exists()
            self.workers.kill(self.drawn.choice(ready))
            self.kills += 1
            self.workers.start()


def _beats(seconds: float) -> Iterator[float]:
    begin = time.monotonic()
    return (begin + number * EVERY_SECONDS for number in range(round(seconds / EVERY_SECONDS)))


def _at_the_last_claim() -> bool:
    return Execution.objects.unfinished().filter(claims__gte=MAX_CLAIMS_WITHOUT_PROGRESS).exists()


@pytest.mark.slow
def test_what_is_killed_all_the_time_is_done_all_the_same(database: str, effects: Effects) -> None:
    effects.seconds = 0.1
    workflow = scenes.ten_steps(effects)
    started: list[UUID] = [services.start(workflow=workflow).pk for _ in range(EXECUTIONS)]
    with workers(LEASE_SECONDS=LEASE_SECONDS, OUTBOUND_ALLOWED_HOSTS=effects.authority) as running:
        running.start_and_wait(WORKERS)
        killer = Killer(running)
        killer.kill_for(KILLING_SECONDS)
        recovery = scenes.seconds_until_all_have_ended()
        assert running.exited() == {}

    found = invariants.hold(workflow, started, effects)
    report.tell(
        "kills", executions=found.executions, steps=found.steps, kills=killer.kills, in_work=killer.while_working,
        interrupted=found.interrupted, extra_effects=found.extra, violations=0, done_after=f"{recovery:.1f} s",
    )  # fmt: skip
    assert killer.while_working >= killer.kills * 0.7, "or it was no work that was killed"
    assert found.extra <= found.interrupted <= killer.kills
