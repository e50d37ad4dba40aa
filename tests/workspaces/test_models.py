"""What the database itself holds to: slugs, roles, memberships, statuses; and how rows are found."""

from typing import Any
from uuid import UUID

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from tests.factories import MembershipFactory, OrganizationFactory, UserFactory, WorkspaceFactory
from workspaces.fields import uuid7
from workspaces.models import Membership, Notification, Organization, Role, Task, Workspace

pytestmark = pytest.mark.django_db


def refused(make: Any, **fields: Any) -> str:
    with pytest.raises(IntegrityError) as raised, transaction.atomic():
        make(**fields)
    return str(raised.value)


@pytest.mark.parametrize("slug", ["a", "7", "sales", "north-2", "a-b-c", "x" * 63, "0" * 31, "f" * 33])
def test_a_slug_is_small_letters_digits_and_hyphens(slug: str) -> None:
    workspace = WorkspaceFactory.create(slug=slug)

    workspace.full_clean()
    assert list(Workspace.objects.addressed_by(slug)) == [workspace]


AN_ID = "79e09881-6f3c-4689-a357-641cf1df34e1"


@pytest.mark.parametrize("slug", ["", "A", "a b", "a_b", "-a", "a-", "é", "a.b", "a/b", AN_ID, AN_ID.replace("-", "")])
def test_a_slug_of_another_form_is_refused_by_the_form_and_by_the_database(slug: str) -> None:
    workspace = Workspace(organization=OrganizationFactory.create(), name="W", slug=slug)

    with pytest.raises(ValidationError) as raised:
        workspace.full_clean()
    assert "slug" in raised.value.message_dict or "__all__" in raised.value.message_dict
    assert "workspace_slug_is_no_id" in refused(workspace.save)


def test_a_slug_is_unique_in_the_installation() -> None:
    WorkspaceFactory.create(slug="sales")

    assert "slug" in refused(WorkspaceFactory.create, slug="sales")
    WorkspaceFactory.create(slug="sales-2", organization=OrganizationFactory.create(slug="sales"))


def test_a_workspace_is_addressed_by_its_slug_or_its_id() -> None:
    workspace, other = WorkspaceFactory.create(slug="sales"), WorkspaceFactory.create()

    for reference in ("sales", str(workspace.pk), workspace.pk.hex, str(workspace.pk).upper()):
        assert list(Workspace.objects.addressed_by(reference)) == [workspace]
    for reference in ("", "sale", "SALES", AN_ID, other.name):
        assert not Workspace.objects.addressed_by(reference)


def test_a_slug_that_only_resembles_an_id_still_leads_to_its_workspace() -> None:
    resembling = "a0000000-0000-0000-0000-0000000000-00"
    workspace = WorkspaceFactory.create(slug=resembling)

    assert UUID(resembling).hex == "a" + "0" * 31
    assert list(Workspace.objects.addressed_by(resembling)) == [workspace]


def test_ids_sort_by_creation() -> None:
    made = [uuid7() for _ in range(1_000)]

    assert made == sorted(made)
    assert {key.version for key in made} == {7}
    first, second = UserFactory.create(), UserFactory.create()
    memberships = [MembershipFactory.create(user=user) for user in (first, second)]
    assert list(Membership.objects.order_by("pk")) == memberships


@pytest.mark.parametrize("role", Role)
def test_a_member_has_a_role(role: Role) -> None:
    assert MembershipFactory.create(role=role).role == role


def test_a_role_is_a_known_one() -> None:
    assert "membership_role_known" in refused(MembershipFactory.create, role="BOSS")


def test_one_is_a_member_of_a_workspace_once() -> None:
    membership = MembershipFactory.create()
    MembershipFactory.create(user=membership.user)

    refused(MembershipFactory.create, user=membership.user, workspace=membership.workspace, role=Role.GUEST)


@pytest.mark.parametrize(
    ("field", "constraint"), [("status", "task_status_known"), ("priority", "task_priority_known")]
)
def test_a_task_has_a_known_status_and_priority(field: str, constraint: str) -> None:
    workspace = WorkspaceFactory.create()

    assert constraint in refused(Task.objects.create, workspace=workspace, title="T", **{field: "odd"})


def test_an_owner_and_an_organization_with_workspaces_are_kept() -> None:
    workspace = WorkspaceFactory.create()

    with pytest.raises(ProtectedError):
        workspace.organization.delete()
    with pytest.raises(ProtectedError):
        workspace.organization.owner.delete()
    assert Organization.objects.count() == 1


def test_who_leaves_takes_the_notifications_along_and_leaves_the_tasks() -> None:
    membership = MembershipFactory.create()
    user, workspace = membership.user, membership.workspace
    Notification.objects.create(workspace=workspace, recipient=user, message="Hello")
    Task.objects.create(workspace=workspace, title="T", assignee=user)

    user.delete()

    assert (Membership.objects.count(), Notification.objects.count()) == (0, 0)
    assert Task.objects.get().assignee is None


def test_a_notification_is_unread_until_it_is_read(django_user_model: Any) -> None:
    membership = MembershipFactory.create()
    read, unread = (
        Notification.objects.create(workspace=membership.workspace, recipient=membership.user, message="x" * 100)
        for _ in range(2)
    )
    Notification.objects.filter(pk=read.pk).update(read_at=read.created_at)

    assert list(membership.user.notifications.unread()) == [unread]
    assert str(unread) == "x" * 80


def test_rows_say_what_they_are() -> None:
    membership = MembershipFactory.create(user=UserFactory.create(username="ada"), role=Role.ADMIN)

    assert str(membership) == "ada in Workspace: ADMIN"
    assert str(membership.workspace.organization) == "Organization"
    assert str(Task(title="Call")) == "Call"
