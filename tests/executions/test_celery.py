"""Executions carried on by Celery's workers: real ones, with a Redis that is killed, emptied and started again."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from django.db import connection

from executions import services
from executions.engine import slices
from executions.models import Execution, Step
from tests.config.processes import manage
from tests.config.servers import execute_path, serving
from tests.executions.programs import scene
from tests.executions.programs.brokers import Broker, broker
from tests.executions.programs.children import Child, child, eventually, has_ended
from tests.factories import WorkflowFactory, definition
from workspaces import tokens
from workspaces.models import Task

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

SETTINGS: dict[str, Any] = {"DISPATCHER": "celery", "DJANGO_SETTINGS_MODULE": "tests.executions.programs.settings"}
on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="it is the same there, and slow to start")


@pytest.fixture
def redis() -> Iterator[Broker]:
    with broker() as redis:
        yield redis


@contextmanager
def worker(redis: Broker, *options: str, **variables: Any) -> Iterator[Child]:
    """One that is ready."""
    arguments = ["-m", "celery", "-A", "config", "worker", "--concurrency=2", "--loglevel=INFO", *options]
    with child(*arguments, CELERY_BROKER_URL=redis.url, **SETTINGS, **variables) as process:
        assert process.stderr is not None
        assert any("ready." in line for line in process.stderr), "the worker ended before it was ready"
        yield process


def started(count: int, *steps: scene.Action) -> list[Execution]:
    workflow = scene.workflow(f"{count} of {len(steps)}", *steps)
    return [services.start(workflow=workflow) for _ in range(count)]


def have_ended(executions: list[Execution]) -> bool:
    return all(map(has_ended, executions))


def check_completed(executions: list[Execution], tasks: int) -> None:
    assert {execution.status for execution in executions} == {"COMPLETED"}
    assert Task.objects.count() == tasks * len(executions), "once each"
    assert not Step.objects.exclude(attempts=None).exists(), "nothing was begun twice"


def test_what_a_server_accepts_a_worker_carries_on_through_waits_and_retries(redis: Broker) -> None:
    workflow = scene.workflow("by celery", scene.task("one"), scene.wait(0.5), scene.task("two"))
    _, token = tokens.issue(user=scene.workspace().organization.owner, name="t", scopes=["execute", "read"])
    with serving(CELERY_BROKER_URL=redis.url, **SETTINGS) as server, worker(redis):
        headers = {"Authorization": f"Bearer {token}", "Prefer": "wait=20"}
        replies = [server.ask("POST", execute_path(workflow), "{}", **headers) for _ in range(3)]

    assert [reply.status for reply in replies] == [200, 200, 200]
    assert Task.objects.count() == 6


@on_postgresql
def test_a_broker_that_is_killed_and_comes_back_empty_loses_nothing(redis: Broker) -> None:
    with worker(redis):
        before = started(20, scene.task("one"), {"type": "test_pid", "config": {"seconds": 0.05}}, scene.task("two"))
        eventually(lambda: any(map(has_ended, before)))
        redis.kill()
        meanwhile = started(5, scene.task("three"), scene.task("four"))
        redis.start()
        eventually(partial(have_ended, before + meanwhile), seconds=60)

    check_completed(before + meanwhile, tasks=2)


@on_postgresql
def test_what_was_accepted_while_there_was_no_broker_runs_once_there_is(redis: Broker) -> None:
    redis.kill()
    executions = started(3, scene.task("one"))
    answer = manage("check", CELERY_BROKER_URL=redis.url, DISPATCHER="celery")
    assert "(trilith.W001) CELERY_BROKER_URL: the broker doesn't answer" in answer.stderr
    assert answer.returncode == 0

    redis.start()
    with worker(redis):
        eventually(partial(have_ended, executions))
    check_completed(executions, tasks=1)


@on_postgresql
def test_a_worker_that_is_told_to_end_hands_over_and_one_that_is_killed_is_made_up_for(redis: Broker) -> None:
    steps: list[scene.Action] = [{"type": "test_pid", "config": {"seconds": 0.2}}] * 8
    (handed_over,) = started(1, *steps)
    with worker(redis) as first:
        eventually(lambda: Step.objects.filter(status="success").exists())
        first.send_signal(signal.SIGTERM)
        first.wait(20)
        handed_over.refresh_from_db()
        assert not handed_over.has_ended

    with worker(redis) as second:
        eventually(lambda: Step.objects.filter(status="success").count() > 4)
        second.kill()
        second.wait(20)
    with worker(redis, "--pool=prefork"):
        eventually(partial(has_ended, handed_over))

    assert (handed_over.status, handed_over.successful_steps) == ("COMPLETED", 8)
    interrupted = [step for step in handed_over.steps.all() if step.attempts]
    assert len(interrupted) <= 1, "of the second only the step at hand is made again"


@pytest.mark.parametrize("url", ["", "ftp://127.0.0.1/", "http://user:hunter2@127.0.0.1"])
def test_a_wrong_broker_is_an_error_with_its_mend(url: str) -> None:
    answer = manage("check", CELERY_BROKER_URL=url, DISPATCHER="celery")

    assert answer.returncode == 1
    assert "(trilith.E001) CELERY_BROKER_URL: Not the URL of a broker." in answer.stderr
    assert "HINT: Write redis://" in answer.stderr
    assert "hunter2" not in answer.stderr


# What a message does, in this process


def test_a_message_that_is_doubled_or_late_does_nothing_twice() -> None:
    execution = services.start(workflow=WorkflowFactory.create(definition=definition(scene.task("once"))))
    for _ in range(3):
        slices.advance(execution.pk)

    assert has_ended(execution)
    assert Task.objects.count() == 1


def test_a_slice_is_bounded_and_the_rest_is_due_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "SLICE_SECONDS", 0)
    execution = services.start(workflow=WorkflowFactory.create(definition=definition(*[scene.task("one")] * 3)))
    done: list[Any] = []
    for _ in range(4):
        slices.advance(execution.pk)
        execution.refresh_from_db()
        done.append((execution.successful_steps, execution.has_ended))

    assert done == [(0, False)] * 4, "a slice of no time has no step"
    monkeypatch.setattr(slices, "SLICE_SECONDS", 60)
    slices.advance(execution.pk)
    assert has_ended(execution)


def test_while_workers_are_behind_a_message_is_the_turn_of_the_next_workspace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "BEHIND_SECONDS", 0)
    crowd, other = (WorkflowFactory.create(definition=definition(scene.task("one"))) for _ in range(2))
    queue = [services.start(workflow=crowd) for _ in range(5)]
    mine = services.start(workflow=other)

    slices.advance(queue[0].pk)
    slices.advance(queue[1].pk)

    assert has_ended(mine)
    assert sum(map(has_ended, queue)) == 1
