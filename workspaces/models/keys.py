"""What programs show to us, and workflows to others."""

from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from workspaces import names
from workspaces.fields import UUID7Key
from workspaces.models.people import Workspace


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


validate_secret_name = RegexValidator(names.PATTERN, names.RULE)


class Secret(models.Model):
    """What configs name as `{{ secrets.NAME }}`. `sealed` is its value, encrypted; `secrets` alone opens it."""

    id = UUID7Key()
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="secrets", db_index=False)
    name = models.CharField(max_length=names.MAX_CHARACTERS, validators=[validate_secret_name])
    sealed = models.TextField(editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "name"],
                name="secret_once_per_workspace",
                violation_error_message="The workspace has a secret of this name; change that one.",
            ),
            models.CheckConstraint(name="secret_name_usable", condition=Q(name__regex=names.PATTERN)),
        ]

    def __str__(self) -> str:
        return self.name
