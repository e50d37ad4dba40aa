"""The key that every table here has: a UUIDv7, so that ids sort by creation. And a small object, as text."""

import json
from typing import Any
from uuid import UUID

import uuid_utils.compat
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


def uuid7() -> UUID:
    return uuid_utils.compat.uuid7()


class UUID7Key(models.UUIDField):  # type: ignore[type-arg]  # a field takes no type arguments when it runs
    """A primary key that is made in Python, since no database version we support makes UUIDv7 itself."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.update(primary_key=True, default=uuid7, editable=False)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        name, path, args, kwargs = super().deconstruct()
        for fixed in ("primary_key", "default", "editable"):
            del kwargs[fixed]
        return name, path, args, kwargs


class DetailsField(models.Field):  # type: ignore[type-arg]  # a field takes no type arguments when it runs
    """A JSON object in a column of text, as documents are."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "text"

    def get_prep_value(self, value: Any) -> str:
        return json.dumps(value)

    def from_db_value(self, value: str, *_: object) -> Any:
        return json.loads(value)
