"""One execution in one process: order, failures, conditions, what is recorded."""

from datetime import timedelta
from typing import Any

import pytest

from executions import services
from executions.engine import deploys, journal, runner
from executions.models import Execution, Step
from executions.representation import step_json
from tests.executions import handlers
from tests.executions.scenes import ran, started, statuses, steps
from workflows.actions import registry
from workflows.documents import Json
from workspaces.models import Task

pytestmark = pytest.mark.django_db(transaction=True)

QUICK_RETRY: Json = {"maxRetries": 2, "delayMs": 1, "jitter": False}


def fail(**more: Any) -> Json:
    return {"type": "test_fail", **more}


def test_it_runs_the_steps_in_order_and_records_each() -> None:
    execution = ran(
        {"id": "one", "type": "test_echo", "config": {"value": "{{ trigger.a }}"}, "name": "First"},
        {"id": "two", "type": "test_echo", "config": {"value": {"seen": "{{ steps.one.output.x }}"}}},
        trigger={"a": {"x": [1, "two", None]}},
    )

    assert (execution.status, execution.error, execution.wake_at) == ("COMPLETED", None, None)
    one, two = steps(execution)
    assert (one.path, one.action_id, one.action_type, one.name) == ("0", "one", "test_echo", "First")
    assert (one.input, one.output) == ({"value": {"x": [1, "two", None]}}, {"x": [1, "two", None]})
    assert two.output == {"seen": [1, "two", None]}
    assert one.log == [{"afterMs": one.log[0]["afterMs"], "message": "echoing"}]
    times = [execution.started_at, one.started_at, one.completed_at, two.started_at, execution.completed_at]
    assert times == sorted(each for each in times if each)
    assert (execution.successful_steps, execution.total_steps) == (2, 2)


def test_it_keeps_the_position_of_each_steps_latest_change() -> None:
    execution = ran({"type": "test_echo"}, {"type": "test_echo"})

    assert [step.position for step in steps(execution)] == [2, 4]
    assert execution.position == 5


@pytest.mark.parametrize(
    ("on_error", "status", "expected"),
    [("stop", "FAILED", ["failed"]), ("retry", "FAILED", ["failed"]), ("continue", "COMPLETED", ["failed", "success"])],
)
def test_a_failure_is_handled_as_its_action_says(on_error: str, status: str, expected: list[str]) -> None:
    execution = ran(fail(onError=on_error, retryConfig=QUICK_RETRY), {"type": "test_echo"})

    assert execution.status == status
    assert statuses(execution) == expected
    assert execution.failed_steps == 1


def test_a_failed_execution_says_which_step_and_why() -> None:
    execution = ran({"id": "broken", "type": "test_fail"})

    assert execution.error == {
        "code": "ON_PURPOSE",
        "message": "Step 'broken' failed: attempt 1 fails",
        "details": {"stepPath": "0", "actionId": "broken"},
    }


def test_an_action_whose_app_is_gone_fails_its_step(monkeypatch: pytest.MonkeyPatch) -> None:
    execution = started({"type": "test_echo"})
    monkeypatch.delitem(registry.ACTIONS, "test_echo")
    monkeypatch.setattr(deploys, "PATIENCE_SECONDS", 0.0)

    (step,) = steps(services.run(execution=execution))

    assert (step.status, step.error["code"]) == ("failed", "UNKNOWN_ACTION")


def test_a_handlers_bug_is_kept_with_its_traceback_for_operators_alone() -> None:
    (step,) = steps(ran({"type": "test_raise", "config": {"value": "key"}}))

    assert (step.error["code"], step.error["message"]) == ("HANDLER_ERROR", "KeyError: 'key'")
    assert "in broken" in step.error["traceback"]
    assert step_json(step)["error"] == {"code": "HANDLER_ERROR", "message": "KeyError: 'key'"}


def test_a_workflow_cannot_send_a_traceback_on() -> None:
    broken: Json = {"id": "broken", "type": "test_raise", "config": {"value": "key"}, "onError": "continue"}
    execution = ran(broken, {"type": "test_echo", "config": {"value": "{{ steps.broken.error }}"}})

    assert steps(execution)[1].output == {"code": "HANDLER_ERROR", "message": "KeyError: 'key'"}


