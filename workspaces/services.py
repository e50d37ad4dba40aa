"""The verbs on a workspace's people and what is made for them."""

import logging
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from workspaces import audit
from workspaces.models import (
    Action,
    Membership,
    Notification,
    Organization,
    Role,
    Task,
    TaskPriority,
    TaskStatus,
    Workspace,
)

LIMITS = ("max_running", "retention_days", "retention_count")

logger = logging.getLogger(__name__)


class NoSuchUser(LookupError):
    """Nobody, or more than one, has this user name or e-mail address."""


class NoSuchMember(LookupError):
    """Nobody in the workspace has this id, user name or e-mail address."""


def member(*, workspace_id: UUID, reference: int | str) -> User:
    """The active member with this user id (a number), user name or e-mail address; raises NoSuchMember.

    A user name goes before another member's address, and an address that several members share names nobody.
    """
    members = User.objects.filter(memberships__workspace=workspace_id, is_active=True)
    found = list(members.filter(pk=reference)) if isinstance(reference, int) else _called(reference, members)
    if not found or not reference:
        raise NoSuchMember(f"The workspace has no active member {reference!r}; give an id, a user name or an address.")
    if len(found) > 1:
        raise NoSuchMember(f"Several members have the address {reference!r}; give an id or a user name.")
    return found[0]


def user(*, reference: str) -> User:
    """The active user with this user name or, if it is one's alone, e-mail address; raises NoSuchUser."""
    found = _called(reference, User.objects.filter(is_active=True))
    if len(found) != 1:
        raise NoSuchUser("Give the user name, or the unambiguous address, of an active user.")
    return found[0]


def _called(reference: str, users: QuerySet[User]) -> list[User]:
    """A user name goes before another's address; two, when an address is of more than one."""
    return list(users.filter(username=reference)) or list(users.filter(email__iexact=reference)[:2])


def create_task(
    *,
    workspace_id: UUID,
    title: str,
    description: str = "",
    status: TaskStatus = TaskStatus.TODO,
    priority: TaskPriority = TaskPriority.MEDIUM,
    assignee: User | None = None,
    due_at: datetime | None = None,
    execution_id: UUID | None = None,
    step_path: str = "",
) -> Task:
    with transaction.atomic():
        task = Task.objects.create(
            workspace_id=workspace_id, title=title, description=description, status=status, priority=priority,
            assignee=assignee, due_at=due_at, execution_id=execution_id, step_path=step_path,
        )  # fmt: skip
        if execution_id is None:
            audit.record(Action.TASK_CREATE, task, workspace_id=workspace_id)
    return task


def notify(
    *,
    workspace_id: UUID,
    recipient: User,
    message: str,
    title: str = "",
    by_mail: bool = False,
    execution_id: UUID | None = None,
    step_path: str = "",
) -> Notification:
    """A notification; with `by_mail` also a mail, sent once this transaction has committed, and never twice.

    A mail that can't be sent is logged, and `mailed_at` stays empty.
    """
    notification = Notification.objects.create(
        workspace_id=workspace_id, recipient=recipient, title=title, message=message, by_mail=by_mail,
        execution_id=execution_id, step_path=step_path,
    )  # fmt: skip
    if by_mail:
        transaction.on_commit(lambda: _mail(notification), robust=True)
    return notification


def _mail(notification: Notification) -> None:
    subject = " ".join((notification.title or notification.message)[:200].split())
    try:
        send_mail(subject, notification.message, None, [notification.recipient.email])
    except (OSError, ValueError):  # what smtplib and the mail's headers raise; the notification is delivered anyway
        logger.exception("notification %s wasn't mailed", notification.pk)
    else:
        Notification.objects.filter(pk=notification.pk).update(mailed_at=timezone.now())


def create_workspace(*, slug: str, owner: User, name: str = "") -> Workspace:
    """A workspace whose OWNER is a member of it, in the organization of that slug, which is made where there is none.

    Raises ValidationError by field; for a slug that is taken too, and for another's organization.
    """
    with transaction.atomic():
        organization = Organization.objects.filter(slug=slug).first() or Organization(slug=slug, owner=owner)
        if organization.owner != owner:
            raise ValidationError({"slug": [f"The organization {slug!r} is another's; choose another slug."]})
        organization.name = organization.name or name or slug
        workspace = Workspace(slug=slug, name=name or slug, organization=organization)
        workspace.full_clean(exclude=["organization"])
        organization.save()
        workspace.save()
        Membership.objects.create(workspace=workspace, user=owner, role=Role.OWNER)
        audit.record(Action.WORKSPACE_CREATE, workspace, workspace_id=workspace.pk, owner=owner.get_username())
    return workspace


