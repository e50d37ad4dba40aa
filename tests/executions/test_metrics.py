"""What the engine counts, and that a worker shows it while it works."""

import re
from typing import Any
from urllib.request import urlopen

import pytest
from django.db import transaction

from executions import services
from executions.engine import dispatch, journal, performer, runner
from executions.engine.metrics import REGISTRY
from executions.engine.plan import MAX_CLAIMS_WITHOUT_PROGRESS
from executions.models import Execution
from tests.executions import handlers
from tests.executions.programs import scene
from tests.executions.programs.children import child, eventually, has_ended
from tests.executions.scenes import ran, started
from workflows.documents import Json

pytestmark = pytest.mark.django_db(transaction=True)

QUICK_RETRY: Json = {"maxRetries": 2, "delayMs": 1, "jitter": False}


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"trilith_{name}", labels) or 0.0


class Counted:
    """How much more there is of each than when this was made."""

    def __init__(self, **names: Any) -> None:
        self._names = names
        self._before = self._now()

    def _now(self) -> dict[str, float]:
        return {key: value(name, **labels) for key, (name, labels) in self._names.items()}

    @property
    def more(self) -> dict[str, float]:
        return {key: now - self._before[key] for key, now in self._now().items()}


def ended(status: str) -> tuple[str, dict[str, str]]:
    return "executions_ended_total", {"status": status}


def attempts(kind: str, status: str) -> tuple[str, dict[str, str]]:
    return "step_duration_seconds_count", {"action_type": kind, "status": status}


def of(name: str, kind: str) -> tuple[str, dict[str, str]]:
    return f"step_{name}_total", {"action_type": kind}


def test_a_run_is_counted_with_its_steps() -> None:
    counted = Counted(
        completed=ended("COMPLETED"), echo=attempts("test_echo", "success"), task=attempts("test_task", "success"),
        pauses=attempts("test_pause", "paused"), began=of("attempts", "test_echo"),
    )  # fmt: skip
    claims = value("claims_total")
    ran({"type": "test_echo"}, {"type": "test_task"}, {"type": "test_pause"}, {"type": "test_echo"})

    assert counted.more == {"completed": 1, "echo": 2, "task": 1, "pauses": 1, "began": 2}
    assert value("claims_total") > claims


def test_a_failure_is_counted_with_its_retries() -> None:
    counted = Counted(
        failed=ended("FAILED"), attempts=attempts("test_fail", "failed"), retries=of("retries", "test_fail")
    )
    ran({"type": "test_fail", "onError": "retry", "retryConfig": QUICK_RETRY})

    assert counted.more == {"failed": 1, "attempts": 3, "retries": 2}


def test_a_step_that_breaks_a_rule_of_the_database_ends_its_execution_once() -> None:
    counted = Counted(failed=ended("FAILED"), completed=ended("COMPLETED"))
    ran({"type": "test_task", "config": {"value": "break"}})

    assert counted.more == {"failed": 1, "completed": 0}


def test_a_dry_run_is_in_no_number_of_ends() -> None:
    counted = Counted(completed=ended("COMPLETED"))
    ran({"type": "test_echo"}, dry_run=True)

    assert counted.more == {"completed": 0}


def test_poison_is_counted() -> None:
    execution = started({"type": "test_echo"})
    Execution.objects.filter(pk=execution.pk).update(claims=MAX_CLAIMS_WITHOUT_PROGRESS)
    counted = Counted(poisoned=("executions_poisoned_total", {}), failed=ended("FAILED"))

    assert services.run(execution=execution).error["code"] == "POISONED"
    assert counted.more == {"poisoned": 1, "failed": 1}


def test_a_cut_off_attempt_is_counted_when_it_is_made_again() -> None:
    execution = started({"type": "test_hang"})
    claim = journal.claim(execution.pk)
    assert claim
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(performer, "begin", _killed)
        with pytest.raises(KeyboardInterrupt):
            runner.run(claim)
    journal.release(claim)
    handlers.gate.set()
    counted = Counted(interrupted=of("interruptions", "test_hang"))

    assert services.run(execution=execution).status == "COMPLETED"
    assert counted.more == {"interrupted": 1}


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_claim_that_is_lost_is_a_lease_lost_and_one_that_is_cancelled_is_not() -> None:
    names: Any = {"lost": ("lease_losses_total", {}), "fenced": ("fenced_total", {}), "cancelled": ended("CANCELLED")}
    taken, cancelled = started({"type": "test_echo"}), started({"type": "test_echo"})
    claims = [journal.claim(taken.pk), journal.claim(cancelled.pk)]
    Execution.objects.filter(pk=taken.pk).update(epoch=7)
    counted = Counted(**names)
    services.cancel(execution=cancelled)

    for claim in claims:
        assert claim
        runner.run(claim)

    assert counted.more == {"lost": 1, "fenced": 2, "cancelled": 1}


def test_a_cancel_that_is_rolled_back_is_not_counted() -> None:
    counted = Counted(cancelled=ended("CANCELLED"))
    with transaction.atomic():
        services.cancel(execution=started())
        transaction.set_rollback(True)

    assert counted.more == {"cancelled": 0}


def test_the_threads_of_the_executor_are_told_from_those_at_work() -> None:
    threads, busy = value("executor_threads"), value("executor_busy_threads")
    with dispatch.executor(3):
        execution = started({"type": "test_hang"})
        assert handlers.begun.wait(60)
        assert (value("executor_threads"), value("executor_busy_threads")) == (threads + 3, busy + 1)
        handlers.gate.set()
        eventually(lambda: has_ended(execution))
    assert (value("executor_threads"), value("executor_busy_threads")) == (threads, busy)


def test_a_worker_shows_on_its_port_what_it_does_while_it_does_it() -> None:
    workflow = scene.workflow("watched", {"type": "test_pid", "config": {"seconds": 0}}, scene.wait(3_600))
    with child("manage.py", "run_worker", METRICS_PORT=0) as worker:
        address = _announced(worker.stderr)
        services.start(workflow=workflow)

        def shown() -> set[str]:
            with urlopen(address, timeout=60) as answer:
                return set(answer.read().decode().splitlines())

        expected = {
            'trilith_step_duration_seconds_count{action_type="test_pid",status="success"} 1.0',
            'trilith_step_duration_seconds_count{action_type="wait",status="paused"} 1.0',
            'trilith_executions{state="waiting_timer"} 1.0',
            "trilith_claims_total 1.0",
            "trilith_executor_threads 4.0",
            "trilith_executor_busy_threads 0.0",
            "trilith_database_up 1.0",
            "trilith_queue_lag_seconds 0.0",
        }
        eventually(lambda: expected <= shown())


def test_a_worker_whose_port_is_taken_says_so() -> None:
    with child("manage.py", "run_worker", METRICS_PORT=0) as one:
        port = _announced(one.stderr).split(":")[2].partition("/")[0]
        with child("manage.py", "run_worker", METRICS_PORT=port) as other:
            _, errors = other.communicate(timeout=60)

    assert f"METRICS_PORT {port}: Address already in use." in errors
    assert "Traceback" not in errors


def _announced(lines: Any) -> str:
    for line in lines:
        if found := re.search(r"metrics at (http://\S+)", line):
            return found[1]
    raise AssertionError("the worker ended before it said where its metrics are")
