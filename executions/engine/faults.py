"""Named crash points. A test arms one; otherwise reaching it costs a look into an empty dictionary."""

import os
import signal
from collections.abc import Callable

POINTS = (
    "start.after",
    "claim.before", "claim.after",
    "commit.before", "commit.inside", "commit.after",
    "effect.before", "effect.after", "step.between",
    "wait.asleep", "wait.over",
    "backoff.asleep", "backoff.over",
    "recovery.before",
    "cancel.before", "cancel.inside", "cancel.after",
    "finish.before", "finish.after",
    "announce.before", "notify.before",
)  # fmt: skip

_armed: dict[str, Callable[[], None]] = {}


def reach(point: str) -> None:
    if _armed and (fault := _armed.get(point)):
        fault()


def arm(point: str, fault: Callable[[], None]) -> None:
    """From now on `fault()` is called whenever `point` is reached; it may raise, or kill the process."""
    if point not in POINTS:
        raise ValueError(f"no crash point {point!r}; there are {', '.join(POINTS)}")
    _armed[point] = fault


def disarm(*points: str) -> None:
    """These points; all, if none is named."""
    for point in points or POINTS:
        _armed.pop(point, None)


def at(count: int, fault: Callable[[], None]) -> Callable[[], None]:
    """`fault`, the `count`th time that this is called, and at no other."""
    remaining = count

    def counted() -> None:
        nonlocal remaining
        remaining -= 1
        if remaining == 0:
            fault()

    return counted


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm_from(text: str) -> None:
    """Arms what a parent process asks for: `effect.after=3` kills this process by SIGKILL at the third time."""
    point, _, count = text.partition("=")
    arm(point, at(int(count or 1), kill))
