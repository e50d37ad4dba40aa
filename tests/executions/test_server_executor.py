"""Processes with an executor: how they share work, stop, keep time, and outlive what they depend on."""

import signal
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

import pytest
from django.conf import LazySettings
from django.db import connection

from executions import services
from executions.engine import dispatch
from executions.models import Execution, Step
from tests.executions.programs import scene
from tests.executions.programs.children import (
    APPLICATION_NAME,
    Child,
    command,
    ended,
    eventually,
    execution_of,
    has_ended,
    is_listening,
    server,
)
from tests.executions.programs.sink import Sink, listening
from workflows.actions.context import ActionContext
from workflows.actions.registry import ActionConfig, action
from workflows.models import Workflow

pytestmark = pytest.mark.django_db(transaction=True)

LONG_LEASE_SECONDS = 600
ON_TIME = timedelta(seconds=1)


@pytest.fixture
def sink(settings: LazySettings) -> Iterator[Sink]:
    with listening() as sink:
        settings.OUTBOUND_ALLOWED_HOSTS = [sink.authority]
        yield sink


class NothingConfig(ActionConfig):
    pass


@action("test_statements", config=NothingConfig, transactional=True)
def statements_kept(_config: NothingConfig, _context: ActionContext) -> int:
    """How many statements its thread's connection remembers, of the very many that there are with DEBUG."""
    return len(connection.queries_log)


def pid(seconds: float) -> scene.Action:
    """A step that works so long, and gives the process that it ran in."""
    return {"type": "test_pid", "config": {"seconds": seconds}}


def deaf(seconds: float) -> scene.Action:
    return {"type": "test_deaf", "config": {"seconds": seconds}}


def all_have_ended() -> bool:
    return not Execution.objects.unfinished().exists()


def is_at_work(workflow: Workflow) -> bool:
    return Step.objects.filter(execution__workflow=workflow, status="running").exists()


def terminated(process: Child) -> float:
    """Sends SIGTERM; gives the seconds that the process still took to end."""
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait(60)
    return time.monotonic() - begun


def is_on_time(moment: datetime | None, due: datetime) -> bool:
    return moment is not None and timedelta(0) <= moment - due < ON_TIME


def test_two_servers_share_the_work_and_none_of_it_is_done_twice() -> None:
    workflow = scene.workflow("shared", pid(0.05), pid(0.05))
    with server() as one, server() as other:
        is_listening(one)
        is_listening(other)
        executions = [services.start(workflow=workflow) for _ in range(80)]
        eventually(all_have_ended)
        pids = {one.pid, other.pid}

    assert set(Step.objects.values_list("output", flat=True)) == pids
    assert set(Execution.objects.values_list("status", "epoch", "successful_steps")) == {("COMPLETED", 1, 2)}
    assert Step.objects.count() == 2 * len(executions)
    workflow.refresh_from_db()
    assert (workflow.execution_count, workflow.success_count) == (80, 80)


def test_a_server_that_gets_sigterm_hands_back_at_once_what_it_has_not_finished() -> None:
    workflow = scene.workflow("long", *[pid(0.1)] * 20)
    execution = services.start(workflow=workflow)
    with server(LEASE_SECONDS=LONG_LEASE_SECONDS) as process:
        eventually(lambda: execution.steps.count() > 2)
        assert terminated(process) < 5

    assert not has_ended(execution)
    made_there = execution.steps.filter(status="success").count()
    with dispatch.executor():
        eventually(partial(has_ended, execution))
    assert (execution.status, execution.successful_steps) == ("COMPLETED", 20)
    pids = list(execution.steps.order_by("position").values_list("output", flat=True))
    assert pids.count(process.pid) == made_there
    assert not execution.steps.exclude(attempts=None).exists()


