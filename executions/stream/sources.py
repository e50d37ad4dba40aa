"""How a process hears of what others commit, with nothing to install.

PostgreSQL tells who listens. SQLite says, to who asks, whether anything was committed at all; the positions say what.
"""

import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol, Self

import psycopg
from django.db import connection

from executions.engine.announcements import CHANNEL, Announcement, Hearer

TICK_SECONDS = 0.005
QUIET_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Source(Protocol):
    pause: float
    """How long to wait (s) before asking for news."""

    def has_news(self) -> bool:
        """Whether something was committed since the last time, it isn't said what."""


@contextmanager
def source(hear: Hearer) -> Iterator[Source]:
    """That of the database, for as long as the block lasts; what it hears by name it hands to `hear`."""
    if connection.vendor == "sqlite":
        with _DataVersion() as version:
            yield version
    else:
        with _Notifications(hear) as notifications:
            yield notifications


class _DataVersion:
    """Asks SQLite for a number that changes with each commit of another connection: 10 µs, no lock, no I/O."""

    pause = TICK_SECONDS

    def __enter__(self) -> Self:
        self._connection = sqlite3.connect(f"file:{connection.settings_dict['NAME']}?mode=ro", uri=True)
        self._version = self._read()
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def has_news(self) -> bool:
        before, self._version = self._version, self._read()
        return before != self._version

    def _read(self) -> int:
        version: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        return version


class _Notifications:
    """LISTEN, on a connection and a thread of its own. After a lost connection there may be news of any kind."""

    pause = QUIET_SECONDS

    def __init__(self, hear: Hearer) -> None:
        self._hear = hear
        self._has_news = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="trilith-listen", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()

    def has_news(self) -> bool:
        news = self._has_news.is_set()
        self._has_news.clear()
        return news

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except psycopg.Error:
                logger.warning("the connection that listens was lost; making another", exc_info=True)
                self._stopping.wait(QUIET_SECONDS)

    def _listen(self) -> None:
        address = {key: value for key, value in connection.get_connection_params().items() if key in _ADDRESS}
        with psycopg.connect(**address, autocommit=True) as listening:
            listening.execute(f"LISTEN {CHANNEL}")
            self._has_news.set()
            while not self._stopping.is_set():
                for heard in listening.notifies(timeout=QUIET_SECONDS):
                    self._pass_on(heard.payload)

    def _pass_on(self, payload: str) -> None:
        """Whoever may connect may say anything on our channel."""
        with suppress(ValueError):
            self._hear(Announcement.parse(payload))


_ADDRESS = ("dbname", "user", "password", "host", "port", "sslmode", "sslrootcert", "sslcert", "sslkey", "service")
