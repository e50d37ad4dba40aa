"""The bodies, parameters and headers of the executions' routes, as the OpenAPI document has them."""

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from executions.api.preferences import MAX_WAIT_SECONDS
from executions.api.serializers import (
    DetailedExecutionSerializer,
    ExecutionSerializer,
    HistoricalExecutionSerializer,
    ProgressSerializer,
    TimingSerializer,
)
from executions.states import ExecutionStatus
from workspaces.api.operations import holding
from workspaces.api.pages import MAX_LIMIT

STATUS = holding(
    "ExecutionStatus",
    execution=DetailedExecutionSerializer(),
    progress=ProgressSerializer(),
    timing=TimingSerializer(),
)
LATEST = holding(
    "LatestExecution",
    execution=DetailedExecutionSerializer(allow_null=True, help_text="Null when there was none yet."),
    progress=ProgressSerializer(required=False),
    message=serializers.CharField(required=False, help_text="When there was none yet."),
)
CANCELLED = holding(
    "CancelledExecution",
    success=serializers.BooleanField(),
    execution=DetailedExecutionSerializer(),
    message=serializers.CharField(),
)

PAGINATION = holding(
    "Pagination",
    total=serializers.IntegerField(min_value=0),
    totalIsEstimate=serializers.BooleanField(required=False, help_text="True above 10,000 of a filtered list."),
    offset=serializers.IntegerField(min_value=0),
    limit=serializers.IntegerField(min_value=1, max_value=MAX_LIMIT),
    hasMore=serializers.BooleanField(),
    nextCursor=serializers.CharField(allow_null=True, help_text="Leads to the next page, if there is one."),
)
STATISTICS = holding(
    "Statistics",
    total=serializers.IntegerField(min_value=0),
    byStatus=holding(
        "CountsByStatus", **{status.value: serializers.IntegerField(min_value=0) for status in ExecutionStatus}
    )(),
    successRate=serializers.FloatField(
        allow_null=True, min_value=0, max_value=100, help_text="The percentage of COMPLETED among those that ended."
    ),
    averageDurationMs=serializers.IntegerField(
        allow_null=True, min_value=0, help_text="Of those that are COMPLETED, FAILED or TIMEOUT."
    ),
)
EXECUTIONS = holding(
    "Executions", executions=ExecutionSerializer(many=True), pagination=PAGINATION(), statistics=STATISTICS()
)
HISTORY = holding(
    "History",
    executions=HistoricalExecutionSerializer(many=True, required=False),
    pagination=PAGINATION(required=False),
    execution=HistoricalExecutionSerializer(required=False, help_text="Instead of a page, with `executionId`."),
)

_SECONDS = {"type": "integer", "minimum": 0, "maximum": MAX_WAIT_SECONDS}
WAIT = OpenApiParameter("wait", _SECONDS, description="How many seconds to wait for the end.")
PREFER = OpenApiParameter("Prefer", str, "header", description="`wait=10` (RFC 7240) waits like `?wait=10`.")
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]*$"},
    "header",
    description="The same key and body give the same execution, however often they are sent.",
)
LOCATION = OpenApiParameter(
    "Location", str, "header", description="Where its status is.", response=[200, 202], required=True
)
APPLIED = OpenApiParameter(
    "Preference-Applied", str, "header", description="`wait=N`, when it was asked for.", response=[200, 202]
)
REPLAYED = OpenApiParameter(
    "Idempotency-Replayed", str, "header", description="`true` when the key had started it before.", response=[200, 202]
)
