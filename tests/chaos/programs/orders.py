"""Imported by a child process as it starts: what it is to be like, by its environment."""

import os
import signal
import threading
from importlib import import_module

from django.db import connection

from executions.engine import deploys, faults

if os.environ.get("RELEASE") == "next":
    import_module("tests.chaos.programs.next_release")
deploys.DELAY_SECONDS = float(os.environ.get("DELAY_SECONDS", deploys.DELAY_SECONDS))
deploys.PATIENCE_SECONDS = float(os.environ.get("PATIENCE_SECONDS", deploys.PATIENCE_SECONDS))


def _stop() -> None:
    """As a machine that freezes would. Told to the process, another thread might take it, and this one go on a bit."""
    signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)


def _stop_at(point: str, count: int) -> None:
    """Stops this process when it reaches the crash point for the `count`th time."""
    left = count

    def stop() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            _stop()

    faults.arm(point, stop)


def _stop_before_commit() -> None:
    """Stops this process where the first transactional step has its fence behind it, and COMMIT before it."""
    performing: set[int] = set()

    def performed() -> None:
        if connection.in_atomic_block:
            performing.add(threading.get_ident())

    def stop() -> None:
        if threading.get_ident() in performing:
            performing.clear()
            faults.disarm()
            _stop()

    faults.arm("effect.after", performed)
    faults.arm("commit.inside", stop)


if point := os.environ.get("STOP_AT"):
    name, _, number = point.partition("=")
    _stop_at(name, int(number))
if "STOP_BEFORE_COMMIT" in os.environ:
    _stop_before_commit()
