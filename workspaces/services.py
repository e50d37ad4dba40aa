"""The verbs on a workspace's people and what is made for them."""

import logging
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from workspaces.models import Membership, Notification, Task, TaskPriority, TaskStatus

logger = logging.getLogger(__name__)


class NoSuchMember(LookupError):
    """Nobody in the workspace has this id, user name or e-mail address."""


def member(*, workspace_id: UUID, reference: int | str) -> User:
    """The active member with this user id (a number), user name or e-mail address; raises NoSuchMember."""
    if isinstance(reference, int):
        named = Q(user__pk=reference)
    else:
        named = Q(user__username=reference) | Q(user__email__iexact=reference)
    memberships = Membership.objects.filter(named, workspace_id=workspace_id, user__is_active=True)
    found = memberships.select_related("user").order_by("id").first()
    if found is None:
        raise NoSuchMember(f"The workspace has no active member {reference!r}; give an id, a user name or an address.")
    return found.user


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

    A mail that the server refuses is logged, and `mailed_at` stays empty.
    """
    notification = Notification.objects.create(
        workspace_id=workspace_id, recipient=recipient, title=title, message=message, by_mail=by_mail,
        execution_id=execution_id, step_path=step_path,
    )  # fmt: skip
    if by_mail:
        transaction.on_commit(lambda: _mail(notification))
    return notification


def _mail(notification: Notification) -> None:
    subject = " ".join((notification.title or notification.message)[:200].split())
    try:
        send_mail(subject, notification.message, None, [notification.recipient.email])
    except OSError:  # smtplib's errors are OSErrors; the notification itself has been delivered
        logger.exception("notification %s wasn't mailed", notification.pk)
    else:
        Notification.objects.filter(pk=notification.pk).update(mailed_at=timezone.now())
