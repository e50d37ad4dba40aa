"""The verbs on a workspace's people and what is made for them."""

import logging
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.core.mail import send_mail
from django.db import transaction
from django.utils import timezone

from workspaces.models import Notification, Task, TaskPriority, TaskStatus

logger = logging.getLogger(__name__)


class NoSuchMember(LookupError):
    """Nobody in the workspace has this id, user name or e-mail address."""


def member(*, workspace_id: UUID, reference: int | str) -> User:
    """The active member with this user id (a number), user name or e-mail address; raises NoSuchMember.

    A user name goes before another member's address, and an address that several members share names nobody.
    """
    members = User.objects.filter(memberships__workspace=workspace_id, is_active=True)
    if isinstance(reference, int):
        found = list(members.filter(pk=reference))
    else:
        found = list(members.filter(username=reference)) or list(members.filter(email__iexact=reference)[:2])
    if not found or not reference:
        raise NoSuchMember(f"The workspace has no active member {reference!r}; give an id, a user name or an address.")
    if len(found) > 1:
        raise NoSuchMember(f"Several members have the address {reference!r}; give an id or a user name.")
    return found[0]


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
    return Task.objects.create(
        workspace_id=workspace_id, title=title, description=description, status=status, priority=priority,
        assignee=assignee, due_at=due_at, execution_id=execution_id, step_path=step_path,
    )  # fmt: skip


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
