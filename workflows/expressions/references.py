"""Where a value lies in the scope of an execution, and the errors of everything that looks there."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from workflows.documents import Json

SECRETS = "secrets"
ROOTS = ("trigger", "steps", "step", "variables", "execution", "workflow", SECRETS)
MAX_KEYS_SHOWN = 10
_KINDS: dict[type, str] = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "an object",
}
_PLAIN_KEY = re.compile(r"(?![0-9]++(?![\w-]))\w++(?:-++\w++)*+")


class ExpressionError(Exception):
    """An expression that can't be used. `message` names it, says what is wrong and how to mend it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class EvaluationError(ExpressionError):
    """An expression that parses but gives no JSON value in this scope."""


@dataclass(frozen=True, slots=True)
class Reference:
    """`steps.fetch.output.items[0]` is root `steps` and keys `("fetch", "output", "items", 0)`."""

    root: str
    keys: tuple[str | int, ...]

    def __str__(self) -> str:
        return self.root + "".join(map(_written, self.keys))


class MissingValue(EvaluationError):
    """There is nothing at `reference` in this scope."""

    def __init__(self, message: str, reference: Reference) -> None:
        super().__init__(message)
        self.reference = reference


def _written(key: str | int) -> str:
    if isinstance(key, str) and _PLAIN_KEY.fullmatch(key):
        return f".{key}"
    return f"[{json.dumps(key, ensure_ascii=False)}]"


def resolve(reference: Reference, scope: Mapping[str, Json]) -> Json:
    """The value at `reference`, itself and not a copy. A number is an index of a list or a key of an object.

    Raises MissingValue, which says what there is instead.
    """
    try:
        value = scope[reference.root]
    except KeyError:
        raise MissingValue(f"there is no {reference.root} here; there are: {_listed(scope)}", reference) from None
    for depth, key in enumerate(reference.keys):
        try:
            if isinstance(value, dict):
                value = value[str(key)]
            elif isinstance(value, list) and isinstance(key, int):
                value = value[key]
            else:
                raise MissingValue(_absence(reference, depth, value), reference)
        except LookupError:
            raise MissingValue(_absence(reference, depth, value), reference) from None
    return value


def _absence(reference: Reference, depth: int, container: Json) -> str:
    key = reference.keys[depth]
    holder = Reference(reference.root, reference.keys[:depth])
    name = f"'{shorten(str(key))}'"
    match container:
        case dict():
            hint = f" (a subtraction needs spaces: 'a - b', not {name})" if "-" in str(key) else ""
            return f"{holder} has no {name}{hint}; it has: {_listed(container)}"
        case list() if isinstance(key, int):
            return f"{holder} has no item {key}; it has {len(container)}, counted from 0"
        case list():
            return f"{holder} is a list, so it has no {name}; take one item first, as in {holder}[0]"
        case None if reference.root == "step" and depth == 1:
            return f"{holder} hasn't run, so it has no {name}"
    return f"{holder} is {kind(container)}, so it has no {name}"


def _listed(container: Mapping[str, Json]) -> str:
    names = [shorten(name) for name in sorted(container)[:MAX_KEYS_SHOWN]]
    rest = len(container) - len(names)
    return ", ".join(names) + (f" and {rest} more" if rest else "") or "nothing"


def kind(value: Json) -> str:
    """What JSON calls this value: `a number`, `an object`, …"""
    return _KINDS.get(type(value)) or f"a {type(value).__name__}, which isn't JSON"


def shorten(text: str, limit: int = 60) -> str:
    """At most `limit` characters of one line, safe to print: control characters and lone surrogates are escaped."""
    head = text if len(text) <= limit else f"{text[: limit - 1]}…"
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in head)
