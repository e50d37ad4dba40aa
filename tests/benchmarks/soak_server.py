"""The server as it is, which also counts the statements that its executor's threads send to the database."""

import sys
import threading
from typing import Any

import psycopg
from django.db.backends.signals import connection_created
from prometheus_client import Counter, Gauge

from config.asgi import application
from executions.engine.metrics import REGISTRY

__all__ = ["application"]

STATEMENTS = Counter("soak_statements", "Of the executor's threads.", registry=REGISTRY)
BLOCKS = Gauge("soak_blocks", "Blocks that Python has allocated.", registry=REGISTRY)
BLOCKS.set_function(sys.getallocatedblocks)
_execute = psycopg.Cursor.execute


def _count(*_: object) -> None:
    if threading.current_thread().name.startswith("trilith-executor"):
        STATEMENTS.inc()


def _trace(connection: Any, **_: object) -> None:
    if connection.vendor == "sqlite":
        connection.connection.set_trace_callback(_count)


def _counted(cursor: Any, *arguments: Any, **options: Any) -> Any:
    _count()
    return _execute(cursor, *arguments, **options)


connection_created.connect(_trace)
psycopg.Cursor.execute = _counted  # type: ignore[assignment,method-assign]
