"""How a workflow fared, day by day, as the geometry of drawings: in per cent of their width and height."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from math import ceil, floor, log10

from executions.durations import duration
from executions.states import ExecutionStatus
from executions.statistics import Ran, Sample, StepFigures, percentile
from workflows.admin.columns import percent
from workspaces.admin.badges import look

FULL = 100
GAP = 0.3
"""What of a day's width stays empty."""
SHOWN = (
    ExecutionStatus.COMPLETED, ExecutionStatus.FAILED, ExecutionStatus.TIMEOUT, ExecutionStatus.CANCELLED,
    ExecutionStatus.RUNNING, ExecutionStatus.PENDING,
)  # fmt: skip
MOST_STEPS = 5
MEDIAN, SLOW = 0.5, 0.95


@dataclass(frozen=True, slots=True)
class Piece:
    """Of a bar: the executions of a day that have one status."""

    look: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Slot:
    """A day's place in a chart. `says` is what it shows, in words."""

    x: float
    width: float
    bar_x: float
    bar_width: float
    says: str
    pieces: list[Piece]


@dataclass(frozen=True, slots=True)
class Point:
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Stroke:
    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True, slots=True)
class Curve:
    """A value a day: a point where there is one, and a stroke between those of two days that follow each other."""

    name: str
    points: list[Point]
    strokes: list[Stroke]


@dataclass(frozen=True, slots=True)
class Label:
    x: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """`top` and `half` are what the lines at the top and in the middle stand for."""

    slots: list[Slot]
    curves: list[Curve]
    top: str
    half: str


@dataclass(frozen=True, slots=True)
class Share:
    look: str
    word: str
    number: int


@dataclass(frozen=True, slots=True)
class StepBar:
    """A step in a table, with a bar of `width` per cent. `name` is for people, `action_id` for the definition."""

    name: str
    action_id: str
    width: float
    says: str
    detail: str


@dataclass(frozen=True, slots=True)
class Charts:
    sample: Sample
    total: int
    numbers: Chart
    rates: Chart
    durations: Chart
    shares: list[Share]
    labels: list[Label]
    slowest: list[StepBar]
    failing: list[StepBar]
    steps_of: int
    success_rate: str


@dataclass(frozen=True, slots=True)
class _Day:
    date: date
    counts: Counter[str]
    took: list[float]

    @property
    def total(self) -> int:
        return self.counts.total()

    @property
    def ended(self) -> int:
        return sum(number for status, number in self.counts.items() if ExecutionStatus(status).is_final)

    @property
    def completed(self) -> int:
        return self.counts[ExecutionStatus.COMPLETED]


def charts(sample: Sample, steps: Sequence[StepFigures], steps_of: int) -> Charts:
    """`steps_of`: from how many executions the figures of the steps are."""
    days = list(_days(sample))
    whole = Counter(ran.status for ran in sample.executions)
    ended = sum(day.ended for day in days)
    return Charts(
        sample=sample, total=whole.total(), numbers=_numbers(days), rates=_rates(days), durations=_durations(days),
        shares=[Share(look(status), _word(status), whole[status]) for status in SHOWN if whole[status]],
        labels=list(_labels(days)), slowest=_slowest(steps), failing=_failing(steps), steps_of=steps_of,
        success_rate=percent(whole[ExecutionStatus.COMPLETED], ended),
    )  # fmt: skip


def _days(sample: Sample) -> Iterator[_Day]:
    """Each day from the first to the last, the empty ones too."""
    by_day: dict[date, list[Ran]] = {}
    for ran in sample.executions:
        by_day.setdefault(ran.created_at.date(), []).append(ran)
    first = sample.since.date()
    for number in range((sample.until.date() - first).days + 1):
        ran_then = by_day.get(day := first + timedelta(days=number), [])
        took = [ran.duration_ms for ran in ran_then if ran.duration_ms is not None]
        yield _Day(day, Counter(ran.status for ran in ran_then), took)


def _numbers(days: Sequence[_Day]) -> Chart:
    top = _rounded_up(max(day.total for day in days))
    slots = [_slot(days, index, _counted(day), list(_pieces(day, top))) for index, day in enumerate(days)]
    return Chart(slots, [], f"{top:,.0f}", f"{top / 2:,.10g}" if top > 1 else "")