class AlreadyMember(Exception):
    """The user has a role in the workspace already."""


def add_member(*, workspace: Workspace, user: User, role: Role) -> Membership:
    """Raises AlreadyMember."""
    try:
        with transaction.atomic():
            membership = Membership.objects.create(workspace=workspace, user=user, role=role)
            _record_member(Action.MEMBER_ADD, membership, role=role)
    except IntegrityError as error:
        raise AlreadyMember(f"{user.get_username()} is a member already; change the role instead.") from error
    return membership


def change_role(*, membership: Membership, role: Role) -> Membership:
    with transaction.atomic():
        before = Membership.objects.select_for_update().values_list("role", flat=True).get(pk=membership.pk)
        membership.role = role
        membership.save(update_fields=["role"])
        _record_member(Action.MEMBER_CHANGE, membership, role=role, before=before)
    return membership


def remove_member(*, membership: Membership) -> None:
    """The user's tokens stay, and open nothing here any more."""
    with transaction.atomic():
        _record_member(Action.MEMBER_REMOVE, membership, role=membership.role)
        membership.delete()


def _record_member(action: Action, membership: Membership, **details: str) -> None:
    who = membership.user.get_username()
    audit.record(action, membership, workspace_id=membership.workspace_id, label=who, **details)


def rename_workspace(*, workspace: Workspace, name: str) -> Workspace:
    """Its slug stays, since addresses lead to it."""
    with transaction.atomic():
        is_new = Workspace.objects.filter(pk=workspace.pk).exclude(name=name).update(name=name)
        workspace.name = name
        if is_new:
            audit.record(Action.WORKSPACE_CHANGE, workspace, workspace_id=workspace.pk, name=name)
    return workspace


def set_limits(*, workspace: Workspace, **limits: int | None) -> Workspace:
    """Sets those of `max_running`, `retention_days` and `retention_count` that are given; None is no limit of its own.

    Raises ValidationError by field.
    """
    if unknown := limits.keys() - set(LIMITS):
        raise TypeError(f"no limits of a workspace: {', '.join(sorted(unknown))}")
    for name, limit in limits.items():
        setattr(workspace, name, limit)
    others = {field.name for field in Workspace._meta.fields} - limits.keys()
    workspace.full_clean(exclude=others, validate_unique=False, validate_constraints=False)
    with transaction.atomic():
        before = Workspace.objects.select_for_update().values(*LIMITS).get(pk=workspace.pk)
        changed: dict[str, Any] = {name: limit for name, limit in limits.items() if limit != before[name]}
        if changed:
            workspace.save(update_fields=[*changed])
            audit.record(Action.WORKSPACE_CHANGE, workspace, workspace_id=workspace.pk, **changed)
    return workspace


def change_task(
    *,
    task: Task,
    title: str,
    description: str,
    status: TaskStatus,
    priority: TaskPriority,
    assignee: User | None,
    due_at: datetime | None,
) -> Task:
    """All that a person may change of it. Whether the assignee is a member is for the caller to know."""
    task.title, task.description, task.status, task.priority = title, description, status, priority
    task.assignee, task.due_at = assignee, due_at
    with transaction.atomic():
        task.save(update_fields=["title", "description", "status", "priority", "assignee", "due_at", "updated_at"])
        audit.record(Action.TASK_CHANGE, task, workspace_id=task.workspace_id, status=status)
    return task


def set_task_status(*, task: Task, status: TaskStatus) -> Task:
    task.status = status
    with transaction.atomic():
        task.save(update_fields=["status", "updated_at"])
        audit.record(Action.TASK_CHANGE, task, workspace_id=task.workspace_id, status=status)
    return task


def mark_read(notifications: QuerySet[Notification]) -> int:
    """Marks those of them that are unread; gives how many those were."""
    return notifications.filter(read_at=None).update(read_at=timezone.now())