def test_a_retry_keeps_what_went_wrong_before_oldest_first() -> None:
    (step,) = steps(ran(fail(config={"times": 2}, onError="retry", retryConfig=QUICK_RETRY)))

    assert (step.status, step.attempt, step.output, step.error) == ("success", 3, {"attempt": 3}, None)
    assert [(each["attempt"], each["error"]["message"]) for each in step.attempts] == [
        (1, "attempt 1 fails"),
        (2, "attempt 2 fails"),
    ]
    assert all(each["startedAt"] <= each["completedAt"] for each in step.attempts)


def test_every_attempt_has_the_same_idempotency_key() -> None:
    execution = ran(fail(config={"times": 2}, onError="retry", retryConfig=QUICK_RETRY))

    assert {context.idempotency_key for context in handlers.seen} == {f"{execution.pk}:0"}
    assert len(handlers.seen) == 3


def test_a_failure_that_cannot_get_better_is_not_tried_again() -> None:
    (step,) = steps(ran(fail(config={"retryable": False}, onError="retry", retryConfig=QUICK_RETRY)))

    assert (step.status, step.attempt) == ("failed", 1)


def test_a_backoff_holds_no_thread_and_says_what_it_waits_for() -> None:
    execution = started(fail(onError="retry", retryConfig={"delayMs": 60_000, "jitter": False}))

    runner.run(_claimed(execution))

    execution.refresh_from_db()
    (step,) = steps(execution)
    assert (execution.status, execution.waiting_for) == ("RUNNING", "retry")
    assert execution.wake_at == step.wait_until
    assert execution.wake_at
    assert step.started_at
    assert timedelta(seconds=55) < execution.wake_at - step.started_at < timedelta(seconds=65)
    assert step.error["code"] == "ON_PURPOSE"
    assert journal.claim(execution.pk) is None, "it isn't due before its time"


def test_a_wait_is_a_row_not_a_thread() -> None:
    execution = started({"type": "wait", "config": {"minutes": 5}}, {"type": "test_echo"})

    runner.run(_claimed(execution))

    execution.refresh_from_db()
    assert (execution.status, execution.waiting_for, statuses(execution)) == ("RUNNING", "timer", ["running"])


def test_it_goes_on_by_itself_after_a_pause() -> None:
    execution = ran({"type": "test_pause", "config": {"number": 20}}, {"type": "test_echo"})

    assert statuses(execution) == ["success", "success"]
    assert steps(execution)[0].output == {"paused": 20}
    assert (steps(execution)[0].duration_ms or 0) >= 20
    assert len(handlers.seen) == 2, "a handler that paused isn't called again"


def test_conditions_that_are_not_met_skip_the_step_and_say_so() -> None:
    execution = ran(
        {"type": "test_echo", "conditions": [{"field": "trigger.n", "operator": "greater_than", "value": 5}]},
        {"type": "test_echo"},
        trigger={"n": 3},
    )

    assert statuses(execution) == ["skipped", "success"]
    skipped = steps(execution)[0]
    assert skipped.output["reason"] == "its conditions aren't met"
    assert skipped.completed_at is not None
    assert (execution.status, execution.skipped_steps) == ("COMPLETED", 1)


@pytest.mark.parametrize(
    ("on_false", "expected"),
    [
        ("continue", ["success", "success", "success"]),
        ("skip_next", ["success", "skipped", "success"]),
        ("stop", ["success"]),
    ],
)
def test_an_unmet_condition_steers_the_steps_behind_it(on_false: str, expected: list[str]) -> None:
    condition: Json = {"field": "trigger.n", "operator": "equals", "value": 1, "onFalse": on_false}
    execution = ran(
        {"type": "condition", "config": condition}, {"type": "test_echo"}, {"type": "test_echo"}, trigger={"n": 2}
    )

    assert execution.status == "COMPLETED"
    assert statuses(execution) == expected


def test_an_expression_that_fails_is_a_failure_of_its_step() -> None:
    execution = ran(
        {"type": "test_echo", "config": {"value": "{{ trigger.user.id }}"}}, trigger={"user": {"name": "Ada"}}
    )

    (step,) = steps(execution)
    assert (execution.status, step.status) == ("FAILED", "failed")
    assert step.error["code"] == "INVALID_EXPRESSION"
    assert "trigger.user has no 'id'" in step.error["message"]


def test_a_rendered_config_is_checked_against_the_handlers_schema() -> None:
    (step,) = steps(ran({"type": "test_number", "config": {"number": "{{ trigger.n }}"}}, trigger={"n": "7"}))

    assert step.error["code"] == "INVALID_CONFIG"
    assert "config.number" in step.error["message"]


