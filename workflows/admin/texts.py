"""JSON as people type it: read strictly, with each fault at its line."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from workflows.admin.positions import lines_of, repeated_line, value_line
from workflows.definition import DefinitionInvalid, Fault, parse, with_ids
from workflows.documents import MAX_DEPTH, DocumentError, Json, encode

MAX_NUMBER_CHARACTERS = 1_000
_LINE_ENDS = re.compile(r"\r\n?")


@dataclass(frozen=True, slots=True)
class Located:
    """Something wrong in a text: its `path` where it has one, the line from 1, and the message with the mend."""

    path: str
    line: int
    message: str


class TextInvalid(ValueError):
    """A text that isn't what it should be; `faults` are all that were found, the first line first."""

    def __init__(self, faults: list[Located]) -> None:
        super().__init__("; ".join(f"line {fault.line}: {fault.message}" for fault in faults[:20]))
        self.faults = sorted(faults, key=lambda fault: fault.line)


class _Repeated(ValueError):
    """An object has a name twice."""


def lines_ended(text: str) -> str:
    r"""With `\n` at the end of each line, whatever a form sent."""
    return _LINE_ENDS.sub("\n", text)


def pretty(document: Json) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)


def read(text: str) -> Json:
    """The document that the text is. Raises TextInvalid for one that couldn't be given back as it was typed."""
    document = _read(text)
    try:
        encode(document)
    except DocumentError as error:
        raise _located(text, [Fault(error.path, _sentence(error.message))]) from error
    return document


def read_object(text: str) -> dict[str, Json]:
    """As `read`, for what has to be an object."""
    document = read(text)
    if not isinstance(document, dict):
        raise TextInvalid([Located("", 1, 'Give an object, such as {"name": "value"}.')])
    return document


def read_definition(text: str) -> Json:
    """The definition that the text is. Raises TextInvalid with every fault that can be found before a run."""
    document = _read(text)
    try:
        parse(with_ids(document))
    except DefinitionInvalid as error:
        raise _located(text, error.faults) from error
    return document


def _read(text: str) -> Json:
    if not text.strip():
        raise TextInvalid([Located("", 1, "There is nothing here; write a JSON value.")])
    try:
        document: Json = json.loads(
            text, object_pairs_hook=_object, parse_float=_float, parse_int=_integer, parse_constant=_constant
        )
    except json.JSONDecodeError as error:
        message = f"This isn't JSON, at column {error.colno}: {_sentence(error.msg)}"
        raise TextInvalid([Located("", error.lineno, message)]) from error
    except _Repeated as error:
        name = str(error)
        message = f"The name {name[:100]!a} occurs twice in an object; remove one."
        raise TextInvalid([Located("", repeated_line(text, name), message)]) from error
    except RecursionError as error:
        raise TextInvalid([Located("", 1, f"Nested deeper than {MAX_DEPTH} levels.")]) from error
    except ValueError as error:
        number, message = error.args
        raise TextInvalid([Located("", value_line(text, number), message)]) from error
    return document


def _located(text: str, faults: Any) -> TextInvalid:
    lines = lines_of(text, [fault.path for fault in faults])
    return TextInvalid([Located(fault.path, lines[fault.path], fault.message) for fault in faults])


def _sentence(message: str) -> str:
    return f"{message[:1].upper()}{message[1:].rstrip('.')}."


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Repeated(Counter(name for name, _ in pairs).most_common(1)[0][0])
    return found


def _float(text: str) -> float:
    value = float(text)
    if len(text) > MAX_NUMBER_CHARACTERS or not _is_exactly(value, text):
        raise ValueError(
            text, f"{text[:50]} has more digits, or is further from 0, than a 64-bit number can keep; write it as text."
        )
    return value


def _is_exactly(value: float, text: str) -> bool:
    try:
        return Decimal(text) == Decimal(repr(value))
    except InvalidOperation:  # its exponent is too large even for a Decimal
        return False


def _integer(text: str) -> int:
    if len(text) > MAX_NUMBER_CHARACTERS:
        raise ValueError(text, f"{text[:50]}… is an integer beyond 64 bits; write it as text.")
    return int(text)


def _constant(text: str) -> float:
    raise ValueError(text, f"{text} isn't a JSON number; write null, or a number.")
