"""Time that runs out, and cancels: they hold whatever the handler does."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.conf import LazySettings
from django.db import connections

from executions import services
from executions.engine import journal, runner
from executions.models import Execution
from executions.states import TransitionNotAllowed
from tests.executions import handlers
from tests.executions.scenes import ran, started, statuses, steps
from tests.factories import UserFactory
from workflows.documents import Json
from workspaces.models import Task

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE_SECONDS = 20


@contextmanager
def running(execution: Execution) -> Iterator[threading.Thread]:
    """Runs the execution on another thread, which must end before the block does."""

    def run() -> None:
        services.run(execution=Execution.objects.get(pk=execution.pk))
        connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    yield thread
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()


def seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def test_a_handler_that_hangs_ends_on_time_and_is_left_behind() -> None:
    execution = started({"type": "test_hang", "timeout": 200, "onError": "continue"}, {"type": "test_echo"})

    took = seconds(lambda: services.run(execution=execution))

    assert 0.2 <= took < 1.2, "the timeout, and a second at most"
    assert statuses(execution) == ["failed", "success"]
    assert steps(execution)[0].error["code"] == "TIMEOUT"
    assert handlers.seen[0].cancelled.is_set(), "it was told"


def test_a_straggler_writes_nothing() -> None:
    execution = ran({"type": "test_hang", "timeout": 50, "onError": "continue"}, {"type": "test_echo"})
    before = [(step.status, step.output, step.position) for step in steps(execution)]

    handlers.gate.set()
    _wait_until(lambda: not any(thread.name == "busy" for thread in threading.enumerate()))

    assert [(step.status, step.output, step.position) for step in steps(execution)] == before


def test_a_timeout_is_tried_again_where_the_action_says_so() -> None:
    execution = ran(
        {"type": "test_hang", "timeout": 30, "onError": "retry", "retryConfig": {"maxRetries": 1, "delayMs": 1}}
    )

    assert steps(execution)[0].attempt == 2
    assert execution.status == "FAILED"


def test_an_async_handler_runs_and_is_bounded_too() -> None:
    execution = ran(
        {"type": "test_async", "config": {"value": "fine"}},
        {"type": "test_async", "config": {"value": "hang"}, "timeout": 50, "onError": "continue"},
        {"type": "test_async", "config": {"value": "again"}},
    )

    assert statuses(execution) == ["success", "failed", "success"]
    assert steps(execution)[1].error["code"] == "TIMEOUT"
    assert steps(execution)[2].output == "again"


@pytest.mark.parametrize("action", [{"type": "test_hang"}, {"type": "wait", "config": {"hours": 1}}])
def test_the_workflows_own_timeout_ends_it_in_a_handler_and_in_a_wait(action: Json) -> None:
    execution = started(action, {"type": "test_echo"}, timeout=250)

    took = seconds(lambda: services.run(execution=execution))

    assert took < 2
    assert (execution.status, execution.error["code"]) == ("TIMEOUT", "TIMEOUT")
    assert len(steps(execution)) == 1
    assert statuses(execution)[0] in {"failed", "cancelled"}
    execution.workflow.refresh_from_db()
    assert execution.workflow.failure_count == 1


def test_a_cancel_reaches_a_handler_at_work_at_once() -> None:
    execution = started({"type": "test_listen"}, {"type": "test_echo"})
    with running(execution):
        assert handlers.begun.wait(PATIENCE_SECONDS)
        services.cancel(execution=execution, by=UserFactory.create(username="ada"))
        assert handlers.gate.wait(1), "a cooperative handler was told within a second"

    execution.refresh_from_db()
    assert (execution.status, statuses(execution)) == ("CANCELLED", ["cancelled"])
    assert execution.error == {"code": "CANCELLED", "message": "Cancelled by ada."}
    assert execution.wake_at is None


def test_a_cancel_holds_against_a_handler_that_does_not_listen() -> None:
    execution = started({"type": "test_hang"}, {"type": "test_echo"})
    with running(execution) as thread:
        assert handlers.begun.wait(PATIENCE_SECONDS)
        services.cancel(execution=execution)
        thread.join(2)
        assert not thread.is_alive(), "the engine's thread left it behind"
        handlers.gate.set()

    execution.refresh_from_db()
    assert (execution.status, statuses(execution)) == ("CANCELLED", ["cancelled"])


def test_a_cancel_by_another_process_reaches_the_handler_within_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """No hint: only the row says so."""
    execution = started({"type": "test_listen"})
    with running(execution):
        assert handlers.begun.wait(PATIENCE_SECONDS)
        journal.cancel(execution.pk, error=None)
        assert handlers.gate.wait(2)

    execution.refresh_from_db()
    assert execution.status == "CANCELLED"


@pytest.mark.parametrize(
    "action", [{"type": "wait", "config": {"hours": 1}}, {"type": "test_pause", "config": {"number": 9_000}}]
)
def test_a_cancel_in_a_wait_ends_it(action: Json) -> None:
    execution = started(action)
    claim = journal.claim(execution.pk)
    assert claim
    runner.run(claim)

    services.cancel(execution=execution)

    assert (execution.status, statuses(execution)) == ("CANCELLED", ["cancelled"])
    assert (steps(execution)[0].wait_until, execution.waiting_for) == (None, None)


def test_a_cancel_before_the_first_step_runs_nothing() -> None:
    execution = services.cancel(execution=started({"type": "test_echo"}))

    assert services.run(execution=execution).status == "CANCELLED"
    assert not handlers.seen


def test_what_has_ended_cannot_be_cancelled() -> None:
    execution = ran({"type": "test_echo"})

    with pytest.raises(TransitionNotAllowed, match="an execution that is COMPLETED can't become CANCELLED"):
        services.cancel(execution=execution)

    execution.refresh_from_db()
    assert (execution.status, execution.error) == ("COMPLETED", None)


def test_a_long_handler_keeps_its_lease(settings: LazySettings) -> None:
    """It works for three leases, and nobody else may have it meanwhile."""
    settings.LEASE_SECONDS = 1
    execution = started({"type": "test_hang"})
    with running(execution):
        assert handlers.begun.wait(PATIENCE_SECONDS)
        ends_at = time.monotonic() + 3
        while time.monotonic() < ends_at:
            assert journal.claim_due(1) == []
        handlers.gate.set()

    execution.refresh_from_db()
    assert (execution.status, execution.epoch) == ("COMPLETED", 1)


def test_a_runner_that_lost_its_claim_writes_nothing_and_runs_nothing_more(settings: LazySettings) -> None:
    execution = started({"type": "test_hang"}, {"type": "test_task"})
    with running(execution):
        assert handlers.begun.wait(PATIENCE_SECONDS)
        Execution.objects.filter(pk=execution.pk).update(wake_at=execution.created_at)
        rival = journal.claim(execution.pk)
        assert rival is not None
        handlers.gate.set()
        _wait_until(lambda: len(handlers.seen) == 1)
        runner.run(rival)

    execution.refresh_from_db()
    assert execution.status == "COMPLETED"
    assert Task.objects.count() == 1


def test_a_graceful_stop_hands_the_execution_back_between_two_steps() -> None:
    execution = started({"type": "test_echo"}, {"type": "test_echo"})
    claim = journal.claim(execution.pk)
    assert claim

    runner.run(claim, should_stop=lambda: len(handlers.seen) == 1)

    execution.refresh_from_db()
    assert (execution.status, statuses(execution), execution.claims) == ("RUNNING", ["success"], 0)
    assert services.run(execution=execution).status == "COMPLETED"
    assert len(handlers.seen) == 2


def _wait_until(holds: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < ends_at
        time.sleep(0.005)
