"""Who did what, and who failed to sign in."""

from datetime import datetime, timedelta
from typing import Any, ClassVar, NoReturn, Self
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils import timezone

from workspaces.fields import DetailsField, UUID7Key
from workspaces.moments import in_utc, moved


class Action(models.TextChoices):
    """What the audit log tells of."""

    SIGN_IN = "signin"
    SIGN_IN_FAILED = "signin.failed"
    SIGN_OUT = "signout"
    PASSWORD_CHANGE = "password.change"
    EXECUTION_START = "execution.start"
    EXECUTION_CANCEL = "execution.cancel"
    WORKFLOW_CREATE = "workflow.create"
    WORKFLOW_CHANGE = "workflow.change"
    WORKFLOW_STATUS = "workflow.status"
    WORKSPACE_CREATE = "workspace.create"
    WORKSPACE_CHANGE = "workspace.change"
    MEMBER_ADD = "member.add"
    MEMBER_CHANGE = "member.change"
    MEMBER_REMOVE = "member.remove"
    TOKEN_ISSUE = "token.issue"
    TOKEN_REVOKE = "token.revoke"
    SECRET_PUT = "secret.put"
    SECRET_REMOVE = "secret.remove"
    SECRET_LIST = "secret.list"
    SECRET_ROTATE = "secret.rotate"
    TASK_CREATE = "task.create"
    TASK_CHANGE = "task.change"
    ADMIN_ADD = "admin.add"
    ADMIN_CHANGE = "admin.change"
    ADMIN_DELETE = "admin.delete"


UNCHANGEABLE = "An entry of the audit log isn't changed, nor deleted; AUDIT_DAYS says how long it is kept."
KEY_MARGIN = timedelta(seconds=1)
"""An entry has its key and its time from the same clock, one after the other."""


def _first_key(moment: datetime) -> UUID:
    """No UUIDv7 that is made from then on is before it."""
    milliseconds = int(moment.timestamp() * 1000)
    return UUID(int=min(max(0, milliseconds), 2**48 - 1) << 80)


class AuditEntryQuerySet(models.QuerySet["AuditEntry"]):
    """Entries are written and read; `drop` is for their retention alone."""

    def update(self, **_: object) -> NoReturn:
        raise TypeError(UNCHANGEABLE)

    def delete(self) -> NoReturn:
        raise TypeError(UNCHANGEABLE)

    def between(self, since: datetime | None, until: datetime | None) -> Self:
        """From `since` on and before `until`; by the key too, which has the time in it and an index."""
        found = self
        if since:
            found = found.filter(at__gte=in_utc(since), pk__gte=_first_key(moved(since, -KEY_MARGIN)))
        if until:
            found = found.filter(at__lt=in_utc(until), pk__lt=_first_key(moved(until, KEY_MARGIN)))
        return found

    def drop(self, at_most: int) -> int:
        """Deletes so many of them, the oldest first; gives how many those were."""
        oldest = list(self.order_by("pk").values_list("pk", flat=True)[:at_most])
        return AuditEntry.objects.filter(pk__in=oldest)._raw_delete(self.db) if oldest else 0


class AuditEntry(models.Model):
    """Who did what, in words that outlive the user, the workspace and the subject; so it refers to none of them.

    `details` never hold a secret.
    """

    id = UUID7Key()
    at = models.DateTimeField(default=timezone.now, editable=False)
    workspace_id = models.UUIDField(null=True, editable=False)
    workspace_slug = models.CharField("workspace", max_length=63, editable=False)
    actor_id = models.BigIntegerField(null=True, editable=False)
    actor_name = models.CharField("who", max_length=150, editable=False)
    token = models.CharField(max_length=120, editable=False)
    address = models.CharField(max_length=45, editable=False)
    action = models.CharField(max_length=40, editable=False)
    subject_type = models.CharField(max_length=40, editable=False)
    subject_id = models.CharField(max_length=40, editable=False)
    label = models.CharField("what", max_length=200, editable=False)
    details = DetailsField(default=dict, editable=False)

    objects = AuditEntryQuerySet.as_manager()

    class Meta:
        verbose_name = "audit entry"
        verbose_name_plural = "audit entries"
        default_permissions = ("view",)
        indexes: ClassVar = [
            models.Index(fields=["workspace_id", "id"], name="audit_of_workspace"),
            models.Index(fields=["actor_id", "at"], name="audit_of_signin", condition=Q(action=Action.SIGN_IN)),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.label}".strip()

    def save(self, **options: Any) -> None:
        """Once."""
        if not self._state.adding:
            raise TypeError(UNCHANGEABLE)
        super().save(**options)

    def delete(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError(UNCHANGEABLE)


class SignInFailure(models.Model):
    """A wrong password, or a try that has not yet proved right. `name` is a digest, since some type their password."""

    name = models.CharField(max_length=64)
    network = models.CharField(max_length=45)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()
        indexes: ClassVar = [
            models.Index(fields=["name", "at"], name="failures_of_name"),
            models.Index(fields=["network", "at"], name="failures_of_network"),
        ]

    def __str__(self) -> str:
        return f"from {self.network} at {self.at}"
