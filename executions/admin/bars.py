"""Stacked bars side by side, one a unit of time, as geometry: in per cent of the drawing's width and height."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from executions.states import ExecutionStatus
from workspaces.admin.badges import look

FULL = 100
SHOWN = (
    ExecutionStatus.COMPLETED, ExecutionStatus.FAILED, ExecutionStatus.TIMEOUT, ExecutionStatus.CANCELLED,
    ExecutionStatus.RUNNING, ExecutionStatus.PENDING,
)  # fmt: skip
"""From the bottom of a bar up."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Of a bar: the executions of a unit that have one status."""

    look: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Slot:
    """A unit's place in a chart, and in it the bar. `says` is what it shows, in words."""

    x: float
    width: float
    bar_x: float
    bar_width: float
    says: str
    pieces: list[Piece]


@dataclass(frozen=True, slots=True)
class Label:
    x: float
    text: str


@dataclass(frozen=True, slots=True)
class Share:
    """Of all executions of a chart, those that have one status."""

    look: str
    word: str
    number: int


def slot(index: int, units: int, gap: float, says: str, pieces: list[Piece]) -> Slot:
    """`gap`: what part of the unit's width stays empty."""
    width = FULL / units
    x = index * width
    return Slot(rounded(x), rounded(width), rounded(x + width * gap / 2), rounded(width * (1 - gap)), says, pieces)


def stacked(counts: Mapping[str, int], top: int) -> Iterator[Piece]:
    """The pieces of a bar, on top of each other; `top` is the number that the whole height stands for."""
    below = 0
    for status in SHOWN:
        if number := counts.get(status, 0):
            below += number
            yield Piece(look(status), rounded(FULL - FULL * below / top), rounded(FULL * number / top))


def counted(counts: Mapping[str, int]) -> str:
    """`12 completed, 1 failed`."""
    said = [f"{counts[status]:,} {_word(status)}" for status in SHOWN if counts.get(status)]
    return ", ".join(said) or "none"


def labels(texts: Sequence[str], most: int, *, at: float) -> list[Label]:
    """Of some units, so that they have room beside each other; `at` says where in its unit, from 0 to 1."""
    width = FULL / len(texts)
    shown = range(0, len(texts), ceil(len(texts) / most))
    return [Label(rounded((index + at) * width), texts[index]) for index in shown]


def share(status: ExecutionStatus, number: int) -> Share:
    return Share(look(status), _word(status), number)


def _word(status: ExecutionStatus) -> str:
    return "timed out" if status == ExecutionStatus.TIMEOUT else status.lower()


def rounded_up(number: float) -> int:
    """To 1, 2 or 5 and noughts, so that one can read a line by it; counts and milliseconds begin at 1."""
    if number <= 1:
        return 1
    magnitude: int = 10 ** floor(log10(number))
    return next(factor * magnitude for factor in (1, 2, 5, 10) if factor * magnitude >= number)


def rounded(length: float) -> float:
    return round(length, 2)
