"""What should run: workflows, and the immutable versions of their definitions."""

from typing import ClassVar, Self
from uuid import UUID

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from workflows.fields import DocumentField
from workspaces.fields import UUID7Key
from workspaces.models import Workspace


class WorkflowStatus(models.TextChoices):
    DRAFT = "DRAFT"
    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    ARCHIVED = "ARCHIVED"


class WorkflowQuerySet(models.QuerySet["Workflow"]):
    def addressed_by(self, reference: str) -> Self:
        """The workflow with this id, or the one that isn't archived with this name, which may look like an id."""
        named = Q(name=reference) & ~Q(status=WorkflowStatus.ARCHIVED)
        try:
            return self.filter(named | Q(pk=UUID(reference)))
        except ValueError:
            return self.filter(named)


class Workflow(models.Model):
    """A named workflow of a workspace; `version` is what the next execution will run, and `trigger_type` its trigger's.

    The counters are kept by the journal in the transactions they count: `execution_count` when an execution starts,
    `success_count` when one is COMPLETED, `failure_count` when one is FAILED or TIMEOUT, of those `timeout_count`,
    `cancelled_count`; and of the COMPLETED, FAILED and TIMEOUT ones the `total_duration_ms`. Dry runs are in none of
    these: `simulation_count` counts their starts.

    `max_running`: how many of its executions may run at once; NULL sets no limit beyond the workspace's.
    """

    id = UUID7Key()
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="workflows", db_index=False)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    status = models.CharField(max_length=8, choices=WorkflowStatus, default=WorkflowStatus.DRAFT)
    version = models.ForeignKey(
        "WorkflowVersion", models.PROTECT, null=True, editable=False, related_name="current_for"
    )
    trigger_type = models.CharField(max_length=64, default="manual", editable=False)
    tags = DocumentField(default=list, blank=True)
    metadata = DocumentField(default=dict, blank=True)
    max_running = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    execution_count = models.BigIntegerField(default=0, editable=False)
    success_count = models.BigIntegerField(default=0, editable=False)
    failure_count = models.BigIntegerField(default=0, editable=False)
    timeout_count = models.BigIntegerField(default=0, editable=False)
    cancelled_count = models.BigIntegerField(default=0, editable=False)
    simulation_count = models.BigIntegerField(default=0, editable=False)
    total_duration_ms = models.BigIntegerField(default=0, editable=False)
    last_executed_at = models.DateTimeField(null=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects = WorkflowQuerySet.as_manager()

    class Meta:
        # Beyond what the role in the workspace allows.
        default_permissions = ()
        permissions: ClassVar = [("execute_workflow", "Can execute workflows that he may see")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "name"],
                name="workflow_name_once_per_workspace",
                condition=~Q(status=WorkflowStatus.ARCHIVED),
            ),
            models.CheckConstraint(name="workflow_status_known", condition=Q(status__in=WorkflowStatus.values)),
            models.CheckConstraint(
                name="workflow_runs_some",
                condition=Q(max_running=None) | Q(max_running__gte=1),
                violation_error_message="At least one has to run; leave it empty for no limit.",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "created_at"], name="workflow_of_workspace"),
            models.Index(fields=["workspace", "status", "created_at"], name="workflow_by_status"),
            models.Index("workspace", Lower("name"), name="workflow_by_name"),
            models.Index(fields=["workspace", "updated_at"], name="workflow_by_update"),
        ]

    def __str__(self) -> str:
        return self.name


class WorkflowVersion(models.Model):
    """A definition as it was saved. Never changed: executions are pinned to it. `digest` is the SHA-256 of its text."""

    id = UUID7Key()
    workflow = models.ForeignKey(Workflow, models.CASCADE, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    definition = DocumentField()
    digest = models.CharField(max_length=64)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workflow", "number"], name="version_number_once_per_workflow"),
            models.UniqueConstraint(fields=["workflow", "digest"], name="version_content_once_per_workflow"),
        ]

    def __str__(self) -> str:
        return f"version {self.number}"
