"""JSON read exactly: a text that couldn't be given back as it was written is refused, and the error says for what."""

import json
from collections import Counter
from decimal import Decimal, InvalidOperation
from typing import Any

MAX_NUMBER_CHARACTERS = 1_000


class NameRepeated(ValueError):
    """An object has a `name` twice, and readers disagree on which one counts."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the name {name[:100]!a} occurs twice in an object")
        self.name = name


class NumberRefused(ValueError):
    """`number` is as the text has it."""

    def __init__(self, number: str, message: str) -> None:
        super().__init__(message)
        self.number = number


class NotANumber(NumberRefused):
    """NaN or an infinity."""


class NumberBeyond(NumberRefused):
    """One that no 64-bit number is; as text it could be kept."""


def loads(text: str) -> Any:
    """What the text says. Raises the errors above, JSONDecodeError, and RecursionError where Python can't go as deep.

    Integers beyond 64 bits are left to `documents`, unless they are so long that to read them would take its time.
    """
    return json.loads(text, object_pairs_hook=_object, parse_float=_float, parse_int=_integer, parse_constant=_constant)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise NameRepeated(Counter(name for name, _ in pairs).most_common(1)[0][0])
    return found


def _float(text: str) -> float:
    value = float(text)
    if len(text) > MAX_NUMBER_CHARACTERS or not _is_exactly(value, text):
        message = f"{text[:50]} has more digits, or is further from 0, than a 64-bit number can keep"
        raise NumberBeyond(text, message)
    return value


def _is_exactly(value: float, text: str) -> bool:
    try:
        return Decimal(text) == Decimal(repr(value))
    except InvalidOperation:  # its exponent is too large even for a Decimal
        return False


def _integer(text: str) -> int:
    if len(text) > MAX_NUMBER_CHARACTERS:
        raise NumberBeyond(text, f"{text[:50]}… is an integer beyond 64 bits")
    return int(text)


def _constant(text: str) -> float:
    raise NotANumber(text, f"{text} isn't a JSON number")
