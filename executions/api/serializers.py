"""What comes in and goes out about executions; the JSON itself is `executions.representation`'s."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from executions.states import ExecutionStatus, StepStatus, WaitingFor
from workflows.api.serializers import Object, TriggerField
from workflows.models import WorkflowStatus
from workspaces.api.fields import Body, Flag, Moment

MAX_VARIABLE_NAME = 200


@extend_schema_serializer(
    examples=[
        OpenApiExample("With data", {"triggerData": {"name": "Ada", "plan": "pro"}}, request_only=True),
        OpenApiExample(
            "A dry run, with another variable", {"variables": {"team": "support"}, "dryRun": True}, request_only=True
        ),
    ]
)
class ExecuteInput(Body):
    triggerData = serializers.JSONField(
        required=False, allow_null=True, default=None, help_text="Any JSON; `trigger` in expressions."
    )
    variables = Object(required=False, default=None, help_text="Go over the definition's own.")
    dryRun = Flag(required=False, default=False, help_text="Only says what it would do.")

    def validate_variables(self, value: Any) -> Any:
        if value is not None and not isinstance(value, dict):
            raise serializers.ValidationError("Give an object.")
        return value


class ErrorSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()
    details = serializers.JSONField(required=False)
    traceback = serializers.CharField(required=False, help_text="To admins only.")


class AttemptSerializer(serializers.Serializer[Any]):
    attempt = serializers.IntegerField()
    error = ErrorSerializer()


class StepSerializer(serializers.Serializer[Any]):
    stepId = serializers.UUIDField()
    path = serializers.CharField(help_text="The place in the definition.")
    actionId = serializers.CharField()
    actionType = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    status = serializers.ChoiceField([*StepStatus])
    attempt = serializers.IntegerField()
    attempts = serializers.JSONField(help_text="The attempts that failed before the latest, oldest first.")
    input = serializers.JSONField(help_text="The config as it was rendered.")
    output = serializers.JSONField()
    error = ErrorSerializer(allow_null=True)
    log = serializers.JSONField()
    startedAt = Moment(allow_null=True)
    completedAt = Moment(allow_null=True)
    durationMs = serializers.IntegerField(allow_null=True)


class WaitingSerializer(serializers.Serializer[Any]):
    type = serializers.ChoiceField([*WaitingFor])
    until = Moment(allow_null=True)


class ExecutionSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    workflowId = serializers.UUIDField()
    workspaceId = serializers.UUIDField()
    workflowVersion = serializers.IntegerField()
    status = serializers.ChoiceField([*ExecutionStatus])
    triggeredBy = serializers.IntegerField(allow_null=True)
    triggerType = serializers.CharField()
    triggerData = serializers.JSONField()
    variables = Object()
    steps = StepSerializer(many=True)
    error = ErrorSerializer(allow_null=True)
    createdAt = Moment()
    startedAt = Moment(allow_null=True)
    completedAt = Moment(allow_null=True)
    durationMs = serializers.IntegerField(allow_null=True)
    isSimulation = serializers.BooleanField()
    resumedFrom = serializers.UUIDField(
        allow_null=True, help_text="The execution with whose steps this one begins, if it was resumed."
    )
    waitingFor = WaitingSerializer(allow_null=True)


class WorkflowContext(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    trigger = TriggerField()
    status = serializers.ChoiceField(WorkflowStatus.choices)


class ExecutionInContextSerializer(ExecutionSerializer):
    workflow = WorkflowContext()


class DetailedExecutionSerializer(ExecutionInContextSerializer):
    resumedAs = serializers.UUIDField(
        allow_null=True, help_text="The execution that goes on with this one, if it was resumed."
    )


class SummarySerializer(serializers.Serializer[Any]):
    totalSteps = serializers.IntegerField()
    successfulSteps = serializers.IntegerField()
    failedSteps = serializers.IntegerField()
    skippedSteps = serializers.IntegerField()


class HistoricalExecutionSerializer(ExecutionInContextSerializer):
    executionSummary = SummarySerializer()


class ProgressSerializer(serializers.Serializer[Any]):
    totalSteps = serializers.IntegerField()
    completedSteps = serializers.IntegerField()
    successfulSteps = serializers.IntegerField()
    failedSteps = serializers.IntegerField()
    skippedSteps = serializers.IntegerField()
    runningSteps = serializers.IntegerField()
    percentage = serializers.IntegerField(min_value=0, max_value=100)


class TimingSerializer(serializers.Serializer[Any]):
    startedAt = Moment(allow_null=True)
    completedAt = Moment(allow_null=True)
    durationMs = serializers.IntegerField(allow_null=True)
    isRunning = serializers.BooleanField()
