"""Who: organizations, their workspaces, the members and their roles; and what the built-in actions make for people."""

import re
from datetime import datetime
from typing import ClassVar, Self
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Case, OuterRef, Q, Subquery, Value, When
from django.utils import timezone

from workspaces.fields import UUID7Key

SLUG_PATTERN = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
ID_PATTERN = r"^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$"

validate_slug = RegexValidator(SLUG_PATTERN, "Use lower-case letters, digits and single hyphens between them.")
validate_not_an_id = RegexValidator(
    ID_PATTERN, "This has the form of an id; choose a name that people can say.", inverse_match=True
)


class Organization(models.Model):
    id = UUID7Key()
    name = models.CharField(max_length=200)
    slug = models.CharField(max_length=63, unique=True, validators=[validate_slug, validate_not_an_id])
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="organizations")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.name


class WorkspaceQuerySet(models.QuerySet["Workspace"]):
    def addressed_by(self, reference: str) -> Self:
        """The workspace with this slug or id, as the API's `{slug}` and the commands take it."""
        try:
            return self.filter(Q(slug=reference) | Q(pk=UUID(reference)))
        except ValueError:
            return self.filter(slug=reference) if re.fullmatch(SLUG_PATTERN, reference) else self.none()

    def reached_by(self, user: User) -> Self:
        """Those that exist for this user, each with his `role`: his memberships, and all of his organizations."""
        own = Membership.objects.filter(workspace=OuterRef("pk"), user=user).values("role")
        owner = When(organization__owner=user, then=Value(Role.OWNER))
        return self.annotate(role=Case(owner, default=Subquery(own))).exclude(role=None)


class Workspace(models.Model):
    """`max_running`: how many of its executions may run at once; NULL sets no limit.

    Of those that ended, the ones of the last `retention_days` are kept, and the newest `retention_count` at most; NULL
    is what the settings say, 0 keeps all.
    """

    id = UUID7Key()
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="workspaces")
    name = models.CharField(max_length=200)
    slug = models.CharField(max_length=63, unique=True, validators=[validate_slug, validate_not_an_id])
    max_running = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    retention_days = models.PositiveIntegerField(null=True, blank=True)
    retention_count = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="workspace_slug_is_no_id",
                condition=Q(slug__regex=SLUG_PATTERN) & ~Q(slug__regex=ID_PATTERN),
                violation_error_message="A slug has lower-case letters, digits and hyphens, and not the form of an id.",
            ),
            models.CheckConstraint(
                name="workspace_runs_some",
                condition=Q(max_running=None) | Q(max_running__gte=1),
                violation_error_message="At least one has to run; leave it empty for no limit.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    OWNER = "OWNER"
    ADMIN = "ADMIN"
    MEMBER = "MEMBER"
    GUEST = "GUEST"


class Membership(models.Model):
    id = UUID7Key()
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="memberships", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=6, choices=Role, default=Role.MEMBER)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "user"], name="membership_once_per_workspace"),
            models.CheckConstraint(name="membership_role_known", condition=Q(role__in=Role.values)),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.workspace}: {self.role}"


class TaskStatus(models.TextChoices):
    TODO = "TODO"
    IN_PROGRESS = "IN_PROGRESS"
    DONE = "DONE"
    CANCELLED = "CANCELLED"


class TaskPriority(models.TextChoices):
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"


class Task(models.Model):
    """Something for a person to do. `execution_id` and `step_path` name the step that made it, if one did."""

    id = UUID7Key()
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="tasks", db_index=False)
    title = models.CharField(max_length=500)
    description = models.TextField(blank=True)
    status = models.CharField(max_length=11, choices=TaskStatus, default=TaskStatus.TODO)
    priority = models.CharField(max_length=8, choices=TaskPriority, default=TaskPriority.MEDIUM)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="assigned_tasks"
    )
    due_at = models.DateTimeField(null=True, blank=True)
    execution_id = models.UUIDField(null=True, blank=True, editable=False)
    step_path = models.CharField(max_length=200, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="task_status_known", condition=Q(status__in=TaskStatus.values)),
            models.CheckConstraint(name="task_priority_known", condition=Q(priority__in=TaskPriority.values)),
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "created_at"], name="task_of_workspace"),
            models.Index(fields=["workspace", "status", "created_at"], name="task_by_status"),
            models.Index(fields=["assignee", "created_at"], name="task_of_assignee"),
            models.Index(fields=["execution_id"], name="task_of_execution", condition=Q(execution_id__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.title


class NotificationQuerySet(models.QuerySet["Notification"]):
    def unread(self) -> Self:
        return self.filter(read_at=None)


class Notification(models.Model):
    """A message to one person, unread while `read_at` is empty."""

    id = UUID7Key()
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="notifications")
    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notifications")
    title = models.CharField(max_length=200, blank=True)
    message = models.TextField()
    by_mail = models.BooleanField(default=False)
    mailed_at = models.DateTimeField(null=True, blank=True, editable=False)
    read_at = models.DateTimeField(null=True, blank=True)
    execution_id = models.UUIDField(null=True, blank=True, editable=False)
    step_path = models.CharField(max_length=200, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["recipient", "created_at"], name="notification_of_recipient"),
            models.Index(fields=["recipient", "created_at"], name="notification_unread", condition=Q(read_at=None)),
            models.Index(
                fields=["execution_id"], name="notification_of_execution", condition=Q(execution_id__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.title or self.message[:80]


class Scope(models.TextChoices):
    """What a token may be used for. What each one opens is for `access` to say."""

    READ = "read"
    EXECUTE = "execute"
    WRITE = "write"
    ADMIN = "admin"


SCOPES_PATTERN = "^({0})( ({0}))*$".format("|".join(Scope.values))

validate_not_only_spaces = RegexValidator(r"\S", "Give a name that says what it is for.")
validate_a_line_of_text = RegexValidator(
    r"[\x00-\x1f\x7f\ud800-\udfff]", "Leave out control characters and lone surrogates.", inverse_match=True
)


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def valid(self, now: datetime) -> Self:
        """Those that open something at that time: not expired, and of a user who is active."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now), user__is_active=True)

    def unused_since(self, moment: datetime) -> Self:
        return self.filter(Q(last_used_at=None) | Q(last_used_at__lte=moment))


class ApiToken(models.Model):
    """What a program shows instead of a password; its text isn't kept, only the digest. Revoked by deleting it.

    Without a workspace it is valid in all of its user's, with one in that one alone.
    """

    id = UUID7Key()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="tokens")
    workspace = models.ForeignKey(Workspace, models.CASCADE, null=True, blank=True, related_name="tokens")
    name = models.CharField(max_length=100, validators=[validate_not_only_spaces, validate_a_line_of_text])
    digest = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(max_length=16, editable=False)
    scopes = models.CharField(max_length=100)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = "API token"
        constraints: ClassVar = [
            models.CheckConstraint(name="token_scopes_known", condition=Q(scopes__regex=SCOPES_PATTERN)),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"

    @property
    def scope_set(self) -> frozenset[str]:
        return frozenset(self.scopes.split())
