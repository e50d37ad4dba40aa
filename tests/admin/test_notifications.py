"""Notifications in the admin: each sees his own, and marks nobody else's as read."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.admin.conftest import SignIn
from tests.factories import UserFactory, WorkspaceFactory
from workspaces.fields import uuid7
from workspaces.models import Membership, Notification, Role, Workspace
from workspaces.services import notify

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>"
LIST = "admin:workspaces_notification_changelist"


@pytest.fixture
def workspace() -> Workspace:
    workspace: Workspace = WorkspaceFactory.create(name="Ours")
    return workspace


@pytest.fixture
def ada(signed_in: SignIn, workspace: Workspace) -> Client:
    """Of the staff, and a guest in the workspace."""
    return signed_in(workspace, Role.GUEST)


def to(recipient: User, workspace: Workspace, message: str = "Ada has called") -> Notification:
    return notify(workspace_id=workspace.pk, recipient=recipient, message=message, execution_id=uuid7(), step_path="1")


def staff() -> User:
    return User.objects.get(is_staff=True, is_superuser=False)


def shown(client: Client, **query: str) -> str:
    return client.get(reverse(LIST), query).content.decode()


def page_of(notification: Notification) -> str:
    return reverse("admin:workspaces_notification_change", args=[notification.pk])


def mark_read(client: Client, *notifications: Notification) -> str:
    keys = [notification.pk for notification in notifications]
    given = {"action": "mark_read", "_selected_action": keys}
    return client.post(reverse(LIST), given, follow=True).content.decode()


def test_each_sees_what_was_sent_to_himself(ada: Client, workspace: Workspace) -> None:
    own, elses = to(staff(), workspace, "to me"), to(UserFactory.create(), workspace, "to another")

    page = shown(ada)

    assert "to me" in page
    assert "to another" not in page
    assert ada.get(page_of(own)).status_code == 200
    assert ada.get(page_of(elses)).status_code == 302


def test_but_not_of_a_workspace_that_he_has_left(ada: Client, workspace: Workspace) -> None:
    there = WorkspaceFactory.create()
    own = to(staff(), there, "of there")

    assert "of there" not in shown(ada)
    assert ada.get(page_of(own)).status_code == 302
    Membership.objects.all().delete()
    assert ada.get(reverse(LIST)).status_code == 403


def test_a_superuser_sees_all(admin_client: Client, workspace: Workspace) -> None:
    elses = to(UserFactory.create(), workspace)

    assert elses.message in shown(admin_client)
    page = admin_client.get(page_of(elses)).content.decode()
    assert f"{reverse('admin:executions_execution_change', args=[elses.execution_id])}#step-1" in page


def test_nobody_makes_changes_or_deletes_one(admin_client: Client, workspace: Workspace) -> None:
    one = to(UserFactory.create(), workspace)

    assert admin_client.get(reverse("admin:workspaces_notification_add")).status_code == 403
    assert admin_client.post(page_of(one), {"message": "other"}).status_code == 403
    assert admin_client.post(page_of(one).replace("change", "delete"), {"post": "yes"}).status_code == 403
    assert Notification.objects.get().message == "Ada has called"


def test_the_recipient_marks_it_as_read_and_it_is_in_the_log(ada: Client, workspace: Workspace) -> None:
    own = to(staff(), workspace)

    assert "1 marked as read" in mark_read(ada, own)

    own.refresh_from_db()
    assert own.read_at is not None
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.user, entry.get_change_message()) == (str(own.pk), staff(), "Marked as read.")
    assert "0 marked as read" in mark_read(ada, own), "it keeps its time"
    assert LogEntry.objects.count() == 1


def test_nobody_else_does_not_even_a_superuser(admin_client: Client, ada: Client, workspace: Workspace) -> None:
    elses = to(UserFactory.create(), workspace)

    for client in (admin_client, ada):
        assert "0 marked as read" in mark_read(client, elses) or client is ada

    elses.refresh_from_db()
    assert elses.read_at is None
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(("read", "expected"), [("no", "new"), ("yes", "old")])
def test_unread_ones_or_read_ones(ada: Client, workspace: Workspace, read: str, expected: str) -> None:
    mark_read(ada, to(staff(), workspace, "an old one"))
    to(staff(), workspace, "a new one")

    page = shown(ada, read=read)

    assert f"{expected} one" in page
    assert ("an old one" in page, "a new one" in page) == (expected == "old", expected == "new")


def test_what_it_says_is_shown_as_text(admin_client: Client, workspace: Workspace) -> None:
    one = notify(workspace_id=workspace.pk, recipient=UserFactory.create(), title=HOSTILE, message=HOSTILE)

    for page in (shown(admin_client), admin_client.get(page_of(one)).content.decode()):
        assert HOSTILE not in page
        assert "&lt;script&gt;" in page


def test_the_list_costs_the_same_for_many_as_for_few(
    ada: Client, workspace: Workspace, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    counts = []
    for number in (5, 45):
        for _ in range(number):
            to(staff(), workspace)
        with CaptureQueriesContext(connection) as queries, django_assert_max_num_queries(9):
            shown(ada)
        counts.append(len(queries))

    assert counts[0] == counts[1]
