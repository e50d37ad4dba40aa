"""Imported by a child process as it starts: what it is to be like, by its environment."""

import os
import signal
from importlib import import_module

from django.db import connection

from executions.engine import deploys, faults

if os.environ.get("RELEASE") == "next":
    import_module("tests.chaos.programs.next_release")
deploys.DELAY_SECONDS = float(os.environ.get("DELAY_SECONDS", deploys.DELAY_SECONDS))
deploys.PATIENCE_SECONDS = float(os.environ.get("PATIENCE_SECONDS", deploys.PATIENCE_SECONDS))


def _stop_at(point: str, count: int, *, in_transaction: bool) -> None:
    """Stops this process, as a machine that freezes would, when it reaches the crash point for the `count`th time.

    With `in_transaction` those outside of one don't count.
    """
    left = count

    def stop() -> None:
        nonlocal left
        if in_transaction and not connection.in_atomic_block:
            return
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGSTOP)

    faults.arm(point, stop)


if stop := os.environ.get("STOP_AT"):
    point, _, count = stop.partition("=")
    _stop_at(point, int(count), in_transaction="IN_TRANSACTION" in os.environ)
