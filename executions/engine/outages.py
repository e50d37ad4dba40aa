"""What a runner does while it can't reach the database. None of it is the execution's fault, nor counted against it."""

import threading

from django.conf import settings
from django.db import Error, connections

from executions.engine import clock, journal
from executions.engine.journal import Claim
from executions.engine.transactions import current

PAUSE_SECONDS = 0.25


def is_one(error: Exception) -> bool:
    """Whether it was raised since this thread's connection is lost, or none can be had.

    Whatever else goes wrong there (a full disk, say) would go wrong again at once.
    """
    connection = current().connection
    return isinstance(error, Error) and (connection is None or getattr(connection, "closed", False))


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

    Whether the last commit landed or not, whoever claims it next reads.
    """
    while _has_lease(claim):
        connections.close_all()
        try:
            journal.release(claim)
        except Error:
            threading.Event().wait(PAUSE_SECONDS)
        else:
            return True
    return False


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
