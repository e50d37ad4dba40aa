"""How many executions ended in each unit of time, as the geometry of a drawing: in per cent of its width and height."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from math import ceil, log10

from executions.admin.overview import Ended
from executions.states import ExecutionStatus
from workspaces.admin.badges import look

WIDTH = HEIGHT = 100
GAP = 0.25
"""What of a unit's width stays empty."""
SHOWN = (ExecutionStatus.COMPLETED, ExecutionStatus.FAILED, ExecutionStatus.TIMEOUT, ExecutionStatus.CANCELLED)
LABELS = 6
WORDS = {ExecutionStatus.TIMEOUT: "timed out"}


@dataclass(frozen=True, slots=True)
class Piece:
    look: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """All of a unit: its pieces from the bottom up, each of this `x` and `width`, and in words what they say."""

    slot_x: float
    slot_width: float
    x: float
    width: float
    title: str
    pieces: list[Piece]


@dataclass(frozen=True, slots=True)
class Label:
    x: float
    text: str


@dataclass(frozen=True, slots=True)
class Share:
    """Of everything that ended, what ended like this."""

    look: str
    word: str
    number: int


@dataclass(frozen=True, slots=True)
class Chart:
    """`top` is the number that the upper line stands for."""

    bars: list[Bar]
    labels: list[Label]
    shares: list[Share]
    top: int
    total: int


def chart(ended: Ended) -> Chart:
    top = _rounded_up(max((sum(counts.values()) for _, counts in ended.units), default=0))
    step = WIDTH / len(ended.units)
    bars = [_bar(ended, number, step, top) for number in range(len(ended.units))]
    return Chart(bars, list(_labels(ended, step)), _shares(ended), top, ended.number())


def _bar(ended: Ended, number: int, step: float, top: int) -> Bar:
    begin, counts = ended.units[number]
    x = number * step
    pieces = list(_pieces(counts, top))
    return Bar(_r(x), _r(step), _r(x + step * GAP / 2), _r(step * (1 - GAP)), _title(ended, begin, counts), pieces)


def _pieces(counts: dict[str, int], top: int) -> Iterable[Piece]:
    below = 0
    for status in SHOWN:
        if number := counts.get(status, 0):
            below += number
            yield Piece(look(status), _r(HEIGHT - HEIGHT * below / top), _r(HEIGHT * number / top))


def _title(ended: Ended, begin: datetime, counts: dict[str, int]) -> str:
    """`13:00 to 14:00: 12 completed, 1 failed`."""
    said = [f"{counts[status]:,} {_word(status)}" for status in SHOWN if status in counts]
    return f"{_clock(ended, begin)} to {_clock(ended, begin + ended.period.unit)}: {', '.join(said) or 'none'}"


def _labels(ended: Ended, step: float) -> Iterable[Label]:
    for number in range(0, len(ended.units), ceil(len(ended.units) / LABELS)):
        begin, _ = ended.units[number]
        yield Label(_r(number * step), _clock(ended, begin))


def _shares(ended: Ended) -> list[Share]:
    return [Share(look(status), _word(status), ended.number(status)) for status in SHOWN]


def _clock(ended: Ended, moment: datetime) -> str:
    return f"{moment:%H:%M:%S}" if ended.period.unit.total_seconds() < 60 else f"{moment:%H:%M}"  # noqa: PLR2004 (a minute)


def _word(status: ExecutionStatus) -> str:
    return WORDS.get(status, status.lower())


def _rounded_up(number: int) -> int:
    """To 1, 2 or 5 and noughts, so that it is a number that one can read a line by."""
    if not number:
        return 1
    magnitude: int = 10 ** int(log10(number))
    return next(factor * magnitude for factor in (1, 2, 5, 10) if factor * magnitude >= number)


def _r(length: float) -> float:
    return round(length, 2)
