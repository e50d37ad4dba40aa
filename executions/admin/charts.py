"""How a workflow fared, day by day, as the geometry of drawings."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from executions.admin import bars
from executions.admin.bars import FULL, SHOWN, Label, Piece, Share, Slot, rounded, rounded_up
from executions.durations import duration
from executions.states import ExecutionStatus
from executions.statistics import Ran, Sample, StepFigures, percentile
from workflows.admin.columns import percent

GAP = 0.3
LABELS = 5
MOST_STEPS = 5
MEDIAN, SLOW = 0.5, 0.95


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
class Chart:
    """`top` and `half` are what the lines at the top and in the middle stand for."""

    slots: list[Slot]
    curves: list[Curve]
    top: str
    half: str


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
        shares=[bars.share(status, whole[status]) for status in SHOWN if whole[status]],
        labels=bars.labels([f"{day.date:%-d %b}" for day in days], LABELS, at=0.5), slowest=_slowest(steps),
        failing=_failing(steps), steps_of=steps_of, success_rate=percent(whole[ExecutionStatus.COMPLETED], ended),
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
    top = rounded_up(max(day.total for day in days))
    slots = [
        _slot(days, index, bars.counted(day.counts), list(bars.stacked(day.counts, top)))
        for index, day in enumerate(days)
    ]
    return Chart(slots, [], f"{top:,.0f}", f"{top / 2:,.10g}" if top > 1 else "")


def _rates(days: Sequence[_Day]) -> Chart:
    values = [FULL * day.completed / day.ended if day.ended else None for day in days]
    says = [f"{percent(day.completed, day.ended)} of {day.ended:,} succeeded" for day in days]
    return Chart(_slots(days, values, says), [_curve("success", values, FULL)], "100 %", "50 %")


def _durations(days: Sequence[_Day]) -> Chart:
    median, slow = ([percentile(day.took, part) for day in days] for part in (MEDIAN, SLOW))
    top = rounded_up(max((value for value in slow if value is not None), default=1))
    says = [
        f"half took {_ms(one)} at most, 95 % {_ms(other)} at most" if one is not None and other is not None else ""
        for one, other in zip(median, slow, strict=True)
    ]
    curves = [_curve("p95", slow, top), _curve("p50", median, top)]
    return Chart(_slots(days, median, says), curves, _ms(top), _ms(top / 2))


def _slots(days: Sequence[_Day], values: Sequence[float | None], says: Sequence[str]) -> list[Slot]:
    return [_slot(days, index, "none" if values[index] is None else says[index], []) for index in range(len(days))]


def _slot(days: Sequence[_Day], index: int, says: str, pieces: list[Piece]) -> Slot:
    return bars.slot(index, len(days), GAP, f"{days[index].date:%a %-d %b}: {says}", pieces)


def _curve(name: str, values: Sequence[float | None], top: float) -> Curve:
    width = FULL / len(values)
    placed = [
        None if value is None else Point(rounded((index + 0.5) * width), rounded(FULL - FULL * value / top))
        for index, value in enumerate(values)
    ]
    strokes = [Stroke(one.x, one.y, other.x, other.y) for one, other in pairwise(placed) if one and other]
    return Curve(name, [point for point in placed if point], strokes)


def _slowest(steps: Sequence[StepFigures]) -> list[StepBar]:
    timed = [(step.slow_ms, step.median_ms, step) for step in steps if step.slow_ms and step.median_ms is not None]
    timed.sort(key=lambda row: row[0], reverse=True)
    top = timed[0][0] if timed else 1
    return [
        StepBar(
            *_named(step), rounded(FULL * slow / top), _ms(slow), f"half of {step.ran:,} took {_ms(median)} at most"
        )
        for slow, median, step in timed[:MOST_STEPS]
    ]


def _failing(steps: Sequence[StepFigures]) -> list[StepBar]:
    failed = sorted((step for step in steps if step.failed), key=lambda step: step.failed / step.ran, reverse=True)
    return [
        StepBar(
            *_named(step),
            rounded(FULL * step.failed / step.ran),
            percent(step.failed, step.ran),
            f"{step.failed:,} of {step.ran:,} failed",
        )
        for step in failed[:MOST_STEPS]
    ]


def _named(step: StepFigures) -> tuple[str, str]:
    return step.name or step.action_id, step.action_id


def _ms(milliseconds: float) -> str:
    return duration(milliseconds / 1000)