def _pieces(day: _Day, top: float) -> Iterator[Piece]:
    below = 0
    for status in SHOWN:
        if number := day.counts[status]:
            below += number
            yield Piece(look(status), _r(FULL - FULL * below / top), _r(FULL * number / top))


def _rates(days: Sequence[_Day]) -> Chart:
    values = [FULL * day.completed / day.ended if day.ended else None for day in days]
    says = [f"{percent(day.completed, day.ended)} of {day.ended:,} succeeded" for day in days]
    return Chart(_slots(days, values, says), [_curve("success", values, FULL)], "100 %", "50 %")


def _durations(days: Sequence[_Day]) -> Chart:
    median, slow = ([percentile(day.took, part) for day in days] for part in (MEDIAN, SLOW))
    top = _rounded_up(max((value for value in slow if value is not None), default=1))
    says = [
        f"half took {_ms(one)} at most, 95 % {_ms(other)} at most" if one is not None and other is not None else ""
        for one, other in zip(median, slow, strict=True)
    ]
    curves = [_curve("p95", slow, top), _curve("p50", median, top)]
    return Chart(_slots(days, median, says), curves, _ms(top), _ms(top / 2))


def _slots(days: Sequence[_Day], values: Sequence[float | None], says: Sequence[str]) -> list[Slot]:
    return [_slot(days, index, "none" if values[index] is None else says[index], []) for index in range(len(days))]


def _slot(days: Sequence[_Day], index: int, says: str, pieces: list[Piece]) -> Slot:
    width = FULL / len(days)
    x = index * width
    bar_x, bar_width = x + width * GAP / 2, width * (1 - GAP)
    return Slot(_r(x), _r(width), _r(bar_x), _r(bar_width), f"{days[index].date:%a %-d %b}: {says}", pieces)


def _curve(name: str, values: Sequence[float | None], top: float) -> Curve:
    width = FULL / len(values)
    placed = [
        None if value is None else Point(_r((index + 0.5) * width), _r(FULL - FULL * value / top))
        for index, value in enumerate(values)
    ]
    strokes = [Stroke(one.x, one.y, other.x, other.y) for one, other in pairwise(placed) if one and other]
    return Curve(name, [point for point in placed if point], strokes)


def _labels(days: Sequence[_Day]) -> Iterator[Label]:
    """Of some days, at their middles, so that they have room beside each other."""
    for index in range(0, len(days), ceil(len(days) / 5)):
        yield Label(_r((index + 0.5) * FULL / len(days)), f"{days[index].date:%-d %b}")


def _counted(day: _Day) -> str:
    said = [f"{day.counts[status]:,} {_word(status)}" for status in SHOWN if day.counts[status]]
    return ", ".join(said) or "none"


def _slowest(steps: Sequence[StepFigures]) -> list[StepBar]:
    timed = [(step.slow_ms, step.median_ms, step) for step in steps if step.slow_ms and step.median_ms is not None]
    timed.sort(key=lambda row: row[0], reverse=True)
    top = timed[0][0] if timed else 1
    return [
        StepBar(*_named(step), _r(FULL * slow / top), _ms(slow), f"half of {step.ran:,} took {_ms(median)} at most")
        for slow, median, step in timed[:MOST_STEPS]
    ]


def _failing(steps: Sequence[StepFigures]) -> list[StepBar]:
    failed = sorted((step for step in steps if step.failed), key=lambda step: step.failed / step.ran, reverse=True)
    return [
        StepBar(
            *_named(step),
            _r(FULL * step.failed / step.ran),
            percent(step.failed, step.ran),
            f"{step.failed:,} of {step.ran:,} failed",
        )
        for step in failed[:MOST_STEPS]
    ]


def _named(step: StepFigures) -> tuple[str, str]:
    return step.name or step.action_id, step.action_id


def _word(status: str) -> str:
    return "timed out" if status == ExecutionStatus.TIMEOUT else status.lower()


def _ms(milliseconds: float) -> str:
    return duration(milliseconds / 1000)


def _rounded_up(number: float) -> float:
    """To 1, 2 or 5 and noughts, so that one can read a line by it; counts and milliseconds begin at 1."""
    if number <= 1:
        return 1
    magnitude = 10.0 ** floor(log10(number))
    return next(factor * magnitude for factor in (1, 2, 5, 10) if factor * magnitude >= number)


def _r(length: float) -> float:
    return round(length, 2)
