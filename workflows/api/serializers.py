"""What comes in and goes out about workflows. The definition itself is checked by `workflows.definition`."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from workflows.models import Workflow, WorkflowStatus
from workflows.representation import workflow_json
from workspaces.api.fields import Body, Choice, Moment, Text, WholeNumber

MAX_RUNNING = "Executions of it that may run at once; null: no limit but the workspace's."
NEW = (WorkflowStatus.DRAFT, WorkflowStatus.ACTIVE, WorkflowStatus.INACTIVE)


@extend_schema_field({"type": "object"})
class Object(serializers.JSONField):
    """User data: an object whose keys and values are never touched."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            raise serializers.ValidationError("Give an object.")
        return super().to_internal_value(data)


@extend_schema_field({"type": "array", "items": {"type": "string"}})
class Tags(serializers.JSONField):
    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, list):
            raise serializers.ValidationError("Give a list of texts.")
        return super().to_internal_value(data)


@extend_schema_field({"type": "array", "items": {"$ref": "#/components/schemas/Action"}, "minItems": 1})
class Actions(serializers.JSONField):
    pass


@extend_schema_field({"$ref": "#/components/schemas/Trigger"})
class TriggerField(serializers.JSONField):
    pass


@extend_schema_field({"type": "integer", "minimum": 1})
class Milliseconds(serializers.JSONField):
    pass


GREETING = {
    "name": "Welcome a customer",
    "status": "ACTIVE",
    "trigger": {"type": "manual"},
    "variables": {"team": "sales"},
    "actions": [
        {"type": "wait", "config": {"durationMs": 1000}},
        {
            "id": "call-back",
            "type": "create_task",
            "conditions": {"field": "trigger.plan", "operator": "equals", "value": "pro"},
            "config": {"title": "Call {{ trigger.name }} for {{ variables.team }}"},
        },
    ],
    "tags": ["customers"],
}


@extend_schema_serializer(
    examples=[
        OpenApiExample("Another name", {"name": "Welcome a new customer"}, request_only=True),
        OpenApiExample("Other actions: another version", {"actions": GREETING["actions"]}, request_only=True),
    ]
)
class WorkflowChange(Body):
    """A workflow's fields; those of its definition make a new version when they change it."""

    name = Text(max_length=200, required=False)
    description = Text(required=False, allow_blank=True, trim_whitespace=False)
    status = Choice(NEW, required=False)
    trigger = TriggerField(required=False)
    actions = Actions(required=False)
    variables = Object(required=False)
    timeout = Milliseconds(required=False, help_text="Of a whole execution, waits included, in ms.", allow_null=True)
    tags = Tags(required=False)
    metadata = Object(required=False)
    maxRunning = WholeNumber(source="max_running", min_value=1, allow_null=True, required=False, help_text=MAX_RUNNING)


@extend_schema_serializer(examples=[OpenApiExample("A wait, and a task for some", GREETING, request_only=True)])
class WorkflowInput(WorkflowChange):
    name = Text(max_length=200)
    status = Choice(NEW, default=WorkflowStatus.DRAFT)
    actions = Actions()


class WorkflowSerializer(serializers.Serializer[Workflow]):
    id = serializers.UUIDField()
    workspaceId = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    status = Choice(WorkflowStatus.choices)
    version = serializers.IntegerField(help_text="The number of the version that the next execution runs.")
    trigger = TriggerField()
    actions = Actions()
    variables = Object()
    timeout = Milliseconds(allow_null=True)
    tags = Tags()
    metadata = Object()
    maxRunning = WholeNumber(min_value=1, allow_null=True, help_text=MAX_RUNNING)
    executionCount = serializers.IntegerField(
        help_text="Started executions, those that were deleted since too; dry runs don't count."
    )
    successCount = serializers.IntegerField()
    failureCount = serializers.IntegerField()
    lastExecutedAt = Moment(allow_null=True)
    createdBy = serializers.IntegerField(allow_null=True)
    createdAt = Moment()
    updatedAt = Moment()

    def to_representation(self, instance: Workflow) -> dict[str, Any]:
        return workflow_json(instance)


class WorkflowEnvelope(serializers.Serializer[Any]):
    workflow = WorkflowSerializer()


class ActionTypeSerializer(serializers.Serializer[Any]):
    type = serializers.CharField()
    description = serializers.CharField()
    transactional = serializers.BooleanField(help_text="Its effects and its step land together, exactly once.")
    schema = Object(help_text="The JSON Schema of its config.")
