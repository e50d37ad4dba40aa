"""The thread that passes on what happens, while anybody wants to hear it."""

import logging
import threading
import time
from collections.abc import Callable

from django.db import connection

from executions.engine import announcements
from executions.engine.announcements import Hearer
from executions.stream.sources import Source, source

PAUSE_SECONDS = 1.0
LINGER_SECONDS = 5.0

logger = logging.getLogger(__name__)


class Pump:
    """Turns over and over while it is needed. Hints of this process and of others go to `hear`."""

    def __init__(
        self, name: str, *, hear: Hearer, is_needed: Callable[[], bool], turn: Callable[[Source], None]
    ) -> None:
        self._name = name
        self._hear = hear
        self._is_needed = is_needed
        self._turn = turn
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._needed_at = 0.0

    def start(self) -> None:
        """Unless it runs already; what makes it needed has to be so before."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def _run(self) -> None:
        announcements.hear(self._hear)
        try:
            while self._goes_on():
                self._attend()
        finally:
            announcements.stop_hearing(self._hear)
            connection.close()

    def _goes_on(self) -> bool:
        with self._lock:
            is_needed = self._is_needed()
            if not is_needed:
                self._thread = None
            return is_needed

    def _lingers(self) -> bool:
        """Also for a while after: a source for each of those who come and go would be a connection for each."""
        now = time.monotonic()
        if self._is_needed():
            self._needed_at = now
        return now < self._needed_at + LINGER_SECONDS

    def _attend(self) -> None:
        try:
            with source(self._hear) as others:
                while self._lingers():
                    self._turn(others)
        except Exception:  # whatever ails the database, the next look is the mend
            logger.exception("reading what happened failed; trying again in %s s", PAUSE_SECONDS)
            connection.close()
            threading.Event().wait(PAUSE_SECONDS)
