"""Who carries executions on: this process's own threads (`local`), or Celery's workers (`celery`).

Both are told by hints that something is due, and find it without them too.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol
from uuid import UUID

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper

from executions.engine import isolation, performer
from executions.engine.feeder import Feeder
from executions.engine.supervisor import Executor
from executions.engine.telling import telling

M_ARENA_MAX = -8
"""In glibc's malloc.h: how many heaps all threads share."""


class Dispatcher(Protocol):
    def start(self) -> None: ...

    def stop(self, grace_seconds: float) -> bool: ...

    def ailment(self) -> str | None:
        """Why nothing is carried on by it, in a few words; None while it is."""


_running: list[Dispatcher] = []


@contextmanager
def dispatcher() -> Iterator[None]:
    """What DISPATCHER says, for as long as the block lasts; nothing but telling others if it has no threads."""
    if settings.DISPATCHER == "celery":
        with telling(), _run(Feeder()):
            yield
    elif settings.EXECUTOR_THREADS:
        with executor():
            yield
    else:
        with telling():
            yield


@contextmanager
def executor(threads: int | None = None) -> Iterator[Executor]:
    """Runs an executor in this process, whatever DISPATCHER says, for as long as the block lasts."""
    isolation.prepare()
    running = Executor(threads)
    with telling(), _run(running):
        yield running


@contextmanager
def _run(dispatcher: Dispatcher) -> Iterator[None]:
    _bound_memory()
    dispatcher.start()
    _running.append(dispatcher)
    try:
        yield
    finally:
        _running.remove(dispatcher)
        dispatcher.stop(settings.STOP_GRACE_SECONDS)


def _bound_memory() -> None:
    """By itself the C library (glibc) keeps what each thread has freed for that thread, and so the process grows.

    And with DEBUG Django keeps the last 9,000 statements of each thread that makes no requests, documents and all.
    """
    BaseDatabaseWrapper.queries_limit = 0
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)


def ailment() -> str | None:
    """Why this process carries nothing on, in a few words; None while it does, or isn't meant to."""
    ailments = [running.ailment() for running in _running]
    if not ailments:
        return "none runs in this process" if settings.EXECUTOR_THREADS else None
    return None if None in ailments else ailments[0]


def interrupt(execution_id: UUID) -> None:
    """The execution was taken from whoever runs it: a handler at work for it in this process is told so."""
    performer.interrupt(execution_id)
