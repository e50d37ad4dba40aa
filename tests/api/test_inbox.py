"""Tasks and notifications: what the workflows made for people."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.api.house import House
from tests.factories import UserFactory
from workspaces.fields import uuid7
from workspaces.models import Notification, Task, TaskPriority, TaskStatus
from workspaces.services import create_task, notify


def tasks(house: House, **query: Any) -> list[str]:
    return [task["title"] for task in house.guest.get(f"{house.path}/tasks", **query).json["tasks"]]


def test_a_task_is_shown_as_it_is(house: House) -> None:
    ada, due, execution = house.people["member"], timezone.now() + timedelta(days=1), uuid7()
    task = create_task(
        workspace_id=house.workspace.pk, title="Call", description="soon", assignee=ada, due_at=due,
        priority=TaskPriority.HIGH, execution_id=execution, step_path="2",
    )  # fmt: skip

    shown = house.guest.get(f"{house.path}/tasks/{task.pk}").json["task"]

    assert shown == {
        "id": str(task.pk), "title": "Call", "description": "soon", "status": "TODO", "priority": "HIGH",
        "assignee": {"id": ada.pk, "username": ada.username, "name": "", "email": ada.email},
        "dueAt": due.isoformat().replace("+00:00", "Z"), "executionId": str(execution), "stepPath": "2",
        "createdAt": task.created_at.isoformat().replace("+00:00", "Z"),
        "updatedAt": task.updated_at.isoformat().replace("+00:00", "Z"),
    }  # fmt: skip
    assert house.guest.get(f"{house.path}/tasks").json["tasks"] == [shown]


@pytest.mark.parametrize("status", TaskStatus)
def test_a_member_sets_a_tasks_status_whatever_it_was(house: House, status: TaskStatus) -> None:
    for before in TaskStatus:
        Task.objects.filter(pk=house.task.pk).update(status=before)

        answer = house.member.patch(f"{house.path}/tasks/{house.task.pk}", {"status": status})

        assert (answer.status, answer.json["task"]["status"]) == (200, status)
        assert Task.objects.get(pk=house.task.pk).status == status


@pytest.mark.parametrize("body", [{}, {"status": "done"}, {"status": None}, {"status": "TODO", "title": "x"}], ids=str)
def test_nothing_else_of_a_task_is_set(house: House, body: dict[str, Any]) -> None:
    answer = house.member.patch(f"{house.path}/tasks/{house.task.pk}", body)

    assert (answer.status, answer.error) == (400, "VALIDATION_ERROR")
    assert (Task.objects.get().status, Task.objects.get().title) == ("TODO", "Call Ada")


def test_tasks_are_filtered_and_ordered(house: House) -> None:
    ada = UserFactory.create(username="ada")
    execution = uuid7()
    now = timezone.now()
    for number, (title, status, fields) in enumerate(
        [
            ("a", TaskStatus.TODO, {"assignee": ada}),
            ("b", TaskStatus.DONE, {"priority": TaskPriority.LOW, "due_at": now}),
            ("c", TaskStatus.CANCELLED, {"execution_id": execution, "due_at": now - timedelta(days=1)}),
        ]
    ):
        task = create_task(workspace_id=house.workspace.pk, title=title, status=status, **fields)  # type: ignore[arg-type]
        Task.objects.filter(pk=task.pk).update(created_at=now + timedelta(seconds=number))
    create_task(workspace_id=house.elsewhere.pk, title="theirs", assignee=ada)

    assert tasks(house) == ["c", "b", "a"]
    assert tasks(house, sortOrder="asc") == ["a", "b", "c"]
    assert tasks(house, sortBy="dueAt", sortOrder="asc") == ["c", "b", "a"]
    assert tasks(house, sortBy="dueAt") == ["b", "c", "a"], "what is never due comes last"
    assert tasks(house, status="TODO") == ["a"]
    assert tasks(house, status=["TODO", "DONE"]) == ["b", "a"]
    assert tasks(house, priority="LOW") == ["b"]
    assert tasks(house, assignee="ada") == ["a"]
    assert tasks(house, assignee="ADA") == []
    assert tasks(house, executionId=execution) == ["c"]
    assert tasks(house, executionId=uuid7()) == []
    assert tasks(house, page=2, limit=2) == ["a"]


def test_notifications_are_shown_to_their_recipient_alone(house: House) -> None:
    own, elses = house.notification_of("guest"), house.notification_of("owner")
    notify(workspace_id=house.elsewhere.pk, recipient=house.people["guest"], message="elsewhere")

    page = house.guest.get(f"{house.path}/notifications").json

    assert [each["id"] for each in page["notifications"]] == [str(own.pk)]
    assert page["total"] == 1
    for path in (f"{house.path}/notifications/{elses.pk}", f"{house.path}/notifications/{elses.pk}/read"):
        method = "POST" if path.endswith("read") else "GET"
        assert (house.guest.ask(method, path).status, house.guest.ask(method, path).error) == (404, "NOT_FOUND")
    assert Notification.objects.get(pk=elses.pk).read_at is None


def test_a_notification_is_read_once_and_keeps_its_time(house: House) -> None:
    path = f"{house.path}/notifications/{house.notification_of('guest').pk}"
    assert house.guest.get(path).json["notification"]["readAt"] is None

    first, second = (house.guest.post(f"{path}/read").json["notification"] for _ in range(2))

    assert first["readAt"].endswith("Z")
    assert first == second == house.guest.get(path).json["notification"]


def test_all_of_ones_own_are_read_at_once(house: House) -> None:
    for _ in range(3):
        house.notification_of("guest")
    others = house.notification_of("owner")
    there = notify(workspace_id=house.elsewhere.pk, recipient=house.people["guest"], message="elsewhere")

    assert house.guest.post(f"{house.path}/notifications/read").json == {"marked": 3}
    assert house.guest.post(f"{house.path}/notifications/read").json == {"marked": 0}
    assert Notification.objects.filter(read_at=None).count() == 2
    assert {others, there} == set(Notification.objects.filter(read_at=None))


@pytest.mark.parametrize(("unread", "expected"), [("true", ["new"]), ("false", ["old"])])
def test_unread_ones_or_read_ones(house: House, unread: str, expected: list[str]) -> None:
    for message in ("old", "new"):
        notify(workspace_id=house.workspace.pk, recipient=house.people["guest"], message=message)
    Notification.objects.filter(message="old").update(read_at=timezone.now())

    page = house.guest.get(f"{house.path}/notifications", unread=unread).json

    assert [each["message"] for each in page["notifications"]] == expected


def test_unread_is_true_or_false(house: House) -> None:
    for value in ("True", "1", "yes", "null", ""):
        answer = house.guest.get(f"{house.path}/notifications", unread=value)
        assert (answer.status, list(answer.json["errors"])) == (400, ["unread"])
