"""Waiting for an execution that others run: how long, how often it looks, and what it gives."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from executions import services
from executions.engine import clock, dispatch
from executions.models import Execution
from tests.executions.scenes import ran, started
from workflows.documents import Json

pytestmark = pytest.mark.django_db(transaction=True)

NOOP: Json = {"type": "wait", "config": {"durationMs": 0}}


@dataclass
class Watch:
    """A clock that goes on by what was waited; `then` befalls in the n-th pause."""

    now: float = 1_000.0
    pauses: list[float] = field(default_factory=list)
    then: dict[int, Callable[[], object]] = field(default_factory=dict)

    def pause(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)
        self.then.get(len(self.pauses), lambda: None)()


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    watch = Watch()
    monkeypatch.setattr(clock, "monotonic", lambda: watch.now)
    monkeypatch.setattr(services, "_pause", watch.pause)
    return watch


def test_for_what_has_ended_it_does_not_wait(watch: Watch) -> None:
    execution = Execution.objects.get(pk=ran(NOOP).pk)

    assert services.wait(execution=execution, seconds=60).status == "COMPLETED"
    assert watch.pauses == []


def test_it_gives_the_execution_as_it_ended(watch: Watch) -> None:
    execution = started(NOOP)
    watch.then[3] = lambda: services.run(execution=Execution.objects.get(pk=execution.pk))

    waited = services.wait(execution=execution, seconds=60)

    assert waited is execution
    assert (execution.status, execution.successful_steps) == ("COMPLETED", 1)
    assert watch.pauses == [0.01, 0.02, 0.04]


def test_it_gives_up_in_time_and_gives_it_as_it_is(watch: Watch) -> None:
    execution = started(NOOP)
    began = watch.now
    watch.then[2] = lambda: Execution.objects.update(trigger_type="seen")

    services.wait(execution=execution, seconds=2)

    assert (execution.status, execution.trigger_type) == ("PENDING", "seen")
    assert watch.now - began == pytest.approx(2)
    assert max(watch.pauses) == services.LOOK_SECONDS, "it looks four times a second at least"


@pytest.mark.parametrize("seconds", [0, -1])
def test_without_time_it_only_looks(watch: Watch, seconds: float) -> None:
    execution = started(NOOP)
    services.run(execution=Execution.objects.get(pk=execution.pk))

    assert services.wait(execution=execution, seconds=seconds).status == "COMPLETED"
    assert services.wait(execution=started(NOOP), seconds=seconds).status == "PENDING"
    assert watch.pauses == []


def test_it_sees_what_another_thread_runs() -> None:
    with dispatch.executor(threads=1):
        assert services.wait(execution=started(NOOP), seconds=30).status == "COMPLETED"
