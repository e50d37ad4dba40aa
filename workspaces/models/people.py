"""Organizations, their workspaces, the members and their roles."""

import re
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
