"""What a soak's samples say: does memory grow, do steps ask more of the database, does anything get slower?"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import linear_regression, median, quantiles

WARM_UP = 1 / 5
WINDOWS = 20
MB_PER_THOUSAND = 1.0
FLAT = 1.10
NOISE_MS = 1.0
STATEMENTS_FLAT = 1.02


@dataclass(frozen=True, slots=True)
class Sample:
    seconds: float
    executions: float
    attempts: float
    statements: float
    rss_mb: float
    blocks: float


@dataclass(frozen=True, slots=True)
class Verdict:
    name: str
    found: str
    bound: str
    holds: bool


def judged(samples: Sequence[Sample], latencies: dict[str, Sequence[tuple[float, float]]]) -> list[Verdict]:
    """`latencies`: when (seconds), and how many ms, by name. What the first fifth shows is warm-up."""
    return [_memory(samples), _statements(samples), *(_flat(name, found) for name, found in latencies.items())]


def _memory(samples: Sequence[Sample]) -> Verdict:
    """The slope of a line through all samples behind the warm-up."""
    warm = [each for each in samples if each.seconds >= samples[-1].seconds * WARM_UP]
    slope = linear_regression([each.executions / 1000 for each in warm], [each.rss_mb for each in warm]).slope
    return Verdict("memory", f"{slope:+.3f} MB per 1,000", f"< {MB_PER_THOUSAND} MB", slope < MB_PER_THOUSAND)


def _statements(samples: Sequence[Sample]) -> Verdict:
    """Those of the executor's threads for each attempt, in the fifth behind the warm-up and in the last one."""
    fifths = [_nearest(samples, part / 5) for part in (1, 2, 4, 5)]
    first, last = (
        (end.statements - begin.statements) / max(1, end.attempts - begin.attempts)
        for begin, end in (fifths[:2], fifths[2:])
    )
    bound = f"within {STATEMENTS_FLAT - 1:.0%}"
    return Verdict("statements a step", f"{first:.2f} → {last:.2f}", bound, last <= first * STATEMENTS_FLAT)


def _nearest(samples: Sequence[Sample], part: float) -> Sample:
    return min(samples, key=lambda each: abs(each.seconds - part * samples[-1].seconds))


def _flat(name: str, found: Sequence[tuple[float, float]]) -> Verdict:
    """The median of the windows' p99s in the first third behind the warm-up, and of those in the last third."""
    p99s = [p99(window) for window in windows(found)[int(WINDOWS * WARM_UP) :] if window]
    third = len(p99s) // 3
    first, last = median(p99s[:third]), median(p99s[-third:])
    bound = f"within {FLAT - 1:.0%}, or {NOISE_MS:.0f} ms"
    return Verdict(f"p99 of {name}", f"{first:.1f} → {last:.1f} ms", bound, last <= max(first * FLAT, first + NOISE_MS))


def windows(found: Sequence[tuple[float, float]]) -> list[list[float]]:
    end = max((at for at, _ in found), default=0.0) + 0.001
    return [[ms for at, ms in found if number <= at * WINDOWS / end < number + 1] for number in range(WINDOWS)]


def p99(values: Sequence[float]) -> float:
    return quantiles(values, n=100)[98] if len(values) > 1 else values[0]
