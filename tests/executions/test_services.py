"""The verbs for any Django code: start, run, cancel; dry runs; counters."""

import pytest
from django.db import transaction

from executions import services
from executions.engine import dispatch
from executions.engine.plan import StepRecord
from executions.models import Execution
from tests.executions import handlers
from tests.executions.counters import counted, kept
from tests.executions.scenes import ran, started, statuses, steps
from tests.factories import UserFactory, WorkflowFactory, definition
from workflows import services as workflows
from workflows.documents import DocumentError, Json
from workflows.models import WorkflowStatus
from workspaces.models import Notification, Task

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_execution_starts_pending_and_due_at_once() -> None:
    user = UserFactory.create()
    workflow = WorkflowFactory.create(
        definition=definition({"type": "test_echo"}, variables={"a": 1, "b": 2}, timeout=5_000)
    )

    execution = services.start(
        workflow=workflow, trigger_data={"z": 1, "a": 2}, variables={"b": 3}, triggered_by=user, trigger_type="api"
    )

    stored = Execution.objects.get(pk=execution.pk)
    assert stored.status == "PENDING"
    assert stored.wake_at == stored.created_at
    assert (stored.triggered_by, stored.trigger_type, stored.version) == (user, "api", workflow.version)
    assert list(stored.trigger_data) == ["z", "a"], "keys keep their order"
    assert stored.variables == {"a": 1, "b": 3}
    assert (stored.total_steps, stored.timeout_ms) == (1, 5_000)


def test_a_start_in_a_transaction_that_is_rolled_back_never_was() -> None:
    workflow = WorkflowFactory.create()
    with transaction.atomic():
        services.start(workflow=workflow)
        transaction.set_rollback(True)

    workflow.refresh_from_db()
    assert (Execution.objects.count(), workflow.execution_count) == (0, 0)


def test_a_start_in_a_transaction_runs_once_that_commits() -> None:
    with dispatch.executor(threads=1):
        with transaction.atomic():
            execution = started({"type": "test_echo"})
            assert not handlers.seen
        assert services.run(execution=execution).status == "COMPLETED"


@pytest.mark.parametrize("status", [WorkflowStatus.DRAFT, WorkflowStatus.INACTIVE, WorkflowStatus.ARCHIVED])
def test_only_an_active_workflow_starts(status: WorkflowStatus) -> None:
    workflow = WorkflowFactory.create(status=status)

    with pytest.raises(services.NotActive, match=f"is {status}; activate it"):
        services.start(workflow=workflow)

    assert not Execution.objects.exists()


def test_it_runs_the_version_that_is_current_however_old_the_callers_copy_is() -> None:
    workflow = WorkflowFactory.create(definition=definition({"type": "test_echo", "config": {"value": "old"}}))
    stale = type(workflow).objects.get(pk=workflow.pk)
    workflows.change(workflow=workflow, definition=definition({"type": "test_echo", "config": {"value": "new"}}))

    execution = services.run(execution=services.start(workflow=stale))

    assert steps(execution)[0].output == "new"
    assert execution.version.number == 2


def test_an_edit_does_not_change_what_runs() -> None:
    workflow = WorkflowFactory.create(definition=definition({"type": "test_echo", "config": {"value": "old"}}))
    execution = services.start(workflow=workflow)
    workflows.change(workflow=workflow, definition=definition({"type": "test_echo", "config": {"value": "new"}}))

    assert steps(services.run(execution=execution))[0].output == "old"


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({"trigger_data": {"a": [1, float("nan")]}}, r"triggerData.a\[1\]: nan"),
        ({"trigger_data": "\x00"}, "triggerData: text with a NUL"),
        ({"trigger_data": ["\ud800"]}, r"triggerData\[0\]: text with a lone surrogate"),
        ({"variables": {"v": {1, 2}}}, "variables.v: set"),
    ],
)
def test_input_that_cannot_be_kept_is_refused_with_its_path(arguments: dict[str, object], fault: str) -> None:
    with pytest.raises(DocumentError, match=fault):
        services.start(workflow=WorkflowFactory.create(), **arguments)  # type: ignore[arg-type]  # on purpose

    assert not Execution.objects.exists()


