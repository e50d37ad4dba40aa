"""All that is known of a run once it is over, by the database, by the API, by the stream and by the world outside."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.faults.programs.players import Held
from tests.faults.sink import Request
from workflows.definition import Action

type Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cancel:
    """An answer to who cancels, or None where none came; `at` is monotonic, `status` the execution's right after it.

    `was_to_land` is what a fault leaves of it; None where there was none.
    """

    answer: int | None
    at: float
    status: str
    was_to_land: bool | None = None


@dataclass(frozen=True, slots=True)
class Event:
    kind: str
    id: int | None
    data: Any


@dataclass
class Life:
    """An execution. `again` is what was read of it once more, after all else was.

    `streams`: by Last-Event-ID, what its stream gives. `log`: by position, what the API says of its steps.
    """

    name: str
    actions: Sequence[Action]
    expected: tuple[str, ...]
    row: Row
    steps: list[Row]
    again: tuple[Row, list[Row]]
    shown: Row
    log: dict[int, Any]
    streams: dict[int, list[Event]]
    requests: list[Request] = field(default_factory=list)
    tasks: list[str] = field(default_factory=list)
    cancels: list[Cancel] = field(default_factory=list)
    was_moved: bool = False


@dataclass
class History:
    """`accepted` and `found` are ids of executions, `strangers` the statuses of answers to who isn't a member.

    `bystanders` are rows that nobody had to touch, before and after; `held` what each process has at rest, after
    its first runs and now. `fired` counts the faults that happened.
    """

    armed: int
    fired: int
    accepted: list[str]
    found: list[str]
    lives: list[Life]
    strangers: list[int] = field(default_factory=list)
    bystanders: tuple[list[Row], list[Row]] = field(default_factory=lambda: ([], []))
    held: dict[str, tuple[Held, Held]] = field(default_factory=dict)
    counters: list[tuple[Row, Row]] = field(default_factory=list)


def interruptions(step: Row) -> int:
    return sum(attempt["error"]["code"] == "INTERRUPTED" for attempt in step["attempts"] or [])


def extra_effects(history: History) -> int:
    """Effects beyond one for each attempt that came to its end, or was cancelled."""
    extra = 0
    for life in history.lives:
        for step in life.steps:
            if step["action_type"] == "call_api":
                came = sum(request.path == step["path"] for request in life.requests)
                extra += max(0, came - attempts_made(step) - (step["status"] == "cancelled"))
    return extra


def attempts_made(step: Row) -> int:
    """Those that came to their end."""
    failed = len(step["attempts"] or []) - interruptions(step)
    return failed + (step["status"] in {"success", "failed"})
