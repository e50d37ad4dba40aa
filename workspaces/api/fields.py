"""The form that bodies have in this API: no field that isn't declared, times in UTC."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from rest_framework import serializers

MOST = 2_147_483_647


class Body(serializers.Serializer[Any]):
    """A request's body; a field that it doesn't have is a mistake, and said to be one."""

    default_error_messages = {"invalid": "Send a JSON object."}

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := [name for name in data if name not in self.fields]):
            known = ", ".join(self.fields)
            fault = f"Unknown field; remove it or correct its spelling. Known: {known}."
            raise serializers.ValidationError({name[:100]: [fault] for name in unknown})
        return super().to_internal_value(data)


class Text(serializers.CharField):
    """Text alone: a number isn't one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("Give a text.")
        return str(super().to_internal_value(data))


class Flag(serializers.BooleanField):
    """True or false alone: 0 and "no" aren't either."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("Give true or false.")
        return data


class WholeNumber(serializers.IntegerField):
    """A number alone: neither a text nor true is one. No larger than both databases keep."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_value=MOST, **options)

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            raise serializers.ValidationError("Give a whole number.")
        return int(super().to_internal_value(data))


class Choice(serializers.ChoiceField):
    """Says what there is to choose from."""

    def __init__(self, choices: Any, **options: Any) -> None:
        super().__init__(choices, **options)
        self.error_messages["invalid_choice"] = f"Give one of {', '.join(map(str, self.choices))}."


class Moment(serializers.DateTimeField):
    """ISO 8601 in UTC with `Z`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(default_timezone=UTC, **options)
