"""JSON as people read it: indented, and bounded, with a way to all of it."""

import json
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet, TextField
from django.db.models.functions import Length, Substr

from workflows.documents import Json

MOST_CHARACTERS = 32_768
"""Of one document on a page."""
MOST_OF_ALL = 1_048_576
"""Of those of one kind, over all steps of a page."""
LEAST_CHARACTERS = 2_048


@dataclass(frozen=True, slots=True)
class Document:
    """What is shown of a JSON value: all of it, indented; or its beginning as it is kept, when it `is_cut`."""

    text: str
    size: int
    is_cut: bool


def limit_for(count: int) -> int:
    """How many characters of each of `count` documents a page shows."""
    return max(LEAST_CHARACTERS, min(MOST_CHARACTERS, MOST_OF_ALL // max(1, count)))


def bounded(rows: QuerySet[Any], names: tuple[str, ...], limit: int) -> QuerySet[Any]:
    """Reads no more than `limit` characters of each of these documents: for `document`."""
    for name in names:
        beginning = Substr(name, 1, limit, output_field=TextField())
        rows = rows.annotate(**{f"{name}_size": Length(name), f"{name}_text": beginning})
    return rows.defer(*names)


def document(row: Any, name: str) -> Document | None:
    """That of a row read by `bounded`; None when it has none."""
    text, size = getattr(row, f"{name}_text"), getattr(row, f"{name}_size")
    if text is None:
        return None
    is_cut = size > len(text)
    return Document(text if is_cut else pretty(json.loads(text)), size, is_cut)


def shown(value: Json) -> Document | None:
    """Of a value that was read already."""
    if value is None:
        return None
    text = pretty(value)
    return Document(text[:LEAST_CHARACTERS], len(text), is_cut=len(text) > LEAST_CHARACTERS)


def pretty(value: Json) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
