"""What comes in and goes out about people; the JSON itself is `workspaces.representation`'s."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from workspaces.api.fields import Body, Choice, Moment, Text, WholeNumber
from workspaces.models import Role, Scope, TaskPriority, TaskStatus

RETENTION_DAYS = "What ended is kept for so many days; 0: for ever; null: as the server is set."
RETENTION_COUNT = "Of what ended, so many at most are kept; 0: all; null: as the server is set."


class OrganizationSerializer(serializers.Serializer[Any]):
    slug = serializers.CharField()
    name = serializers.CharField()


class WorkspaceSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    slug = serializers.CharField()
    name = serializers.CharField()
    organization = OrganizationSerializer()
    role = Choice(Role.choices, help_text="Of whoever asks.")
    maxRunning = WholeNumber(min_value=1, allow_null=True, help_text="Executions that may run at once; null: no limit.")
    retentionDays = WholeNumber(min_value=0, allow_null=True, help_text=RETENTION_DAYS)
    retentionCount = WholeNumber(min_value=0, allow_null=True, help_text=RETENTION_COUNT)
    createdAt = Moment()


@extend_schema_serializer(
    examples=[
        OpenApiExample("At most ten at once, kept a week", {"maxRunning": 10, "retentionDays": 7}, request_only=True)
    ]
)
class WorkspaceChange(Body):
    maxRunning = WholeNumber(
        source="max_running", min_value=1, allow_null=True, required=False,
        help_text="Executions that may run at once; null: no limit.",
    )  # fmt: skip
    retentionDays = WholeNumber(
        source="retention_days", min_value=0, allow_null=True, required=False, help_text=RETENTION_DAYS
    )
    retentionCount = WholeNumber(
        source="retention_count", min_value=0, allow_null=True, required=False, help_text=RETENTION_COUNT
    )


class UserSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    username = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    email = serializers.CharField(allow_blank=True)


class MemberSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    user = UserSerializer()
    role = Choice(Role.choices)
    createdAt = Moment()


class RoleInput(Body):
    role = Choice(Role.choices)


@extend_schema_serializer(
    examples=[OpenApiExample("By address", {"user": "ada@example.org", "role": "MEMBER"}, request_only=True)]
)
class MemberInput(RoleInput):
    user = Text(max_length=254, help_text="The user name or the e-mail address of a user.")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "For a nightly script", {"name": "nightly import", "scopes": ["read", "execute"]}, request_only=True
        )
    ]
)
class TokenInput(Body):
    name = Text(max_length=100, help_text="What it is for.")
    scopes = serializers.ListField(
        child=Choice(Scope.choices), min_length=1, max_length=len(Scope), required=False,
        help_text="`read` and `execute` unless given.",
    )  # fmt: skip
    expiresAt = Moment(required=False, allow_null=True, help_text="In 90 days unless given; null is never.")


class TokenSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    hint = serializers.CharField(help_text="How the token begins.")
    user = UserSerializer(help_text="For whom it speaks.")
    workspaceId = serializers.UUIDField(allow_null=True, help_text="The one workspace that it opens; null: all.")
    scopes = serializers.ListField(child=Choice(Scope.choices))
    expiresAt = Moment(allow_null=True)
    lastUsedAt = Moment(allow_null=True)
    createdAt = Moment()


class SecretSerializer(serializers.Serializer[Any]):
    """All but its value, which nobody reads back."""

    name = serializers.CharField()
    createdAt = Moment()
    updatedAt = Moment(help_text="When it was given its value.")


@extend_schema_serializer(examples=[OpenApiExample("A key of a service", {"value": "sk-4f0a…"}, request_only=True)])
class SecretInput(Body):
    value = Text(
        trim_whitespace=False,
        help_text="8 characters to 64 KiB, kept as they are, spaces and line ends too; never shown again.",
    )


@extend_schema_serializer(examples=[OpenApiExample("Done", {"status": "DONE"}, request_only=True)])
class TaskInput(Body):
    status = Choice(TaskStatus.choices)


class TaskSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    title = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    status = Choice(TaskStatus.choices)
    priority = Choice(TaskPriority.choices)
    assignee = UserSerializer(allow_null=True)
    dueAt = Moment(allow_null=True)
    executionId = serializers.UUIDField(allow_null=True, help_text="The execution that made it.")
    stepPath = serializers.CharField(allow_null=True)
    createdAt = Moment()
    updatedAt = Moment()


class NotificationSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    title = serializers.CharField(allow_blank=True)
    message = serializers.CharField()
    readAt = Moment(allow_null=True)
    mailedAt = Moment(allow_null=True)
    executionId = serializers.UUIDField(allow_null=True, help_text="The execution that sent it.")
    stepPath = serializers.CharField(allow_null=True)
    createdAt = Moment()
