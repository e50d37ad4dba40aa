"""What pydantic finds, in words for a person: where, what is wrong, and the mend."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from workflows.documents import MAX_KEY_SHOWN, inside, join

MAX_READ = 10_000
_WANTED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "none_required": "null",
    "datetime_type": "an ISO 8601 time with its offset, such as 2026-01-31T09:00:00Z",
}
_MENDS = {
    "missing": "This field is required.",
    "extra_forbidden": "Unknown field; remove it or correct its spelling.",
    "string_too_short": "Give {min_length:,} or more characters.",
    "too_short": "Give {min_length:,} or more items.",
    "string_too_long": "Give {max_length:,} characters at most.",
    "too_long": "Give {max_length:,} items at most.",
    "greater_than_equal": "Give {ge:,} or more.",
    "less_than_equal": "Give {le:,} or less.",
    "literal_error": "Give {expected}.",
    "enum": "Give {expected}.",
    "union_tag_not_found": "Give its {discriminator}.",
    "union_tag_invalid": "Give {expected_tags} as its {discriminator}.",
    "timezone_aware": "Give a time with its offset, such as 2026-01-31T09:00:00Z.",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong in a definition: `path` (`actions[2].config.url`), and `message` with the mend."""

    path: str
    message: str

    def inside(self, path: str) -> "Fault":
        """The same fault, seen from further out."""
        return Fault(inside(path, self.path), self.message)


def worded(error: ValidationError, value: Any, *, leave_templates: bool = False) -> list[Fault]:
    """One fault for each place in `value`, whatever branches of a union were tried there.

    With `leave_templates`, a text with an expression is no fault where a field is known: what it will be is checked
    when the step runs.
    """
    if (count := error.error_count()) > MAX_READ:
        return [Fault("", f"{count:,} values don't fit; begin with the form of the whole.")]
    found: dict[tuple[str | int, ...], list[Mapping[str, Any]]] = {}
    for detail in error.errors(include_url=False, include_input=False):
        place, there = _place(value, detail["loc"], is_missing=detail["type"] == "missing")
        is_known = detail["type"] != "extra_forbidden"
        if not (leave_templates and is_known and isinstance(there, str) and "{{" in there):
            found.setdefault(place, []).append(detail)
    outer = {place[:length] for place in found for length in range(len(place))}
    return list(_faults(found, outer))


def _place(value: Any, location: Sequence[str | int], *, is_missing: bool) -> tuple[tuple[str | int, ...], Any]:
    """The parts of `location` that lead somewhere in `value`, since pydantic also names branches; and what is there."""
    place: list[str | int] = []
    for part in location:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            continue
        place.append(part)
    return (*place, *(location[-1:] if is_missing else ())), value


def _faults(
    found: Mapping[tuple[str | int, ...], Sequence[Mapping[str, Any]]], outer: set[tuple[str | int, ...]]
) -> Iterator[Fault]:
    """Of a place with faults further in it, the type was right; and its length is counted without what is at fault."""
    for place, details in found.items():
        wanted = list(dict.fromkeys(_WANTED[detail["type"]] for detail in details if detail["type"] in _WANTED))
        others = [detail for detail in details if not (detail["type"] == "too_short" and place in outer)]
        mends = [_mend(detail["type"], detail["msg"], detail.get("ctx", {})) for detail in others]
        if messages := dict.fromkeys(mend for mend in mends if mend):
            yield Fault(_path(place), " Or: ".join(messages))
        elif place not in outer:
            yield Fault(_path(place), f"Give {_either(wanted)}.")


def _path(place: Iterable[str | int]) -> str:
    path = ""
    for part in place:
        path = f"{path}[{part}]" if isinstance(part, int) else join(path, part[:MAX_KEY_SHOWN])
    return path


def _either(choices: Sequence[str]) -> str:
    return " or ".join(filter(None, [", ".join(choices[:-1]), choices[-1]]))


def _mend(kind: str, message: str, context: Mapping[str, Any]) -> str | None:
    """What to do about it, or None for a value of the wrong type: those are gathered."""
    if kind in _WANTED:
        return None
    if kind in _MENDS:
        return _MENDS[kind].format_map({name: _whole(value) for name, value in context.items()})
    plain = message.removeprefix("Value error, ").replace("Input should be", "It should be")
    return plain if plain.endswith(".") else f"{plain}."


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value
