"""A JSON text in the page's editor: what was typed, what is wrong with it and on which line."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workflows.actions.registry import ACTIONS, ActionType
from workflows.admin.drawing import Drawing, draw, place_of
from workflows.admin.positions import lines_of
from workflows.admin.texts import Located, pretty
from workflows.definition import Definition
from workflows.documents import Json

MOST_COLUMNS = 160
FIRST: Json = {
    "trigger": {"type": "manual"},
    "variables": {"recipient": "ada"},
    "actions": [
        {"id": "pause", "name": "Wait a moment", "type": "wait", "config": {"durationMs": 1000}},
        {
            "id": "tell",
            "name": "Tell somebody",
            "type": "send_notification",
            "config": {"recipient": "{{ variables.recipient }}", "message": "Hello from {{ workflow.name }}"},
        },
    ],
}
"""What a new workflow begins with."""


@dataclass(frozen=True, slots=True)
class Editor:
    """`version`: the number of the one that the text began as; None for a text that has none."""

    text: str
    version: int | None = None
    faults: Sequence[Located] = ()
    notice: str = ""

    @property
    def line_count(self) -> int:
        return self.text.count("\n") + 1

    @property
    def numbers(self) -> str:
        return "\n".join(map(str, range(1, self.line_count + 1)))

    @property
    def columns(self) -> int:
        return min(MOST_COLUMNS, max(map(len, self.text.split("\n"))) + 2)

    @property
    def faulty_lines(self) -> list[int]:
        return sorted({fault.line for fault in self.faults})


@dataclass(frozen=True, slots=True)
class Field:
    """Of an action's config, as its JSON Schema describes it."""

    name: str
    type: str
    is_required: bool
    description: str


@dataclass(frozen=True, slots=True)
class Hint:
    """An action type that a definition may use."""

    name: str
    description: str
    fields: list[Field]


def editor_of(document: Json, version: int | None = None) -> Editor:
    return Editor(pretty(document), version)


def drawing_of(definition: Definition, text: str) -> Drawing:
    """Its drawing, of which each step knows its line in the text."""
    return draw(definition, lines_of(text, map(place_of, range(len(definition.actions)))))


def hints() -> list[Hint]:
    return [_hint(ACTIONS[name]) for name in sorted(ACTIONS)]


def _hint(action: ActionType) -> Hint:
    schema = action.json_schema()
    required = schema.get("required", [])
    fields = [
        Field(name, _kind(part, schema.get("$defs", {})), name in required, part.get("description", ""))
        for name, part in schema.get("properties", {}).items()
    ]
    return Hint(action.name, action.description, fields)


def _kind(part: dict[str, Any], parts: dict[str, Any], depth: int = 0) -> str:
    """In a few words: `string`, `list of string`, `"HIGH" or "LOW"`; what is deeper goes by its name."""
    if "$ref" in part:
        name = part["$ref"].rsplit("/", 1)[-1]
        found = parts.get(name, {})
        return _kind(found, parts, depth + 1) if depth < 2 and "properties" not in found else "object"  # noqa: PLR2004 (deep enough)
    for word in ("anyOf", "oneOf"):
        if word in part:
            return " or ".join(dict.fromkeys(_kind(each, parts, depth) for each in part[word]))
    if "enum" in part:
        return " or ".join(f'"{choice}"' for choice in part["enum"])
    if "const" in part:
        return f'"{part["const"]}"'
    kind: str = part.get("type", "any")
    return f"list of {_kind(part.get('items', {}), parts, depth)}" if kind == "array" else kind