def test_the_counters_count_each_execution_once() -> None:
    workflow = WorkflowFactory.create(definition=definition({"type": "test_fail", "conditions": "trigger.fail"}))
    for fails in (True, False, False):
        services.run(execution=services.start(workflow=workflow, trigger_data={"fail": fails}))
    services.cancel(execution=services.start(workflow=workflow))
    services.run(execution=services.start(workflow=workflow, trigger_data={"fail": False}, dry_run=True))

    workflow.refresh_from_db()
    assert (workflow.execution_count, workflow.success_count, workflow.failure_count) == (4, 2, 1)
    assert (workflow.cancelled_count, workflow.simulation_count) == (1, 1)
    assert kept(workflow) == counted(workflow)
    assert workflow.last_executed_at is not None


def test_progress_is_reported_after_each_commit() -> None:
    workflow = WorkflowFactory.create(
        definition=definition({"type": "test_echo"}, {"type": "test_pause", "config": {"number": 200}})
    )
    reported: list[tuple[str, str]] = []

    def report(step: StepRecord) -> None:
        reported.append((step.path, step.status.value))

    services.run(execution=services.start(workflow=workflow, on_progress=report))

    assert reported == [("0", "running"), ("0", "success"), ("1", "running"), ("1", "running"), ("1", "success")]


def action(action_id: str, kind: str, **config: Json) -> Json:
    return {"id": action_id, "type": kind, "config": config}


TOTAL = "steps.ask.output.body.total"
EVERYTHING = [
    action("ask", "call_api", url="http://example.org/{{ trigger.id }}", auth={"type": "bearer", "token": "t0p"}),
    action("large", "condition", field=TOTAL, operator="greater_than", value=5),
    action("nap", "wait", hours=5),
    action("todo", "create_task", title="Look at {{ steps.ask.output.body.name }}"),
    action("tell", "send_notification", recipient=1, message="Order {{ trigger.id }}"),
    action("echo", "test_echo", value="{{ trigger.id }}"),
]


def test_in_a_dry_run_nothing_leaves_the_house_and_each_step_shows_what_would_have() -> None:
    execution = ran(*EVERYTHING, trigger={"id": 7}, dry_run=True)

    assert (execution.status, execution.is_simulation) == ("COMPLETED", True)
    assert statuses(execution) == ["success"] * 6
    ask, large, nap, todo, tell, echo = (step.output for step in steps(execution))
    assert ask["simulated"] is True
    assert ask["wouldSend"]["request"]["url"] == "http://example.org/7"
    assert "t0p" not in str(ask)
    assert large["conditionMet"] is True
    assert "assumed" in large
    assert nap["wouldSend"]["wait"]["durationMs"] == 5 * 60 * 60 * 1000
    assert todo["wouldSend"]["title"] == "Look at {{ steps.ask.output.body.name }}"
    assert tell["wouldSend"]["message"] == "Order 7"
    assert echo == {"simulated": True, "wouldSend": {"value": 7}}
    assert not handlers.seen
    assert not Task.objects.exists()
    assert not Notification.objects.exists()


def test_a_dry_run_finds_the_faults_of_a_rendered_config() -> None:
    task: Json = {"type": "create_task", "config": {"title": "{{ trigger.title }}"}}

    execution = ran(task, trigger={"title": 5}, dry_run=True)

    assert steps(execution)[0].error["code"] == "INVALID_CONFIG"


def test_a_draft_may_run_dry() -> None:
    workflow = WorkflowFactory.create(status=WorkflowStatus.DRAFT)

    assert services.run(execution=services.start(workflow=workflow, dry_run=True)).status == "COMPLETED"
