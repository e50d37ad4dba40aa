"""Runs manage.py in a process whose clock is `OFF_BY_SECONDS` wrong, whoever asks it: `time`, `datetime`, Django.

It is replaced before anything else is imported, so that nobody has a name of the right one.
"""

import datetime as dt
import os
import runpy
import sys
import time
from typing import Any, Self, override

OFF_BY = float(os.environ["OFF_BY_SECONDS"])
_time, _time_ns = time.time, time.time_ns


_RIGHT = dt.datetime


class _Kind(type):
    """Times that the database's driver makes are of the right kind; they pass for ours."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _RIGHT)


class WrongDatetime(dt.datetime, metaclass=_Kind):
    @override
    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> Self:
        return super().now(tz) + dt.timedelta(seconds=OFF_BY)

    @override
    @classmethod
    def utcnow(cls) -> Self:
        return cls.now(dt.UTC).replace(tzinfo=None)

    @override
    @classmethod
    def today(cls) -> Self:
        return cls.now()


def replace_clock() -> None:
    changed: Any = time
    changed.time, changed.time_ns = lambda: _time() + OFF_BY, lambda: _time_ns() + round(OFF_BY * 1e9)
    dt.datetime = WrongDatetime  # type: ignore[misc]


if __name__ == "__main__":
    replace_clock()
    print(f"My clock says {dt.datetime.now(dt.UTC).isoformat()}", file=sys.stderr, flush=True)
    sys.argv = ["manage.py", *sys.argv[1:]]
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 (pathlib would import datetime's right clock first)
    runpy.run_path("manage.py", run_name="__main__")
