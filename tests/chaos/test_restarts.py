"""PostgreSQL that crashes and comes back, again and again, under work."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import connection

from executions import services
from tests.chaos import invariants, report, scenes
from tests.chaos.effects import Effects
from tests.chaos.workers import workers
from tests.config.clusters import Cluster
from tests.config.servers import Server, serving
from workspaces import tokens

EXECUTIONS, RESTARTS, EVERY_SECONDS = (1_000, 6, (5.0, 40.0)) if scenes.LONG else (80, 2, (2.0, 4.0))
DOWN_SECONDS = (0.0, 6.0)
WORKERS = 3
PAUSE_SECONDS = 0.1


@dataclass
class Client:
    """Asks the API all the time, and keeps what kinds of answers it got."""

    server: Server
    token: str
    answers: Counter[tuple[int, str]] = field(default_factory=Counter)
    stopping: Event = field(default_factory=Event)

    def ask(self) -> None:
        while not self.stopping.wait(PAUSE_SECONDS):
            answer = self.server.ask("GET", "/api/workspaces/henge/workflows", Authorization=f"Bearer {self.token}")
            self.answers[answer.status, str(answer.headers["Content-Type"])] += 1


@contextmanager
def asking() -> Iterator[Client]:
    _, text = tokens.issue(user=User.objects.get(username="ada"), name="chaos", scopes=["read"])
    with serving(EXECUTOR_THREADS=0) as server:
        client = Client(server, text)
        thread = Thread(target=client.ask)
        thread.start()
        try:
            yield client
        finally:
            client.stopping.set()
            thread.join()


@pytest.mark.slow
def test_a_server_that_crashes_again_and_again_loses_nothing(server: Cluster, database: str, effects: Effects) -> None:
    """It is away for up to three leases each time."""
    effects.seconds = 0.1
    workflow = scenes.ten_steps(effects)
    started: list[UUID] = [services.start(workflow=workflow).pk for _ in range(EXECUTIONS)]
    drawn, away = random.Random(3), 0.0
    with workers(OUTBOUND_ALLOWED_HOSTS=effects.authority, EXECUTOR_THREADS=2) as running, asking() as client:
        running.start_and_wait(WORKERS)
        for _ in range(RESTARTS):
            time.sleep(drawn.uniform(*EVERY_SECONDS))
            connection.close()
            began = time.monotonic()
            server.stop("immediate")
            time.sleep(drawn.uniform(*DOWN_SECONDS))
            server.start()
            away += time.monotonic() - began
        recovery = scenes.seconds_until_all_have_ended(seconds=scenes.SECONDS_TO_END if not scenes.LONG else 300)
        found = invariants.hold(workflow, started, effects)
        scenes.check_all_still_work(running)

    assert set(client.answers) == {(200, "application/json"), (503, "application/problem+json")}
    report.tell(
        "PostgreSQL crashed", executions=found.executions, steps=found.steps, restarts=RESTARTS, away=f"{away:.0f} s",
        api_200=client.answers[200, "application/json"], api_503=client.answers[503, "application/problem+json"],
        interrupted=found.interrupted, extra_effects=found.extra, violations=0, done_after=f"{recovery:.1f} s",
    )  # fmt: skip
    assert found.extra <= found.interrupted <= RESTARTS * WORKERS * 2
