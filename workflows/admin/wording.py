"""What a definition says of a step, in few words."""

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from workflows.actions.condition import ConditionConfig
from workflows.definition import Action, OnError
from workflows.documents import Json

SIGNS = {
    "equals": "=", "not_equals": "≠", "greater_than": ">", "less_than": "<",
    "greater_or_equal": "≥", "less_or_equal": "≤",
}  # fmt: skip
UNMET = {"stop": "ends the workflow", "skip_next": "skips the next step"}
_EXPRESSION = re.compile(r"\{\{(?:(?!\}\}).)*\}\}", re.DOTALL)
_UNITS = ((3_600_000, "h"), (60_000, "min"), (1_000, "s"), (1, "ms"))


def span(milliseconds: int) -> str:
    """Exactly: `400 ms`, `1.5 s`, `1 min 30 s`, `24 h`."""
    if 1_000 < milliseconds < 60_000:  # noqa: PLR2004 (a second, a minute)
        return f"{milliseconds / 1_000:g} s"
    said = []
    for size, unit in _UNITS:
        number, milliseconds = divmod(milliseconds, size)
        said += [f"{number} {unit}"] if number else []
    return " ".join(said) or "0 ms"


def on_error(action: Action) -> str:
    """`stop the workflow`, or when, how often and after how long it is tried again."""
    policy = action.retry_config
    if action.on_error is not OnError.RETRY:
        return "stop the workflow" if action.on_error is OnError.STOP else "continue with the next step"
    times = "once" if policy.max_retries == 1 else f"{policy.max_retries} times"
    if policy.backoff_multiplier == 1 or policy.max_retries == 1:
        return f"retry {times}, after {span(policy.delay_ms)}"
    grows = f"then {policy.backoff_multiplier:g} times longer, up to {span(policy.max_delay_ms)}"
    return f"retry {times}, after {span(policy.delay_ms)}, {grows}"


def decides(action: Action) -> str:
    """What a step of the type `condition` looks at, and what it does if that isn't so; empty for another."""
    if action.type != "condition":
        return ""
    try:
        config = ConditionConfig.model_validate(action.config)
    except ValidationError:  # it was saved under other rules
        return ""
    _, document = config.document()
    unmet = UNMET.get(config.on_false)
    return f"{condition(document)}{f'; if not, {unmet}' if unmet else ''}"


def condition(document: Json) -> str:
    """`trigger.total > 1000 and not (a or b)`."""
    match document:
        case str():
            return _bare(document)
        case (list() as parts) | {"all": list() as parts}:
            return _joined(parts, "and")
        case {"any": list() as parts}:
            return _joined(parts, "or")
        case {"not": part}:
            return f"not ({condition(part)})"
        case {"field": field, "operator": operator, **others}:
            return f"{_bare(str(field))} {_compared(str(operator), others)}"
    return json.dumps(document, ensure_ascii=False)


def _joined(parts: list[Json], word: str) -> str:
    said = [f"({condition(part)})" if _is_group(part) else condition(part) for part in parts]
    return f" {word} ".join(said if len(said) > 1 else [condition(part) for part in parts])


def _is_group(part: Json) -> bool:
    return isinstance(part, list) or (isinstance(part, dict) and ("all" in part or "any" in part))


def _compared(operator: str, others: Mapping[Any, Any]) -> str:
    sign = SIGNS.get(operator) or operator.replace("_", " ")
    return f"{sign} {_value(others['value'])}" if "value" in others else sign


def _value(value: Json) -> str:
    """An expression as it is, anything else as JSON."""
    is_expression = isinstance(value, str) and _EXPRESSION.fullmatch(value.strip())
    return _bare(str(value)) if is_expression else json.dumps(value, ensure_ascii=False)


def _bare(expression: str) -> str:
    return expression.strip().removeprefix("{{").removesuffix("}}").strip()


def wrapped(text: str, width: int, lines: int = 1) -> list[str]:
    """The text in lines of at most `width` columns, parted at spaces where there are any; the last one may be cut."""
    rest, found = " ".join(text.split()), list[str]()
    for number in range(lines):
        head = _fitting(rest, width)
        if head == rest or number == lines - 1:
            break
        space = head.rfind(" ")
        head = head[:space] if space > width // 2 else head
        found.append(head)
        rest = rest[len(head) :].strip()
    head = _fitting(rest, width)
    return [*found, head if head == rest else f"{_fitting(rest, width - 1).rstrip()}…"]


def columns(text: str) -> int:
    """How much room it takes: the letters of some scripts take two columns."""
    return sum(_columns(character) for character in text)


def _fitting(text: str, width: int) -> str:
    """As much of its beginning as has room."""
    for index, character in enumerate(text):
        width -= _columns(character)
        if width < 0:
            return text[:index]
    return text


def _columns(character: str) -> int:
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
