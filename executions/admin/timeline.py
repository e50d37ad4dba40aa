"""Where everything of a timeline stands: pure geometry, across in percent of its width, down in px."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil

from executions.durations import duration

LANES_PX = ((40, 30), (120, 22))
"""How high a lane is among up to so many of them."""
LEAST_LANE_PX = 16
BAR_SHARE = {"attempt": 0.54, "wait": 0.54, "backoff": 0.27}
MIN_WIDTH = 0.5
"""Percent: what took no time is there too."""
MOST_TICKS = 6
SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
STEPS_MS = (
    *(1, 2, 5, 10, 20, 50, 100, 200, 500),
    *(count * SECOND for count in (1, 2, 5, 10, 15, 30)),
    *(count * MINUTE for count in (1, 2, 5, 10, 15, 30)),
    *(count * HOUR for count in (1, 2, 3, 6, 12)),
    *(count * DAY for count in (1, 2, 7, 14, 30, 90)),
)


class Kind(StrEnum):
    """What the time was spent on."""

    ATTEMPT = "attempt"
    WAIT = "wait"
    BACKOFF = "backoff"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time of a step; `status` gives its colour, `what` says in words what went on."""

    kind: Kind
    status: str
    what: str
    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Lane:
    """A step with its spans in the order of time; none of them when it hasn't run."""

    path: str
    name: str
    spans: Sequence[Span] = ()


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    kind: Kind
    status: str
    label: str
    label_x: float
    anchor: str


@dataclass(frozen=True, slots=True)
class Row:
    path: str
    name: str
    top: int
    middle: float
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    x: float
    label: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Timeline:
    height: int
    rows: tuple[Row, ...]
    ticks: tuple[Tick, ...]
    kinds: frozenset[Kind]
    lane: int


def drawn(lanes: Iterable[Lane], begins: datetime, ends: datetime) -> Timeline:
    """The lanes below each other from `begins` to `ends`, or as far as their spans reach beyond."""
    lanes = tuple(lanes)
    spans = [span for lane in lanes for span in lane.spans]
    begins = min([begins, *(span.begins for span in spans)])
    ends = max([begins + timedelta(milliseconds=1), ends, *(span.ends for span in spans)])
    scale = _Scale(begins, ends)
    height = next((px for most, px in LANES_PX if len(lanes) <= most), LEAST_LANE_PX)
    rows = tuple(_row(height * number, height, lane, scale) for number, lane in enumerate(lanes))
    kinds = frozenset(span.kind for span in spans)
    return Timeline(height * len(lanes), rows, _ticks(scale.total_ms), kinds, height)


@dataclass(frozen=True, slots=True)
class _Scale:
    begins: datetime
    ends: datetime

    @property
    def total_ms(self) -> float:
        return (self.ends - self.begins) / timedelta(milliseconds=1)

    def percent(self, moment: datetime) -> float:
        return 100 * ((moment - self.begins) / (self.ends - self.begins))

    def clock(self, moment: datetime) -> str:
        """With the day where there is more than one."""
        time = f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"
        return time if self.begins.date() == self.ends.date() else f"{moment:%d %b} {time}"


def _row(top: int, height: int, lane: Lane, scale: _Scale) -> Row:
    middle = top + height / 2
    bars = tuple(_bar(span, middle, BAR_SHARE[span.kind] * height, scale) for span in lane.spans)
    return Row(lane.path, lane.name, top, middle, bars)


def _bar(span: Span, middle: float, height: float, scale: _Scale) -> Bar:
    left, right = scale.percent(span.begins), scale.percent(span.ends)
    width = max(MIN_WIDTH, right - left)
    left = min(left, 100 - width)
    took = duration((span.ends - span.begins).total_seconds())
    label = f"{span.what}: {scale.clock(span.begins)} to {scale.clock(span.ends)} UTC, {took}"
    return Bar(
        round(left, 3), round(middle - height / 2, 1), round(width, 3), round(height, 1), span.kind, span.status,
        label, *_beside(left, left + width),
    )  # fmt: skip


def _beside(left: float, right: float) -> tuple[float, str]:
    """Where a bar's label has room: behind it, before it, or over it."""
    if right < 30:  # noqa: PLR2004 (percent: a label takes at most two thirds of the narrowest timeline)
        return round(right + 1, 3), "start"
    if left > 70:  # noqa: PLR2004 (the same from the other end)
        return round(left - 1, 3), "end"
    return 50.0, "middle"


def _ticks(total_ms: float) -> tuple[Tick, ...]:
    """At round offsets from the beginning, and not more than there is room for."""
    longest = STEPS_MS[-1] * ceil(total_ms / (STEPS_MS[-1] * MOST_TICKS))
    step = next((step for step in STEPS_MS if total_ms / step <= MOST_TICKS), longest)
    offsets = [number * step for number in range(int(total_ms // step) + 1)]
    return tuple(_tick(offset, 100 * offset / total_ms) for offset in offsets)


def _tick(offset: int, x: float) -> Tick:
    edges = "start" if offset == 0 else "middle"
    return Tick(round(x, 3), offset_in_words(offset), "end" if x > 95 else edges)  # noqa: PLR2004 (percent)


def offset_in_words(ms: int) -> str:
    """`0`, `250 ms`, `1.5 s`, `1 min 30 s`, `2 h`, `1 d 12 h`."""
    if ms < MINUTE:
        return "0" if ms == 0 else f"{ms} ms" if ms < SECOND else f"{ms / SECOND:g} s"
    parts = []
    for unit, size in (("d", DAY), ("h", HOUR), ("min", MINUTE), ("s", SECOND)):
        count, ms = divmod(ms, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts)
