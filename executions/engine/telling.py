"""Notifies other processes of what this one commits.

Commits that notify wait for one another, all of a database, each for the one before to be on the disk: by themselves
they would be as slow as one after the other. So on PostgreSQL a thread tells of many commits at once, right after them.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection

from executions.engine import announcements, faults
from executions.engine.announcements import CHANNEL, DUE_CHANNEL, Announcement
from executions.engine.notifications import connect

PAUSE_SECONDS = 1.0
REST_SECONDS = 0.005
"""Between two times, so that what comes fast is told of together."""

LAST_WORDS_SECONDS = 1.0
_NOTIFY = "SELECT pg_notify(channel, payload) FROM UNNEST(%s::text[], %s::text[]) AS news(channel, payload)"

logger = logging.getLogger(__name__)


@contextmanager
def telling() -> Iterator[None]:
    """Has other processes told, for as long as the block lasts, where the database can tell them."""
    if connection.vendor != "postgresql":
        yield
        return
    teller = Teller()
    with announcements.told_by(teller.hear):
        teller.start()
        try:
            yield
        finally:
            teller.stop()


class Teller:
    """Of what one execution went through since it last told of it, it tells the latest."""

    def __init__(self) -> None:
        self._news: dict[UUID, Announcement] = {}
        self._is_due = False
        self._lock = threading.Lock()
        self._awake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="trilith-teller", daemon=True)
        self._connection: psycopg.Connection[Any] | None = None

    def start(self) -> None:
        self._thread.start()

    def hear(self, news: Announcement) -> None:
        with self._lock:
            earlier = self._news.get(news.execution_id)
            if earlier is None or earlier.position < news.position:
                self._news[news.execution_id] = news
            self._is_due = self._is_due or news.is_due
        self._awake.set()

    def stop(self) -> None:
        """Once what is left has been told, or can't be."""
        self._stopping.set()
        self._awake.set()
        self._thread.join(LAST_WORDS_SECONDS)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._awake.wait()
            self._awake.clear()
            self._tell(self._taken())
            self._stopping.wait(REST_SECONDS)
        self._tell(self._taken())
        self._disconnect()

    def _taken(self) -> list[tuple[str, str]]:
        with self._lock:
            news, self._news = self._news, {}
            is_due, self._is_due = self._is_due, False
        return [*((CHANNEL, str(each)) for each in news.values()), *([(DUE_CHANNEL, "")] if is_due else [])]

    def _tell(self, news: list[tuple[str, str]]) -> None:
        if not news:
            return
        try:
            faults.reach("notify.before")
            self._connected().execute(_NOTIFY, [list(part) for part in zip(*news, strict=True)], prepare=True)
        except psycopg.Error as error:
            logger.warning("other processes weren't told of %s changes, and will find them: %s", len(news), error)
        except Exception:  # whatever it is, the next news are told of again
            logger.exception("other processes weren't told of %s changes, and will find them", len(news))
        else:
            return
        self._disconnect()
        self._stopping.wait(PAUSE_SECONDS)

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is None:
            self._connection = connect()
            self._connection.execute("SET synchronous_commit = off")
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
