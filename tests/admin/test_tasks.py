"""Tasks in the admin: who sees them, who changes what, and whom they may be given to."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.admin.conftest import SignIn
from tests.factories import MembershipFactory, UserFactory, WorkspaceFactory
from workspaces.fields import uuid7
from workspaces.models import Role, Task, TaskPriority, TaskStatus, Workspace
from workspaces.services import create_task

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>"
LIST = "admin:workspaces_task_changelist"
ADD = "admin:workspaces_task_add"


@pytest.fixture
def workspace() -> Workspace:
    workspace: Workspace = WorkspaceFactory.create(name="Ours")
    return workspace


@pytest.fixture
def ada(workspace: Workspace) -> User:
    """A member."""
    ada: User = MembershipFactory.create(workspace=workspace, user__username="ada").user
    return ada


@pytest.fixture
def task(workspace: Workspace) -> Task:
    return create_task(workspace_id=workspace.pk, title="Call back")


def shown(client: Client, **query: str) -> str:
    return client.get(reverse(LIST), query).content.decode()


def page_of(task: Task) -> str:
    return reverse("admin:workspaces_task_change", args=[task.pk])


def filled_in(**fields: Any) -> dict[str, Any]:
    return {"title": "Call", "description": "", "status": "TODO", "priority": "LOW", "assignee": "", **fields}


def errors_of(response: Any) -> list[str]:
    assert response.status_code == 200
    return list(response.context["adminform"].form.errors)


def test_the_list_shows_what_has_to_be_done_and_what_made_it(admin_client: Client, workspace: Workspace) -> None:
    execution = uuid7()
    create_task(
        workspace_id=workspace.pk, title="Call back", priority=TaskPriority.CRITICAL, execution_id=execution,
        step_path="2",
    )  # fmt: skip

    page = shown(admin_client)

    assert 'data-status="TODO"' in page
    assert 'data-priority="CRITICAL">Critical' in page
    assert f"{reverse('admin:executions_execution_change', args=[execution])}#step-2" in page


@pytest.mark.parametrize(
    ("status", "days", "is_overdue"),
    [("TODO", -1, True), ("IN_PROGRESS", -1, True), ("DONE", -1, False), ("CANCELLED", -1, False), ("TODO", 1, False)],
)
def test_what_should_have_been_done_is_marked(
    admin_client: Client, workspace: Workspace, status: str, days: int, is_overdue: bool
) -> None:
    create_task(
        workspace_id=workspace.pk, title="Call", status=TaskStatus(status), due_at=timezone.now() + timedelta(days=days)
    )

    assert ("t-overdue" in shown(admin_client)) == is_overdue
    assert ("Call</a>" in shown(admin_client, due="overdue")) == is_overdue


def test_staff_see_those_of_their_workspaces_alone(signed_in: SignIn, task: Task) -> None:
    theirs = create_task(workspace_id=WorkspaceFactory.create(name="Theirs").pk, title="Pay")
    client = signed_in(task.workspace, Role.OWNER)

    assert "Call back" in shown(client)
    assert "Pay" not in shown(client)
    assert "Pay" not in shown(client, workspace__id__exact=str(theirs.workspace_id))
    assert client.get(page_of(theirs)).status_code == 302
    assert client.post(page_of(theirs), filled_in()).status_code == 302
    theirs.refresh_from_db()
    assert theirs.title == "Pay"


def test_the_filter_names_no_workspace_out_of_reach(signed_in: SignIn, workspace: Workspace) -> None:
    other, _ = WorkspaceFactory.create(name="Also ours"), WorkspaceFactory.create(name="Theirs")
    client = signed_in(workspace, Role.GUEST)
    MembershipFactory.create(workspace=other, user=User.objects.get(is_staff=True))
    create_task(workspace_id=workspace.pk, title="Call")

    page = shown(client)

    assert "Also ours" in page
    assert "Theirs" not in page


def test_a_member_changes_it(signed_in: SignIn, task: Task, ada: User) -> None:
    due = timezone.now().replace(microsecond=0) + timedelta(days=1)
    given = filled_in(
        title="New", description="so", status="DONE", priority="HIGH", assignee=ada.pk,
        due_at_0=due.date(), due_at_1=due.time(),
    )  # fmt: skip

    signed_in(task.workspace, Role.MEMBER).post(page_of(task), given)

    task.refresh_from_db()
    assert (task.title, task.description, task.status, task.priority) == ("New", "so", "DONE", "HIGH")
    assert (task.assignee, task.due_at) == (ada, due)
    assert LogEntry.objects.get().is_change()


def test_a_guest_looks_at_it(signed_in: SignIn, task: Task) -> None:
    client = signed_in(task.workspace, Role.GUEST)

    assert client.get(page_of(task)).status_code == 200
    assert client.post(page_of(task), filled_in()).status_code == 403
    assert client.post(reverse(ADD), filled_in(workspace=task.workspace_id)).status_code == 403
    client.post(reverse(LIST), {"action": "mark_done", "_selected_action": [task.pk]})
    task.refresh_from_db()
    assert (task.title, task.status) == ("Call back", "TODO")


def test_whom_it_may_be_given_to_are_the_members(admin_client: Client, task: Task, ada: User) -> None:
    stranger = UserFactory.create(username="stranger")
    MembershipFactory.create(workspace=task.workspace, user__username="gone", user__is_active=False)

    page = admin_client.get(page_of(task)).content.decode()
    offered = re.findall(r'<option value="(\d+)"', page.split('name="assignee"')[1].split("</select>")[0])

    assert offered == [str(ada.pk)]
    assert errors_of(admin_client.post(page_of(task), filled_in(assignee=stranger.pk))) == ["assignee"]


def test_whoever_has_it_keeps_it_though_no_longer_a_member(admin_client: Client, workspace: Workspace) -> None:
    gone = UserFactory.create()
    task = create_task(workspace_id=workspace.pk, title="Call", assignee=gone)

    admin_client.post(page_of(task), filled_in(title="New", assignee=gone.pk))

    task.refresh_from_db()
    assert (task.title, task.assignee) == ("New", gone)


@pytest.mark.parametrize("reference", ["ada", "ada@example.org", ""])
def test_a_member_makes_one(signed_in: SignIn, workspace: Workspace, ada: User, reference: str) -> None:
    given = filled_in(workspace=workspace.pk, assignee=reference)

    response = signed_in(workspace, Role.MEMBER).post(reverse(ADD), given)

    made = Task.objects.get()
    assert response.status_code == 302
    assert (made.workspace, made.title, made.assignee) == (workspace, "Call", ada if reference else None)
    assert LogEntry.objects.get().object_id == str(made.pk)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"assignee": "stranger"}, "assignee"),
        ({"assignee": "a\x00b"}, "assignee"),
        ({"title": ""}, "title"),
        ({"status": "todo"}, "status"),
        ({"due_at_0": "soon", "due_at_1": "12:00"}, "due_at"),
        ({"workspace": "01a2097d-1145-759d-b96f-5d036fb91db3"}, "workspace"),
    ],
    ids=str,
)
def test_why_one_can_not_be_made_is_said_at_the_field(
    admin_client: Client, workspace: Workspace, fields: dict[str, str], field: str
) -> None:
    UserFactory.create(username="stranger")

    response = admin_client.post(reverse(ADD), {**filled_in(workspace=workspace.pk), **fields})

    assert errors_of(response) == [field]
    assert not Task.objects.exists()


def test_none_is_made_where_one_may_only_look(signed_in: SignIn, workspace: Workspace) -> None:
    there = WorkspaceFactory.create()
    client = signed_in(workspace, Role.MEMBER)
    MembershipFactory.create(workspace=there, user=User.objects.get(is_staff=True), role=Role.GUEST)

    assert errors_of(client.post(reverse(ADD), filled_in(workspace=there.pk))) == ["workspace"]


def test_several_are_done_at_once_where_one_may(signed_in: SignIn, task: Task) -> None:
    there = WorkspaceFactory.create()
    client = signed_in(task.workspace, Role.MEMBER)
    MembershipFactory.create(workspace=there, user=User.objects.get(is_staff=True), role=Role.GUEST)
    other = create_task(workspace_id=there.pk, title="Not mine to do")

    page = client.post(
        reverse(LIST), {"action": "mark_done", "_selected_action": [task.pk, other.pk]}, follow=True
    ).content.decode()

    statuses = [Task.objects.get(pk=each.pk).status for each in (task, other)]
    assert statuses == ["DONE", "TODO"]
    assert "1 marked as done." in page
    assert "1 left as they were" in page
    assert LogEntry.objects.get().object_id == str(task.pk)


def test_none_is_deleted(admin_client: Client, task: Task) -> None:
    address = reverse("admin:workspaces_task_delete", args=[task.pk])

    assert admin_client.post(address, {"post": "yes"}).status_code == 403
    assert "delete_selected" not in shown(admin_client)


def test_what_it_says_is_shown_as_text(admin_client: Client, workspace: Workspace) -> None:
    ada = MembershipFactory.create(workspace=workspace, user__username=HOSTILE).user
    task = create_task(workspace_id=workspace.pk, title=HOSTILE, description=HOSTILE, assignee=ada)

    for page in (shown(admin_client), admin_client.get(page_of(task)).content.decode()):
        assert HOSTILE not in page
        assert "&lt;script&gt;" in page


def test_the_list_costs_the_same_for_many_as_for_few(
    admin_client: Client, workspace: Workspace, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    counts = []
    for number in (5, 45):
        for _ in range(number):
            user = MembershipFactory.create(workspace=workspace).user
            create_task(workspace_id=workspace.pk, title="Call", assignee=user, execution_id=uuid7())
        with CaptureQueriesContext(connection) as queries, django_assert_max_num_queries(7):
            shown(admin_client)
        counts.append(len(queries))

    assert counts[0] == counts[1]
