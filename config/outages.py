"""Whether an error means that the database can't be had just now, and neither request nor code is at fault."""

import logging
import sqlite3
from collections.abc import Iterator

import django.db
import psycopg
from django.http.response import HttpResponseBase

RETRY_SECONDS = 5
MESSAGE = "The database doesn't answer just now; try again in a few seconds."
UNKNOWN = (
    "The database doesn't answer just now, and whether this was done isn't known. Try again in a few seconds; with"
    " an Idempotency-Key, a start can be repeated safely."
)
_SAFE = ("GET", "HEAD", "OPTIONS")
# PostgreSQL's words for a server that only reads, as one is that hasn't taken over yet.
_READ_ONLY = "25006"
_DRIVERS = (psycopg.OperationalError, psycopg.InterfaceError, sqlite3.OperationalError)

logger = logging.getLogger(__name__)


def is_outage(error: BaseException) -> bool:
    """Of the connection, the pool, the server or the disk; also a lock that wasn't to be had in time."""
    return any(_says_so(each) for each in _causes(error))


def message_for(method: str | None) -> str:
    """What to tell who asked so: of a change that was to be made, that it may have been."""
    return MESSAGE if method in _SAFE else UNKNOWN


def report(method: str | None, path: str, error: BaseException) -> None:
    """A line in the log; and lets the connection go, so that who comes next gets one that works."""
    words = " ".join(str(error).split())
    logger.warning("%s %s: the database doesn't answer (%s: %s)", method, path, type(error).__name__, words)
    if not django.db.connection.in_atomic_block:
        django.db.connection.close()


def spare_the_log(response: HttpResponseBase) -> None:
    """Django would add a line of its own for each 503, though what there is to say has been said."""
    vars(response)["_has_been_logged"] = True


def _causes(error: BaseException) -> Iterator[BaseException]:
    """It, and what it was raised from: Django's errors from the driver's."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__


def _says_so(error: BaseException) -> bool:
    match error:
        case sqlite3.OperationalError():
            # This one says that the SQL is wrong, or that a table is missing.
            return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF != sqlite3.SQLITE_ERROR
        case psycopg.Error():
            return isinstance(error, _DRIVERS) or error.sqlstate == _READ_ONLY
        case django.db.InterfaceError() | django.db.OperationalError():
            return not isinstance(error.__cause__, sqlite3.Error | psycopg.Error)
    return False
