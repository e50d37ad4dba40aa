"""Resuming: a new execution with the steps that had ended, which begins where the first one came to its end."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections
from pytest_django import Settings

from executions import services
from executions.engine import journal, runner
from executions.engine.plan import MAX_CLAIMS_WITHOUT_PROGRESS
from executions.models import Execution
from executions.representation import step_json
from executions.stream import reading
from tests.executions import handlers
from tests.executions.counters import counted, kept
from tests.executions.programs import scene
from tests.executions.programs.sink import Sink, listening
from tests.executions.scenes import ran, started, statuses, steps
from tests.factories import UserFactory
from workflows import services as workflows
from workflows.actions.context import ActionContext, ActionError
from workflows.actions.registry import ActionConfig, action
from workflows.documents import Json
from workflows.models import WorkflowStatus

pytestmark = pytest.mark.django_db(transaction=True)

ECHO: Any = {"id": "first", "type": "test_echo", "config": {"value": "{{ trigger.who }}"}}
FAIL: Any = {"id": "second", "type": "test_fail"}
LAST: Any = {"id": "last", "type": "test_echo", "config": {"value": "{{ steps.first.output }}"}}


@pytest.fixture
def sink(settings: Settings) -> Iterator[Sink]:
    with listening() as sink:
        settings.OUTBOUND_ALLOWED_HOSTS = [sink.authority]
        yield sink


class CodeConfig(ActionConfig):
    value: str


@action("test_fail_as", config=CodeConfig)
def fail_as(config: CodeConfig, _context: ActionContext) -> None:
    """With a code of its own choice."""
    raise ActionError(config.value)


def resumed(execution: Execution) -> Execution:
    return services.resume(execution=execution).execution


def poisoned(execution: Execution) -> Execution:
    """As if its process had been killed in the middle of a step, again and again."""
    claim = journal.claim(execution.pk)
    assert claim is not None
    runner._Run(claim, lambda: False)._settle()
    Execution.objects.filter(pk=execution.pk).update(wake_at=execution.created_at, claims=MAX_CLAIMS_WITHOUT_PROGRESS)
    return services.run(execution=execution)


def timed_out(execution: Execution) -> Execution:
    Execution.objects.filter(pk=execution.pk).update(timeout_ms=100)
    return services.run(execution=execution)


def cancelled(execution: Execution) -> Execution:
    return services.cancel(execution=execution)


def test_it_goes_on_at_the_step_that_failed_with_what_is_recorded_of_the_others(sink: Sink) -> None:
    unmet: Json = [{"field": "trigger.who", "operator": "is_empty"}]
    flaky = scene.call(sink, "flaky", id="second")
    first = ran(ECHO, {**ECHO, "id": "skipped", "conditions": unmet}, flaky, LAST, trigger={"who": "Ada"})
    before, user = [step_json(step) for step in steps(first)], UserFactory.create()
    handlers.seen.clear()
    workflows.change(workflow=first.workflow, definition={"actions": [LAST | {"config": {}}]})

    again, is_replay = services.resume(execution=first, by=user)

    assert not is_replay
    assert (again.status, again.version, again.resumed_from, again.triggered_by) == (
        "PENDING", first.version, first.pk, user,
    )  # fmt: skip
    assert (again.successful_steps, again.skipped_steps, again.failed_steps, again.position) == (1, 1, 0, 2)
    services.run(execution=again)
    assert (again.status, statuses(again)) == ("COMPLETED", ["success", "skipped", "success", "success"])
    copied = [step_json(step) for step in steps(again)[:2]]
    assert [step | {"stepId": ""} for step in copied] == [step | {"stepId": ""} for step in before[:2]]
    assert steps(again)[3].output == "Ada"
    assert [context.action_id for context in handlers.seen] == ["last"]
    first.refresh_from_db()
    assert (first.status, statuses(first)) == ("FAILED", ["success", "skipped", "failed"])
    assert kept(first.workflow) == counted(first.workflow)


@pytest.mark.parametrize("end", [poisoned, timed_out, cancelled])
def test_one_that_was_ended_in_a_step_begins_at_that_step(end: Callable[[Execution], Execution]) -> None:
    hang: Json = {"type": "test_echo", "config": {"value": 1}, "onError": "continue"}
    if end is timed_out:
        hang = {"type": "wait", "config": {"seconds": 0.3}, "onError": "continue"}
    first = end(started(hang, ECHO, trigger={"who": "Ada"}))
    assert first.status != "COMPLETED"

    again = resumed(first)

    Execution.objects.filter(pk=again.pk).update(timeout_ms=None)
    assert services.run(execution=again).status == "COMPLETED"
    assert statuses(again) == ["success", "success"]


def test_a_failed_step_that_it_went_on_behind_is_not_made_again() -> None:
    fail: Json = {"type": "test_fail", "onError": "continue"}
    first = started(fail, {"type": "wait", "config": {"hours": 1}}, ECHO, trigger={"who": "Ada"})
    claim = journal.claim(first.pk)
    assert claim is not None
    runner.run(claim)

    again = resumed(cancelled(first))

    assert [(step.path, step.status) for step in steps(again)] == [("0", "failed")]
    assert again.failed_steps == 1


def test_what_its_steps_call_can_tell_that_they_are_the_same(sink: Sink) -> None:
    """Also over two resumes, and after the first ones are gone."""
    paths = ("before", "flaky", "b/flaky")
    workflow = scene.workflow("calls", *[scene.call(sink, path) for path in paths])
    first = services.run(execution=services.start(workflow=workflow))
    second = services.run(execution=resumed(first))
    first.delete()

    third = services.run(execution=resumed(second))

    assert [first.status, second.status, third.status] == ["FAILED", "FAILED", "COMPLETED"]
    keys = [[request.headers["idempotency-key"] for request in sink.asked(f"/{path}")] for path in paths]
    root = keys[0][0].partition(":")[0]
    assert keys == [[f"{root}:0"], [f"{root}:1"] * 2, [f"{root}:2"] * 2]


def test_the_copied_steps_are_in_its_stream() -> None:
    again = resumed(ran(ECHO, FAIL, trigger={"who": "Ada"}))

    seen = reading.read(again.pk, 0)
    steps_seen: list[Any] = [change.step for change in seen.changes]

    assert [(step["actionId"], step["status"]) for step in steps_seen] == [("first", "success")]
    assert (seen.position, seen.progress["completedSteps"]) == (1, 1)


@pytest.mark.parametrize("status", ["PENDING", "COMPLETED"])
def test_one_that_goes_on_or_is_completed_is_not_resumed(status: str) -> None:
    execution = started(ECHO, trigger={"who": "Ada"}) if status == "PENDING" else ran(ECHO, trigger={"who": "Ada"})

    with pytest.raises(services.NotResumable, match=f"that is {status} can't be resumed"):
        services.resume(execution=execution)


def test_nothing_is_resumed_of_a_workflow_that_may_not_start() -> None:
    first = ran(FAIL)
    workflows.set_status(workflow=first.workflow, status=WorkflowStatus.INACTIVE)

    with pytest.raises(services.NotActive):
        services.resume(execution=first)

    assert Execution.objects.count() == 1


def test_it_is_resumed_once_however_often_and_by_however_many_at_once() -> None:
    first, found, ready = ran(FAIL), list[Any](), threading.Barrier(4)

    def resume() -> None:
        mine = Execution.objects.get(pk=first.pk)
        ready.wait(10)
        found.append(services.resume(execution=mine))
        connections.close_all()

    threads = [threading.Thread(target=resume) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert len({started.execution.pk for started in found}) == 1
    assert sorted(started.is_replay for started in found) == [False, True, True, True]
    assert Execution.objects.count() == 2
    first.workflow.refresh_from_db()
    assert first.workflow.execution_count == 2


def test_what_was_deleted_meanwhile_does_not_begin_anew() -> None:
    """Retention takes an execution with its steps; whoever had it at hand isn't to make them once more."""
    execution = ran(ECHO, FAIL)
    handlers.seen.clear()
    Execution.objects.filter(pk=execution.pk).delete()

    with pytest.raises(Execution.DoesNotExist):
        services.resume(execution=execution)
    assert not Execution.objects.exists()


def test_a_step_that_was_to_continue_stays_whatever_its_code_was() -> None:
    fails: Json = {"type": "test_fail_as", "config": {"value": "CANCELLED"}, "onError": "continue"}
    execution = started(fails, LAST | {"config": {"value": 1}})
    claim = journal.claim(execution.pk)
    assert claim is not None
    stops = iter([False, True])
    runner.run(claim, should_stop=lambda: next(stops, True))

    assert statuses(resumed(cancelled(execution))) == ["failed"]
