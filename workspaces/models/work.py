"""What the built-in actions make for people."""

from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from workspaces.fields import UUID7Key
from workspaces.models.people import Workspace


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
