"""Clients that leave in every way a client can, and what is left of them: nothing."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection

from executions import services
from executions.models import Execution
from tests.config.servers import Server
from tests.executions.programs.children import eventually
from tests.stream.conftest import streaming
from tests.stream.scenes import asleep, echo, ran, stream_of
from tests.stream.sse import Stream, follow

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="threads and files are counted by way of /proc"),
]

TIMES = 1_000
CLIENTS = 8
SLACK = 6
"""Threads and connections that pools may have made meanwhile; a leak would be as many as there were streams."""

LEAVING: list[Callable[[Stream], None]] = [Stream.close, Stream.reset, Stream.vanish]


def database_connections(server: Server) -> int:
    if connection.vendor == "sqlite":
        return server.files.count(Path(str(connection.settings_dict["NAME"])))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])


def held_by(server: Server) -> list[int]:
    return [server.threads, len(server.files), database_connections(server)]


def come_and_go(server: Server, executions: list[Execution], headers: dict[str, str], times: int) -> None:
    """From several threads, each at random, and the same with each run."""
    paths = [stream_of(execution) for execution in executions]

    def once(number: int) -> None:
        chance = random.Random(number)
        stream = follow(server, chance.choice(paths), **headers)
        stream.take(chance.randint(0, 2))
        chance.choice(LEAVING)(stream)

    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(once, range(times)))


def test_whoever_leaves_however_leaves_nothing_behind(headers: dict[str, str]) -> None:
    executions = [asleep(), ran(echo("x" * 200_000)), asleep()]
    with streaming(KEEP_ALIVE_SECONDS=0.2) as server:
        come_and_go(server, executions, headers, 40)
        before = held_by(server)

        come_and_go(server, executions, headers, TIMES)

        eventually(lambda: all(now <= was + SLACK for now, was in zip(held_by(server), before, strict=True)))
        with follow(server, stream_of(executions[0]), **headers) as stream:
            stream.take(2)
            services.cancel(execution=executions[0])
            assert list(stream)[-1].kind == "complete"
