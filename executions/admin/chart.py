"""How many executions ended in each unit of time, as the geometry of a drawing."""

from dataclasses import dataclass
from datetime import datetime

from executions.admin import bars
from executions.admin.bars import SHOWN, Label, Share, Slot, rounded_up
from executions.admin.overview import Ended

GAP = 0.25
LABELS = 6


@dataclass(frozen=True, slots=True)
class Chart:
    """`top` is the number that the upper line stands for."""

    slots: list[Slot]
    labels: list[Label]
    shares: list[Share]
    top: int
    total: int


def chart(ended: Ended) -> Chart:
    top = rounded_up(max((sum(counts.values()) for _, counts in ended.units), default=0))
    return Chart(
        slots=[_slot(ended, index, top) for index in range(len(ended.units))],
        labels=bars.labels([_clock(ended, begin) for begin, _ in ended.units], LABELS, at=0),
        shares=[bars.share(status, ended.number(status)) for status in SHOWN if status.is_final],
        top=top,
        total=ended.number(),
    )


def _slot(ended: Ended, index: int, top: int) -> Slot:
    """It says `13:00 to 14:00: 12 completed, 1 failed`."""
    begin, counts = ended.units[index]
    says = f"{_clock(ended, begin)} to {_clock(ended, begin + ended.period.unit)}: {bars.counted(counts)}"
    return bars.slot(index, len(ended.units), GAP, says, list(bars.stacked(counts, top)))


def _clock(ended: Ended, moment: datetime) -> str:
    return f"{moment:%H:%M:%S}" if ended.period.unit.total_seconds() < 60 else f"{moment:%H:%M}"  # noqa: PLR2004 (a minute)
