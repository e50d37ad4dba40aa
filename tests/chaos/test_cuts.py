"""Connections to PostgreSQL that are cut: all of them at any time, and one exactly where it commits."""

import random
import time
from uuid import UUID

import pytest
from django.db import connection

from executions import services
from executions.models import Execution
from tests.chaos import invariants, proxy, report, scenes
from tests.chaos.effects import Effects
from tests.chaos.workers import workers
from tests.config.clusters import Cluster
from tests.executions.programs import scene
from tests.executions.programs.children import eventually

CUTTING_SECONDS, EXECUTIONS = (60.0, 300) if scenes.LONG else (6.0, 30)
EXACT_CUTS, EXACT_EXECUTIONS = (300, 150) if scenes.LONG else (30, 20)
CHANCE = 0.1
WORKERS = 3


@pytest.mark.slow
def test_all_connections_cut_again_and_again(server: Cluster, database: str, effects: Effects) -> None:
    effects.seconds = 0.05
    workflow = scenes.ten_steps(effects)
    started: list[UUID] = [services.start(workflow=workflow).pk for _ in range(EXECUTIONS)]
    drawn, cuts, connections = random.Random(5), 0, 0
    with workers(OUTBOUND_ALLOWED_HOSTS=effects.authority) as running:
        running.start_and_wait(WORKERS)
        ends_at = time.monotonic() + CUTTING_SECONDS
        while time.monotonic() < ends_at:
            time.sleep(drawn.uniform(0.5, 3.0))
            connections += server.cut_connections() - 1
            cuts += 1
            _reconnected()
        recovery = scenes.seconds_until_all_have_ended()
        found = invariants.hold(workflow, started, effects)
        scenes.check_all_still_work(running)

    report.tell(
        "connections cut", executions=found.executions, steps=found.steps, cuts=cuts, connections=connections,
        interrupted=found.interrupted, extra_effects=found.extra, violations=0, done_after=f"{recovery:.1f} s",
    )  # fmt: skip
    assert found.extra <= found.interrupted <= connections


@pytest.mark.slow
def test_connections_cut_exactly_where_they_commit(server: Cluster, database: str, effects: Effects) -> None:
    workflow = scenes.ten_steps(effects)
    started: list[UUID] = []
    with proxy.between(server.port) as between:
        url = between.url(database)
        with workers(OUTBOUND_ALLOWED_HOSTS=effects.authority, DATABASE_URL=url) as running:
            running.start_and_wait(WORKERS)
            between.chance = CHANCE
            while between.cuts.total() < EXACT_CUTS or len(started) < EXACT_EXECUTIONS:
                started.append(services.start(workflow=workflow).pk)
                eventually(lambda: Execution.objects.unfinished().count() < 20, seconds=120)
            between.chance = 0.0
            recovery = scenes.seconds_until_all_have_ended()
            found = invariants.hold(workflow, started, effects)
            scenes.check_all_still_work(running)

    report.tell(
        "cut at COMMIT", executions=found.executions, steps=found.steps, before=between.cuts["before"],
        after=between.cuts["after"], interrupted=found.interrupted, extra_effects=found.extra, violations=0,
        done_after=f"{recovery:.1f} s",
    )  # fmt: skip
    assert min(between.cuts.values()) > EXACT_CUTS / 4
    assert found.extra <= found.interrupted <= between.cuts.total()


def _reconnected() -> None:
    """Our own connection was cut too."""
    connection.close()


def test_a_step_outlives_connections_that_are_cut_while_it_works(
    server: Cluster, database: str, effects: Effects
) -> None:
    """Its process lives, and so does its lease: there is no reason to leave it, let alone to give it up."""
    effects.seconds = 5.0
    workflow = scene.workflow("long", scenes.call(effects, "long"), scene.task("after"))
    with workers(OUTBOUND_ALLOWED_HOSTS=effects.authority, LEASE_SECONDS=2) as running:
        running.start_and_wait(1)
        execution = services.start(workflow=workflow)
        eventually(lambda: effects.in_order)
        ends_at = time.monotonic() + 4.0
        while time.monotonic() < ends_at:
            server.cut_connections()
            _reconnected()
            time.sleep(0.5)
        scenes.seconds_until_all_have_ended()

    found = invariants.hold(workflow, [execution.pk], effects)
    assert found.interrupted <= 1, "only where the connection is cut just as it commits"
