"""What may go into the expression engine and what may come out: plain, small JSON."""

import math
from datetime import datetime, timedelta

from workflows.documents import MAX_DEPTH, MAX_INTEGER, Json
from workflows.expressions.faults import EngineError
from workflows.expressions.functions import MAX_TEXT

MAX_CONTEXT = 256 * 1024
MAX_RESULT_DEPTH = 2 * MAX_DEPTH
_NODE_SIZE = 16
_SLOT_SIZE = 8


def check_values(values: list[tuple[Json, int]]) -> None:
    """Raises EngineError unless each value (with how often it is used) is small, shallow, plain JSON."""
    budget = MAX_CONTEXT
    for value, uses in values:
        budget -= uses * _size(value, budget // max(uses, 1))
        if budget < 0:
            raise EngineError(
                f"its values are larger than {MAX_CONTEXT // 1024} KiB; name the parts it needs, not more"
            )


def _size(root: Json, budget: int) -> int:
    """The size in bytes, about; stops counting once it is past the budget."""
    size = 0
    stack: list[tuple[Json, int]] = [(root, 0)]
    while stack and size <= budget:
        value, depth = stack.pop()
        size += _NODE_SIZE
        if depth > MAX_DEPTH:
            raise EngineError(f"a value nested deeper than {MAX_DEPTH} levels")
        if isinstance(value, dict):
            size += sum(map(_text_size, value)) + _SLOT_SIZE * len(value)
            stack.extend((item, depth + 1) for item in value.values())
        elif isinstance(value, list):
            size += _SLOT_SIZE * len(value)
            stack.extend((item, depth + 1) for item in value if size <= budget)
        else:
            size += _scalar_size(value)
    return size


def _scalar_size(value: object) -> int:
    match value:
        case str():
            return _text_size(value)
        case None | bool() | float():
            return 0
        case int() if -MAX_INTEGER - 1 <= value <= MAX_INTEGER:
            return 0
        case int():
            raise EngineError("an integer beyond 64 bits; keep it as text")
    raise EngineError(f"a value of type {type(value).__name__}, which isn't JSON")


def _text_size(text: object) -> int:
    if not isinstance(text, str):
        raise EngineError(f"a key of type {type(text).__name__}; keys are text")
    if len(text) > MAX_TEXT:
        raise EngineError(f"a text of {len(text):,} characters; at most {MAX_TEXT:,} can be computed with")
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise EngineError("a text with a lone surrogate, which isn't Unicode") from error
    if "\x00" in text:
        raise EngineError("a text with a NUL character")
    return size


def as_json(value: object, depth: int = 0) -> Json:
    """Keys come sorted: CEL forgets their order, and a recorded value mustn't differ from run to run."""
    if depth > MAX_RESULT_DEPTH:
        raise EngineError(f"its result is nested deeper than {MAX_RESULT_DEPTH} levels")
    match value:
        case None | bool() | str():
            return value
        case int() if value <= MAX_INTEGER:
            return value
        case float() if math.isfinite(value):
            return value
        case list():
            return [as_json(item, depth + 1) for item in value]
        case dict() if all(isinstance(key, str) for key in value):
            return {key: as_json(value[key], depth + 1) for key in sorted(value)}
    raise EngineError(_not_json(value))


def _not_json(value: object) -> str:
    match value:
        case datetime() | timedelta():
            return "its result is a time, which JSON doesn't have; write string(…)"
        case int() | float():
            return f"its result is {value}, which isn't a JSON number"
        case dict():
            return "its result is an object with keys that aren't text; put the keys in quotes"
        case bytes() | bytearray():
            return "its result is bytes, which JSON doesn't have; write string(…)"
    return "its result is a type, which JSON doesn't have; compare it, as in type(x) == string"
