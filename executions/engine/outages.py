"""What a runner does while it can't reach the database, or can't write. None of it is counted against the execution."""

import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from functools import partial
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import Error, connections

from executions.engine import clock, journal
from executions.engine.journal import Change, Claim
from executions.engine.plan import Finish, Sleep
from executions.engine.transactions import current

PAUSE_SECONDS = 0.25
# SQLite's words for a lock that others keep, and for a disk that is full, broken or only to be read.
HELD_UP = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
}

logger = logging.getLogger(__name__)

_waiting: set[UUID] = set()


def is_one(error: Exception) -> bool:
    """Whether it was raised since this thread's connection is lost, none can be had, or nobody can write just now."""
    connection = current().connection
    is_lost = connection is None or getattr(connection, "closed", False)
    return isinstance(error, Error) and (is_lost or _is_held_up(error))


def _is_held_up(error: Error) -> bool:
    """Whether nothing has landed, and the same will when there is room again, or the lock is free."""
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF in HELD_UP
    return isinstance(cause, psycopg.errors.DiskFull)


def commit(
    claim: Claim, changes: Sequence[Change] = (), *, sleep: Sleep | None = None, finish: Finish | None = None
) -> None:
    """As `journal.commit` does. What can't be written just now is tried again until it can.

    The effect of which it tells is made already, and would be made once more by whoever claims the execution next. That
    its lease may end meanwhile does no harm: who hasn't claimed it since can't have been able to write either.
    """
    _as_soon_as_it_can_be_written(claim, partial(journal.commit, claim, changes, sleep=sleep, finish=finish))


def are_on() -> bool:
    """Whether somebody in this process has something to write and can't: then nothing more is to be claimed."""
    return bool(_waiting)


def _as_soon_as_it_can_be_written(claim: Claim, write: Callable[[], None]) -> None:
    try:
        while True:
            try:
                return write()
            except Error as error:
                if not _is_held_up(error) or current().in_atomic_block:
                    raise
                _note(claim, error)
            threading.Event().wait(PAUSE_SECONDS)
    finally:
        _waiting.discard(claim.execution_id)


def _note(claim: Claim, error: Error) -> None:
    if claim.execution_id not in _waiting:
        logger.warning("execution %s waits until it can be written again: %s", claim.execution_id, error)
    _waiting.add(claim.execution_id)


def heartbeat(claim: Claim) -> None:
    """Keeps a claim alive, as `journal.heartbeat` does; one may fail as long as the lease of an earlier one lasts."""
    try:
        journal.heartbeat(claim)
    except Error as error:
        if not (is_one(error) and _has_lease(claim)):
            raise
        connections.close_all()


def hand_back(claim: Claim) -> bool:
    """Makes the execution due at once as soon as the database is there; False when the lease has ended before.

    Whether the last commit landed or not, whoever claims it next reads. While nobody can write the lease's end means
    nothing: it is waited for longer, since a claim that isn't handed back counts against the execution.
    """
    while True:
        connections.close_all()
        try:
            _as_soon_as_it_can_be_written(claim, partial(journal.release, claim))
        except Error:
            if not _has_lease(claim):
                return False
            threading.Event().wait(PAUSE_SECONDS)
        else:
            return True


def let_go_if_stopped() -> None:
    """From here on PostgreSQL ends this transaction when its process stops in it for a lease.

    Its lock on the execution would otherwise keep everybody from taking it over, and a cancel waiting, all that time.
    """
    db = current()
    if db.vendor == "postgresql":
        with db.cursor() as cursor:
            cursor.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{settings.LEASE_SECONDS}s'")


def _has_lease(claim: Claim) -> bool:
    return clock.monotonic() - claim.leased_at < settings.LEASE_SECONDS
