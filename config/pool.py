"""How a connection is checked before the pool of PostgreSQL's connections gives it out."""

from typing import Any

import psycopg
from psycopg_pool import ConnectionPool


def check(connection: psycopg.Connection[Any]) -> None:
    """Where it is broken, the others that lie there will be too: they are all looked at, and made anew.

    The pool by itself would give out one after the other, and wait longer after each, past a restart's end.
    """
    pool = connection._pool
    try:
        ConnectionPool.check_connection(connection)
    except psycopg.Error:
        if isinstance(pool, ConnectionPool):
            pool.check()
        raise