def test_a_command_that_gets_sigterm_says_that_it_hands_over_and_does() -> None:
    workflow = scene.workflow("long", *[pid(0.1)] * 20)
    with command(workflow, LEASE_SECONDS=LONG_LEASE_SECONDS) as process:
        execution = execution_of(workflow)
        eventually(lambda: execution.steps.count() > 2)
        process.send_signal(signal.SIGTERM)
        status, output, errors = ended(process)

    assert status == 143
    assert output.splitlines()[-1] == (
        "SIGTERM: this process ends after the step at hand (10 s at most); the next one that runs carries this"
        " execution on."
    )
    assert errors == ""
    assert not has_ended(execution)
    with dispatch.executor():
        eventually(partial(has_ended, execution))
    assert (execution.status, execution.successful_steps) == ("COMPLETED", 20)
    assert not execution.steps.exclude(attempts=None).exists()


def test_a_handler_that_does_not_listen_holds_no_server_up_beyond_the_grace() -> None:
    execution = services.start(workflow=scene.workflow("deaf", deaf(60)))
    with server(STOP_GRACE_SECONDS=1, LEASE_SECONDS=LONG_LEASE_SECONDS) as process:
        eventually(partial(is_at_work, execution.workflow))
        assert terminated(process) < 4
    assert not has_ended(execution)


def test_a_handler_that_does_not_listen_holds_no_command_up_beyond_the_grace() -> None:
    workflow = scene.workflow("deaf", deaf(60))
    with command(workflow, STOP_GRACE_SECONDS=1, LEASE_SECONDS=LONG_LEASE_SECONDS) as process:
        eventually(partial(is_at_work, workflow))
        assert terminated(process) < 4
        assert process.returncode == 143
    assert not has_ended(execution_of(workflow))


def test_timers_and_retries_fire_within_a_second_in_a_process_that_had_nothing_to_do(sink: Sink) -> None:
    flaky = scene.call(sink, "flaky", **scene.retried(700))
    timers = [scene.workflow(f"timer {seconds}", scene.wait(seconds)) for seconds in (0.2, 0.9, 1.3)]
    retry = scene.workflow("retry", flaky)
    with server(sink) as process:
        is_listening(process)
        waiting = [services.start(workflow=workflow) for workflow in timers]
        retried = services.start(workflow=retry)
        eventually(all_have_ended)

    for execution in waiting:
        step = execution.steps.get()
        assert is_on_time(step.completed_at, datetime.fromisoformat(step.output["until"]))
    step = retried.steps.get()
    failed_at = datetime.fromisoformat(step.attempts[0]["completedAt"])
    assert is_on_time(step.attempt_started_at, failed_at + timedelta(seconds=0.7))


@pytest.mark.postgresql
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no connections to lose")
def test_a_server_outlives_the_loss_of_its_connections_in_the_middle_of_a_step(sink: Sink) -> None:
    held = services.start(workflow=scene.workflow("held", scene.call(sink, "until-released"), pid(0)))
    with server(sink) as process:
        is_listening(process)
        eventually(lambda: sink.asked("/until-released"))
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = %s AND datname = current_database()",
                [APPLICATION_NAME],
            )
            assert cursor.rowcount > 0
        sink.released.set()
        later = services.start(workflow=scene.workflow("later", pid(0)))
        eventually(all_have_ended)

        assert process.poll() is None
        assert later.steps.get().output == process.pid
        assert held.steps.get(path="1").output == process.pid
    assert set(Execution.objects.values_list("status", flat=True)) == {"COMPLETED"}
    assert len({request.headers["idempotency-key"] for request in sink.asked("/until-released")}) == 1


def test_its_threads_remember_no_statements_when_debug_is_on(settings: LazySettings) -> None:
    settings.DEBUG = True
    steps: list[scene.Action] = [{"id": f"s{number}", "type": "test_statements"} for number in range(3)]
    with dispatch.executor():
        execution = services.start(workflow=scene.workflow("statements", *steps))
        eventually(partial(has_ended, execution))

    assert [step.output for step in Step.objects.filter(execution=execution).order_by("path")] == [0, 0, 0]
