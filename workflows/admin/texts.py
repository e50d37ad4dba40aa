"""JSON as people type it: read strictly, with each fault at its line."""

import json
import re
from dataclasses import dataclass
from typing import Any

from workflows import exact
from workflows.admin.positions import lines_of, repeated_line, value_line
from workflows.definition import DefinitionInvalid, Fault, parse, with_ids
from workflows.documents import MAX_DEPTH, DocumentError, Json, encode

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
        document: Json = exact.loads(text)
    except json.JSONDecodeError as error:
        message = f"This isn't JSON, at column {error.colno}: {_sentence(error.msg)}"
        raise TextInvalid([Located("", error.lineno, message)]) from error
    except exact.NameRepeated as error:
        line = repeated_line(text, error.name)
        raise TextInvalid([Located("", line, _sentence(f"{error}; remove one"))]) from error
    except RecursionError as error:
        raise TextInvalid([Located("", 1, f"Nested deeper than {MAX_DEPTH} levels.")]) from error
    except exact.NumberRefused as error:
        mend = "write null, or a number" if isinstance(error, exact.NotANumber) else "write it as text"
        raise TextInvalid([Located("", value_line(text, error.number), f"{error}; {mend}.")]) from error
    return document


def _located(text: str, faults: Any) -> TextInvalid:
    lines = lines_of(text, [fault.path for fault in faults])
    return TextInvalid([Located(fault.path, lines[fault.path], fault.message) for fault in faults])


def _sentence(message: str) -> str:
    return f"{message[:1].upper()}{message[1:].rstrip('.')}."
