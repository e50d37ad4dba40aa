"""`create_task`: a row with everything that was asked for, together with its step."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from executions import services
from tests.executions.scenes import steps
from tests.factories import WorkflowFactory, definition
from tests.workflows.conftest import House
from workflows.actions.context import ActionError
from workflows.actions.create_task import CreateTaskConfig, create_task
from workflows.documents import Json
from workspaces.models import Task


def create(house: House, **config: Any) -> Any:
    return create_task(CreateTaskConfig.model_validate({"title": "Call Ada", **config}), house.context(path="2"))


def test_it_makes_a_task_with_the_defaults(house: House) -> None:
    output = create(house)

    task = Task.objects.get()
    assert (task.workspace, task.title, task.description) == (house.workspace, "Call Ada", "")
    assert (task.status, task.priority, task.assignee, task.due_at) == ("TODO", "MEDIUM", None, None)
    assert task.step_path == "2"
    assert output == {
        "taskId": str(task.pk), "title": "Call Ada", "status": "TODO", "priority": "MEDIUM",
        "assigneeId": None, "dueAt": None,
    }  # fmt: skip


def test_it_makes_a_task_with_every_field(house: House) -> None:
    output = create(
        house, description="Today", status="IN_PROGRESS", priority="CRITICAL", assignee="grace@example.org",
        dueAt="2026-03-01T09:30:00.25+02:00",
    )  # fmt: skip

    task = Task.objects.get()
    assert (task.description, task.status, task.priority) == ("Today", "IN_PROGRESS", "CRITICAL")
    assert task.assignee == house.grace
    assert task.due_at == datetime(2026, 3, 1, 7, 30, 0, 250_000, UTC)
    assert output["assigneeId"] == house.grace.pk
    assert output["dueAt"] == "2026-03-01T07:30:00.250000Z"


@pytest.mark.parametrize("status", ["TODO", "IN_PROGRESS", "DONE", "CANCELLED"])
@pytest.mark.parametrize("priority", ["LOW", "MEDIUM", "HIGH", "CRITICAL"])
def test_it_takes_every_status_and_priority(house: House, status: str, priority: str) -> None:
    create(house, status=status, priority=priority)

    assert Task.objects.filter(status=status, priority=priority).count() == 1


@pytest.mark.parametrize("assignee", ["bob", "eve", "nobody", "", 0, 2**62])
def test_an_assignee_is_an_active_member(house: House, assignee: int | str) -> None:
    with pytest.raises(ActionError) as raised:
        create(house, assignee=assignee)

    assert (raised.value.code, raised.value.retryable) == ("NO_SUCH_MEMBER", False)
    assert not Task.objects.exists()


@pytest.mark.parametrize(
    "config",
    [
        {"title": ""}, {"title": "x" * 501}, {"title": 5}, {"description": "x" * 20_001}, {"description": None},
        {"status": "todo"}, {"priority": "URGENT"}, {"priority": None}, {"assignee": 1.5}, {"assignee": ["ada"]},
        {"dueAt": "2026-03-01T09:30:00"}, {"dueAt": "2026-03-01"}, {"dueAt": 5}, {"dueAt": "5"}, {"dueAt": ""},
        {"dueAt": "0001-01-01T00:00:00+01:00"}, {"due_at": "2026-03-01T09:30:00Z"}, {"owner": "ada"},
    ],
)  # fmt: skip
def test_it_refuses_a_config_that_does_not_fit(house: House, config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        create(house, **config)

    assert not Task.objects.exists()


@pytest.mark.parametrize("due", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2026-02-28T00:00:00Z"])
def test_any_time_that_there_is_can_be_due(house: House, due: str) -> None:
    assert create(house, dueAt=due)["dueAt"] == due
    assert Task.objects.get().due_at == datetime.fromisoformat(due)


@pytest.mark.django_db(transaction=True)
def test_in_an_execution_the_task_names_the_step_that_made_it(house: House) -> None:
    config: Json = {"title": "Call {{ trigger.name }}", "assignee": "{{ trigger.who }}", "dueAt": "{{ trigger.due }}"}
    workflow = WorkflowFactory.create(
        workspace=house.workspace, definition=definition({"type": "create_task", "config": config})
    )
    given: Json = {"name": "Emmy", "who": house.grace.pk, "due": "2026-03-01T09:30:00Z"}

    execution = services.run(execution=services.start(workflow=workflow, trigger_data=given))

    task = Task.objects.get()
    assert (task.title, task.assignee, task.execution_id, task.step_path) == (
        "Call Emmy", house.grace, execution.pk, "0",
    )  # fmt: skip
    assert steps(execution)[0].output["taskId"] == str(task.pk)
