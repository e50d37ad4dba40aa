"""The column that holds JSON."""

import json
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from workflows.documents import DocumentError, encode, inside


class DocumentField(models.Field):  # type: ignore[type-arg]  # a field takes no type arguments when it runs
    """JSON kept as the text it was: the order of keys too, on every database alike, which `jsonb` doesn't.

    None is NULL. What isn't JSON (see `documents.encode`) raises ValidationError when it is saved.
    """

    empty_strings_allowed = False

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "text"

    def from_db_value(self, value: str | None, *_: object) -> Any:
        return None if value is None else json.loads(value)

    def get_prep_value(self, value: Any) -> str | None:
        if value is None:
            return None
        try:
            return encode(value)
        except DocumentError as error:
            raise ValidationError({inside(self.name, error.path): f"{error.message}."}) from error

    def value_to_string(self, obj: models.Model) -> Any:
        """The value itself, since a dump of the database is JSON too."""
        return self.value_from_object(obj)