def test_an_interrupted_attempt_is_made_again_under_the_same_number() -> None:
    execution = started({"type": "test_echo", "config": {"value": 1}})
    _interrupted(execution)

    services.run(execution=_due_again(execution))

    (step,) = steps(execution)
    assert (step.status, step.attempt) == ("success", 1)
    assert [each["error"]["code"] for each in step.attempts] == ["INTERRUPTED"]


def test_it_does_not_run_a_recorded_step_again() -> None:
    execution = started(
        {"type": "test_echo", "config": {"value": 1}}, {"type": "test_pause", "config": {"number": 60_000}}
    )
    runner.run(_claimed(execution))
    assert len(handlers.seen) == 2

    runner.run(_claimed(_due_again(execution)))

    assert len(handlers.seen) == 2, "one is recorded, the other one waits"


def test_what_keeps_killing_its_process_is_stopped_as_poisoned() -> None:
    execution = started({"type": "test_echo"})
    _interrupted(execution)
    claims = [_claimed(_due_again(execution)).claims for _ in range(2)]
    assert claims == [2, 3]

    runner.run(_claimed(_due_again(execution)))

    execution.refresh_from_db()
    (step,) = steps(execution)
    assert (execution.status, execution.error["code"]) == ("FAILED", "POISONED")
    assert (step.status, step.error["code"]) == ("failed", "POISONED")
    assert not handlers.seen, "it isn't run a fourth time"


def test_progress_makes_the_claims_count_from_zero_again() -> None:
    execution = started({"type": "test_echo"}, {"type": "test_pause", "config": {"number": 60_000}})
    _interrupted(execution)

    runner.run(_claimed(_due_again(execution)))

    execution.refresh_from_db()
    assert execution.claims == 0


def test_an_execution_that_cannot_even_be_read_is_given_up_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    execution = started({"type": "test_echo"})
    monkeypatch.setattr(runner, "definition_of", lambda _: 1 / 0)
    for _ in range(4):
        with pytest.raises(ZeroDivisionError):
            runner.run(_claimed(_due_again(execution)))

    execution.refresh_from_db()
    assert (execution.status, execution.error["code"]) == ("FAILED", "INTERNAL_ERROR")


def test_a_transactional_step_and_its_writes_land_together() -> None:
    execution = ran({"type": "test_task"})

    assert statuses(execution) == ["success"]
    assert Task.objects.get().execution_id == execution.pk


def test_what_a_failing_transactional_handler_wrote_is_gone() -> None:
    execution = ran({"type": "test_task", "config": {"value": "raise"}, "onError": "continue"}, {"type": "test_echo"})

    assert statuses(execution) == ["failed", "success"]
    assert not Task.objects.exists()


def test_a_rule_of_the_database_that_breaks_at_commit_is_a_failure_of_the_step() -> None:
    execution = ran({"type": "test_task", "config": {"value": "break"}, "onError": "continue"}, {"type": "test_echo"})

    assert statuses(execution) == ["failed", "success"]
    assert steps(execution)[0].error["code"] == "INTEGRITY_ERROR"
    assert not Task.objects.exists()


@pytest.mark.parametrize("value", ["break", "made"])
def test_whoever_has_the_claim_sees_how_far_it_has_come(value: str) -> None:
    """Also behind a step that was undone: by it an executor knows how long the lease lasts."""
    execution = started({"type": "test_task", "config": {"value": value}, "onError": "continue"}, {"type": "test_echo"})
    claim = _claimed(execution)

    runner.run(claim)

    execution.refresh_from_db()
    assert claim.position == execution.position


def test_a_transactional_handler_that_is_late_has_written_nothing() -> None:
    execution = ran({"type": "test_task", "config": {"value": "late"}, "timeout": 20})

    assert steps(execution)[0].error["code"] == "TIMEOUT"
    assert not Task.objects.exists()


def _claimed(execution: Execution) -> journal.Claim:
    claim = journal.claim(execution.pk)
    assert claim is not None
    return claim


def _due_again(execution: Execution) -> Execution:
    """As if its process had died and the lease had run out."""
    Execution.objects.filter(pk=execution.pk).update(wake_at=execution.created_at)
    execution.refresh_from_db()
    return execution


def _interrupted(execution: Execution) -> None:
    """Its first step has begun, and its process has died."""
    claim = _claimed(execution)
    run = runner._Run(claim, lambda: False)
    run._settle()
    assert Step.objects.get(execution=execution).status == "running"
