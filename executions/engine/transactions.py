"""One writer at a time on SQLite: a process-wide lock before the database's own, which may starve who waits."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

_sqlite_writes = threading.RLock()


def current() -> BaseDatabaseWrapper:
    """This thread's connection, looked up once: Django's `connection` looks it up at every attribute."""
    db: BaseDatabaseWrapper = transaction.get_connection()
    return db


@contextmanager
def write_transaction() -> Iterator[None]:
    """Like `transaction.atomic()`: the outermost one commits, one inside a caller's transaction is a savepoint.

    Inside a transaction the database's lock is ours already; to wait for another one's turn would be a deadlock.
    """
    db = current()
    if db.vendor == "sqlite" and not db.in_atomic_block:
        with _sqlite_writes, transaction.atomic():
            yield
    else:
        with transaction.atomic():
            yield


@contextmanager
def plain_transaction(db: BaseDatabaseWrapper) -> Iterator[None]:
    """The same for SQL that goes past Django to SQLite's own connection, at a fifth of the cost of `atomic()`."""
    if db.in_atomic_block:
        with transaction.atomic():
            yield
        return
    with _sqlite_writes:
        db.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            db.connection.execute("COMMIT")
        except BaseException:
            if db.connection.in_transaction:  # a full disk has ended it already, and a lock that others have hasn't
                db.connection.execute("ROLLBACK")
            raise
