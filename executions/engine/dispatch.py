"""Hints to the executor of this process, if it has one. They save time and carry no truth: due work is found anyway."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from executions.engine import performer
from executions.engine.supervisor import Executor

STOP_GRACE_SECONDS = 10.0

_executors: list[Executor] = []


@contextmanager
def executor(threads: int | None = None) -> Iterator[Executor]:
    """Runs an executor in this process for as long as the block lasts."""
    running = Executor(threads)
    running.start()
    _executors.append(running)
    try:
        yield running
    finally:
        _executors.remove(running)
        running.stop(STOP_GRACE_SECONDS)


def wake() -> None:
    """Something may be due."""
    for running in _executors:
        running.wake()


def ailment() -> str | None:
    """Why this process carries nothing on, in a few words; None while it does."""
    ailments = [running.ailment() for running in _executors] or ["none runs in this process"]
    return None if None in ailments else ailments[0]


def interrupt(execution_id: UUID) -> None:
    """The execution was taken from whoever runs it: a handler at work for it in this process is told so."""
    performer.interrupt(execution_id)
