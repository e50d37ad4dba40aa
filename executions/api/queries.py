"""The query of a list of executions: filters, order and page, each from an allow-list."""

from typing import Any

from rest_framework import serializers

from executions.history import COLUMNS
from executions.states import ExecutionStatus
from workspaces.api.fields import Choice, Moment
from workspaces.api.pages import DEFAULT_LIMIT, MAX_LIMIT

MAX_OFFSET = 1_000_000_000
MAX_CURSOR_CHARACTERS = 300


class HistoryQuery(serializers.Serializer[Any]):
    status = serializers.MultipleChoiceField(
        choices=[*ExecutionStatus],
        required=False,
        help_text="One of these; repeatable.",
        error_messages={"invalid_choice": f"Give one of {', '.join(ExecutionStatus)}."},
    )
    triggerType = serializers.CharField(required=False, max_length=64, help_text="What started them.")
    sortBy = Choice(
        [*COLUMNS], required=False, help_text="By createdAt, or by startedAt where `from` or `to` is given."
    )
    sortOrder = Choice(["desc", "asc"], default="desc")
    offset = serializers.IntegerField(min_value=0, max_value=MAX_OFFSET, default=0)
    limit = serializers.IntegerField(min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT)
    cursor = serializers.CharField(
        required=False,
        max_length=MAX_CURSOR_CHARACTERS,
        help_text="The `nextCursor` of a page, in the same order: what comes after it, however deep that is.",
    )

    def get_fields(self) -> Any:
        """`from` is a word of Python's."""
        fields = super().get_fields()
        fields["from"] = Moment(required=False, help_text="Those that started then or later.")
        fields["to"] = Moment(required=False, help_text="Those that started then or earlier.")
        return fields

    def validate(self, attrs: Any) -> Any:
        if attrs.get("cursor") and attrs["offset"]:
            raise serializers.ValidationError({"cursor": ["Give a cursor or an offset, not both."]})
        if "from" in attrs and "to" in attrs and attrs["from"] > attrs["to"]:
            raise serializers.ValidationError({"from": ["Give a time that isn't after `to`."]})
        return attrs


class OneExecutionQuery(HistoryQuery):
    executionId = serializers.UUIDField(required=False, help_text="This one alone.")
