"""The operators of a condition: comparisons of two JSON values that never convert one type into another."""

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from workflows.documents import Json
from workflows.expressions.engine import matches
from workflows.expressions.references import kind


class Absent:
    """What a field has that isn't there; not the same as null."""


ABSENT: Final = Absent()


class ComparisonError(ValueError):
    """Two values that can't be compared so. The message says why, and the mend."""


def same(left: Json, right: Json) -> bool:
    """Deep equality as JSON has it: 1 and 1.0 are the same, true and 1 are not, nor are "5" and 5."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return left == right


def contains(container: Json, wanted: Json) -> bool:
    """A text in a text, a value in a list, a key in an object; nothing is in null."""
    match container:
        case None:
            return False
        case list():
            return any(same(item, wanted) for item in container)
        case str() if isinstance(wanted, str):
            return wanted in container
        case dict() if isinstance(wanted, str):
            return wanted in container
    raise ComparisonError(f"{kind(container)} can't contain {kind(wanted)}; look for a text in a text, or in a list")


def within(wanted: Json, options: Json) -> bool:
    if not isinstance(options, list):
        raise ComparisonError(f"value is {kind(options)}; give a list of what is allowed")
    return any(same(wanted, option) for option in options)


def found(text: Json, pattern: Json) -> bool:
    """Whether the RE2 pattern occurs anywhere in the text; `^` and `$` anchor it."""
    if not isinstance(text, str) or not isinstance(pattern, str):
        raise ComparisonError(f"{kind(text)} can't match {kind(pattern)}; a text matches a pattern, which is a text")
    try:
        return matches(text, pattern)
    except ValueError as error:
        raise ComparisonError(str(error)) from error


def _ordering(compare: Callable[[Any, Any], bool]) -> Callable[[Json, Json], bool]:
    def ordered(left: Json, right: Json) -> bool:
        if (isinstance(left, str) and isinstance(right, str)) or (_is_number(left) and _is_number(right)):
            return compare(left, right)
        raise ComparisonError(f"{kind(left)} and {kind(right)} have no order; compare two numbers or two texts")

    return ordered


def _negated(compare: Callable[[Json, Json], bool]) -> Callable[[Json, Json], bool]:
    return lambda left, right: not compare(left, right)


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_empty(value: Json | Absent) -> bool:
    return value is ABSENT or value is None or value in ("", [], {})


ORDERINGS: Mapping[str, Callable[[Json, Json], bool]] = {
    "greater_than": _ordering(operator.gt),
    "less_than": _ordering(operator.lt),
    "greater_or_equal": _ordering(operator.ge),
    "less_or_equal": _ordering(operator.le),
}
COMPARISONS: Mapping[str, Callable[[Json, Json], bool]] = {
    "equals": same,
    "not_equals": _negated(same),
    **ORDERINGS,
    "contains": contains,
    "not_contains": _negated(contains),
    "in": within,
    "not_in": _negated(within),
    "matches": found,
}
PRESENCES: Mapping[str, Callable[[Json | Absent], bool]] = {
    "exists": lambda value: value is not ABSENT,
    "not_exists": lambda value: value is ABSENT,
    "is_empty": _is_empty,
    "is_not_empty": lambda value: not _is_empty(value),
}
NEEDS_FIELD = frozenset({*ORDERINGS, "matches"})


def value_fault(name: str, value: Json) -> str | None:
    """Why the comparison `name` can never take this value, or None when it may."""
    if name in ORDERINGS and not (_is_number(value) or isinstance(value, str)):
        return f"{kind(value)} has no order; give a number or a text"
    if name in ("in", "not_in") and not isinstance(value, list):
        return f"{kind(value)}; give a list of what is allowed"
    if name == "matches":
        try:
            found("", value)
        except ComparisonError as error:
            return str(error)
    return None
