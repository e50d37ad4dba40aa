"""Elapsed time, in one place so that a simulation can pass its own. What is due is asked of the database's clock."""

import time


def monotonic() -> float:
    """Seconds from an arbitrary beginning."""
    return time.monotonic()
