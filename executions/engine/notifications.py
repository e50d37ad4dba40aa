"""PostgreSQL's LISTEN, on a connection and a thread of its own."""

import logging
import threading
from collections.abc import Callable
from typing import Any, Self

import psycopg
from django.db import connection

QUIET_SECONDS = 1.0
_ADDRESS = ("dbname", "user", "password", "host", "port", "sslmode", "sslrootcert", "sslcert", "sslkey", "service")

logger = logging.getLogger(__name__)


def connect(**options: Any) -> psycopg.Connection[Any]:
    """A connection to the project's database that is none of the pool's, autocommitting."""
    address = {key: value for key, value in connection.get_connection_params().items() if key in _ADDRESS}
    return psycopg.connect(**address, autocommit=True, **options)


class Notifications:
    """Calls `hear` with the payload of each notification on `channel`, and `missed` when some may have been lost."""

    def __init__(self, channel: str, *, hear: Callable[[str], None], missed: Callable[[], None]) -> None:
        self._channel = channel
        self._hear = hear
        self._missed = missed
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="trilith-listen", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except psycopg.Error as error:
                logger.warning("the connection that listens was lost; making another (%s)", error)
                self._stopping.wait(QUIET_SECONDS)

    def _listen(self) -> None:
        with connect() as listening:
            listening.execute(f"LISTEN {self._channel}")
            self._missed()
            while not self._stopping.is_set():
                for heard in listening.notifies(timeout=QUIET_SECONDS):
                    self._hear(heard.payload)
