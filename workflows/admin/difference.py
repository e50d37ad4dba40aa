"""What changed from one text to another, line by line, with what stayed the same folded away."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import chain

CONTEXT = 3
"""So many unchanged lines are shown around each change."""
MOST_COMPARED = 2_000
"""Of more lines than that between the first change and the last, all count as changed: to pair them takes too long."""

type Opcode = tuple[str, int, int, int, int]


class Kind(StrEnum):
    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"
    FOLDED = "folded"


@dataclass(frozen=True, slots=True)
class Row:
    """A line with its numbers in both texts; of a FOLDED stretch `text` says how many lines that is."""

    kind: Kind
    text: str
    before: int | None = None
    after: int | None = None

    @property
    def mark(self) -> str:
        return {Kind.ADDED: "+", Kind.REMOVED: "-"}.get(self.kind, "")


@dataclass(frozen=True, slots=True)
class Difference:
    rows: list[Row]
    added: int
    removed: int

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)


def difference(before: str, after: str) -> Difference:
    """Empty for two texts that are the same."""
    old, new = before.splitlines(), after.splitlines()
    opcodes = list(_opcodes(old, new))
    rows = list(chain.from_iterable(_rows(opcode, old, new) for opcode in opcodes)) if old != new else []
    counts = [sum(row.kind is kind for row in rows) for kind in (Kind.ADDED, Kind.REMOVED)]
    return Difference(rows, *counts)


def _opcodes(old: Sequence[str], new: Sequence[str]) -> Iterator[Opcode]:
    """Those of difflib; what is the same at both ends isn't given to it, since its time grows with the square."""
    head = _shared(old, new)
    tail = _shared(old[head:][::-1], new[head:][::-1])
    middle_old, middle_new = old[head : len(old) - tail], new[head : len(new) - tail]
    if head:
        yield "equal", 0, head, 0, head
    for tag, i1, i2, j1, j2 in _between(middle_old, middle_new):
        yield tag, head + i1, head + i2, head + j1, head + j2
    if tail:
        yield "equal", len(old) - tail, len(old), len(new) - tail, len(new)


def _between(old: Sequence[str], new: Sequence[str]) -> Sequence[Opcode]:
    if max(len(old), len(new)) > MOST_COMPARED:
        return [("replace", 0, len(old), 0, len(new))]
    return SequenceMatcher(None, old, new).get_opcodes()


def _shared(old: Sequence[str], new: Sequence[str]) -> int:
    """How many lines at the beginning are the same."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((index for index, (one, other) in pairs if one != other), min(len(old), len(new)))


def _rows(opcode: Opcode, old: Sequence[str], new: Sequence[str]) -> Iterator[Row]:
    tag, i1, i2, j1, j2 = opcode
    if tag == "equal":
        yield from _unchanged(old, new, opcode)
        return
    for index in range(i1, i2):
        yield Row(Kind.REMOVED, old[index], before=index + 1)
    for index in range(j1, j2):
        yield Row(Kind.ADDED, new[index], after=index + 1)


def _unchanged(old: Sequence[str], new: Sequence[str], opcode: Opcode) -> Iterator[Row]:
    _, i1, i2, j1, j2 = opcode
    first = i1 + (CONTEXT if i1 or j1 else 0)
    last = i2 - (CONTEXT if i2 < len(old) or j2 < len(new) else 0)
    folded = last - first if last - first > 1 else 0
    for index in range(i1, i2):
        if folded and first <= index < last:
            if index == first:
                yield Row(Kind.FOLDED, f"{folded} unchanged lines")
        else:
            yield Row(Kind.SAME, old[index], before=index + 1, after=index - i1 + j1 + 1)
