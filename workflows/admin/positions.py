"""Where in a JSON text a path leads: from `actions[2].config.url` to its line."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from workflows.documents import join

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_LAST_PART = re.compile(r"(?:\[\d+\]|\.[^.\[\]]*|^[^.\[]+)$")


class _Role(Enum):
    KEY = auto()
    VALUE = auto()
    END = auto()


@dataclass(slots=True)
class _Open:
    """An object or a list that the scanner is in. `path` is None where nothing is looked for."""

    path: str | None
    is_list: bool
    number: int = -1
    key: str = ""

    def here(self) -> str | None:
        """The path of what stands in it now."""
        if self.path is None:
            return None
        return f"{self.path}[{self.number}]" if self.is_list else join(self.path, self.key)


def lines_of(text: str, paths: Iterable[str]) -> dict[str, int]:
    """The line of each path, from 1: that of its key; of one that isn't there, that of the nearest part around it.

    The text needn't be whole: what comes before its first fault is found.
    """
    outwards = {path: list(_outwards(path)) for path in paths}
    found: dict[str, int] = {}
    for path, line in _places(text, {part for parts in outwards.values() for part in parts}):
        found.setdefault(path, line)
    return {path: next((found[part] for part in parts if part in found), 1) for path, parts in outwards.items()}


def repeated_line(text: str, name: str) -> int:
    """The line on which an object has this name for the second time; 1 if none has."""
    has_it: list[bool] = []
    for role, mark, line in _scan(text):
        if role is _Role.END:
            del has_it[-1:]
        elif mark in {"{", "["}:
            has_it.append(False)
        elif role is _Role.KEY and _key(mark) == name:
            if has_it[-1]:
                return line
            has_it[-1] = True
    return 1


def value_line(text: str, mark: str) -> int:
    """The line on which this number or word first stands as a value; 1 if it doesn't."""
    return next((line for role, found, line in _scan(text) if role is _Role.VALUE and found == mark), 1)


def _outwards(path: str) -> Iterator[str]:
    """The path, then those of what it is in: `a[1].b`, `a[1]`, `a` and the empty one, which is all of it."""
    while path:
        yield path
        part = _LAST_PART.search(path)
        path = path[: part.start()] if part else ""
    yield ""


def _places(text: str, wanted: set[str]) -> Iterator[tuple[str, int]]:
    """The wanted paths that there are, with their lines. Paths beside these aren't even made: there may be many."""
    stack: list[_Open] = []
    for role, mark, line in _scan(text):
        top = stack[-1] if stack else None
        if role is _Role.END:
            del stack[-1:]
            continue
        if role is _Role.KEY and top:
            top.key = _key(mark) if top.path is not None else ""
        elif top and top.is_list:
            top.number += 1
        here = top.here() if top else ""
        if here is not None and here in wanted and (role is _Role.KEY or top is None or top.is_list):
            yield here, line
        if mark in {"{", "["}:
            stack.append(_Open(here if here in wanted else None, is_list=mark == "["))


def _scan(text: str) -> Iterator[tuple[_Role, str, int]]:
    """Each key, each value as it begins, and each end of an object or a list, with its line."""
    brackets: list[str] = []
    is_key, line, last = False, 1, 0
    for token in _TOKEN.finditer(text):
        line, last = line + text.count("\n", last, token.start()), token.start()
        match mark := token[0]:
            case ",":
                is_key = brackets[-1:] == ["{"]
            case ":":
                is_key = False
            case "}" | "]":
                is_key = False
                del brackets[-1:]
                yield _Role.END, mark, line
            case "{" | "[":
                yield _Role.VALUE, mark, line
                brackets.append(mark)
                is_key = mark == "{"
            case _:
                yield _Role.KEY if is_key and brackets else _Role.VALUE, mark, line
                is_key = False


def _key(mark: str) -> str:
    try:
        return str(json.loads(mark, strict=False))
    except ValueError:
        return mark
