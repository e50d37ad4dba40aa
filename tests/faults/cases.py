"""What may befall: a fault at a named point, by SIGKILL or by an exception, the n-th time that it is reached."""

import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from executions.engine.faults import POINTS

type Manner = Literal["kill", "exception"]
MANNERS: tuple[Manner, ...] = ("exception", "kill")

OF_WEB = ("start.after", "cancel.before", "cancel.inside", "cancel.after")
"""Reached by a server while it answers; the others by a worker."""

FIRST_CUT = "effect.after"
"""Where the first process dies that a second one, which dies too, recovers from."""
FIRST_CUTS = 5
"""The sixth may be of the execution that is cancelled, and nobody recovers that."""

MOST = {
    "claim.before": 3, "claim.after": 2, "commit.before": 12, "commit.inside": 12, "commit.after": 12,
    "effect.before": 10, "effect.after": 10, "step.between": 8, "wait.asleep": 2, "wait.over": 2,
    "backoff.asleep": 4, "backoff.over": 4, "finish.before": 2, "finish.after": 2, "announce.before": 10,
    "notify.before": 3, "start.after": 3,
}  # fmt: skip
"""How often a worker reaches them for certain, once it has what a run starts; the others once."""


@dataclass(frozen=True, slots=True)
class Case:
    """`point` is None for a run that nothing befalls. `number` counts the runs of a point and a manner."""

    point: str | None
    manner: Manner
    database: str
    number: int
    seed: int

    def __str__(self) -> str:
        return f"run {self.number} of {self.point} by {self.manner} on {self.database} (seed {self.seed})"

    @property
    def is_of_web(self) -> bool:
        return self.point in OF_WEB

    @property
    def arms(self) -> dict[str, int]:
        """By point, the how-manieth time of it."""
        if self.point is None:
            return {}
        earlier = {FIRST_CUT: self.dice(FIRST_CUT).randint(1, FIRST_CUTS)} if self.point == "recovery.before" else {}
        return {**earlier, self.point: self.dice("count").randint(1, MOST.get(self.point, 1))}

    def dice(self, what: str) -> random.Random:
        return random.Random(f"{self.seed} {self.point} {self.manner} {self.number} {what}")


@dataclass(frozen=True, slots=True)
class Result:
    """`recovery`: seconds from the fault to the end of all that was started, beyond the time it takes undisturbed."""

    case: Case
    kills: int
    exceptions: int
    extra: int
    recovery: float
    violations: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, given: dict[str, Any]) -> "Result":
        return cls(**{**given, "case": Case(**given["case"]), "violations": tuple(given["violations"])})


def points_on(database: str) -> list[str]:
    """On SQLite nobody notifies other processes."""
    return [point for point in POINTS if database == "postgresql" or point != "notify.before"]


def all_of(database: str, *, runs: int, seed: int) -> Iterator[Case]:
    """Exceptions first: a worker outlives them, so that what it holds can be compared over many runs."""
    for manner in MANNERS:
        for number in range(1, runs + 1):
            for point in points_on(database):
                yield Case(point, manner, database, number, seed)


def choice_of(database: str, *, seed: int) -> Iterator[Case]:
    """Each point once, by the one manner or the other: which, an even or odd seed says."""
    of_each = {point: MANNERS[(index + seed) % 2] for index, point in enumerate(points_on(database))}
    for manner in MANNERS:
        for point, its_own in of_each.items():
            if its_own == manner:
                yield Case(point, manner, database, 1, seed)
