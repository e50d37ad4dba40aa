"""How a server hears of what other processes commit, and what becomes of it when it doesn't hear."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from executions.engine import announcements, statements
from executions.engine.announcements import CHANNEL, Announcement
from tests.config.servers import Server
from tests.executions import handlers
from tests.executions.programs.children import eventually
from tests.stream.conftest import streaming
from tests.stream.scenes import echo, held, is_the_whole_log, ran, started, stream_of
from tests.stream.sse import follow, followed

pytestmark = pytest.mark.django_db(transaction=True)

NEVER_SECONDS = 3600
on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite tells nobody of anything")


@pytest.fixture
def hearing() -> Iterator[Server]:
    """A server that doesn't look by itself while a test lasts, and so knows only what it is told."""
    with streaming(HUB_LOOK_SECONDS=NEVER_SECONDS) as server:
        yield server


def listeners() -> list[int]:
    """The database's processes that tell somebody."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query = %s", [f"LISTEN {CHANNEL}"]
        )
        return [pid for (pid,) in cursor.fetchall()]


def run(sql: str, *parameters: int | str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def test_each_commit_of_another_process_is_told(hearing: Server, headers: dict[str, str], engine: Any) -> None:
    execution = started(echo(1), held(), echo(3))

    with follow(hearing, stream_of(execution), **headers) as stream:
        events = [*stream.take(2), stream.until("step", status="running", path="1")]
        handlers.gate.set()
        events += stream

    assert events[-1].kind == "complete"


def test_what_nobody_told_is_found_all_the_same(
    server: Server, headers: dict[str, str], engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcements, "CHANNEL", "another_channel")
    execution = started(echo(1), held(), echo(3))

    with follow(server, stream_of(execution), **headers) as stream:
        stream.until("step", status="running", path="1")
        handlers.gate.set()
        assert list(stream)[-1].kind == "complete"


@on_postgresql
def test_nothing_is_lost_when_the_connection_that_listens_is(
    hearing: Server, headers: dict[str, str], engine: Any
) -> None:
    """Not even what is committed while there is none: a new one begins with a look."""
    execution = started(*[echo(number) for number in range(8)], held(), *[echo(number) for number in range(8)])

    others = listeners()
    with follow(hearing, stream_of(execution), **headers) as stream:
        events = stream.take(2)
        for event in stream:
            events.append(event)
            if event.kind == "step" and (event.data["path"], event.data["status"]) == ("8", "running"):
                break
        [lost] = eventually(lambda: [pid for pid in listeners() if pid not in others])
        run("SELECT pg_terminate_backend(%s)", lost)
        handlers.gate.set()
        events += stream
        assert lost not in listeners()

    is_the_whole_log(events, execution)


@on_postgresql
def test_nothing_is_lost_when_the_server_loses_all_of_its_connections(
    server: Server, headers: dict[str, str], engine: Any
) -> None:
    execution = started(echo(1), held(), echo(3))

    with follow(server, stream_of(execution), **headers) as stream:
        stream.until("step", status="running", path="1")
        run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'trilith-child'"
            " AND datname = current_database()"
        )
        handlers.gate.set()
        assert list(stream)[-1].kind == "complete"
    is_the_whole_log(followed(server, stream_of(execution), **headers), execution)


@on_postgresql
def test_what_others_say_on_our_channel_deafens_nobody(hearing: Server, headers: dict[str, str], engine: Any) -> None:
    execution = started(held(), echo(2))

    others = listeners()
    with follow(hearing, stream_of(execution), **headers) as stream:
        stream.until("step", status="running", path="0")
        eventually(lambda: set(listeners()) - set(others))
        for payload in ("", "nonsense", "a b c", "1 2 3 4"):
            run("SELECT pg_notify(%s, %s)", CHANNEL, payload)
        handlers.gate.set()
        assert list(stream)[-1].kind == "complete"


@on_postgresql
def test_who_comes_and_goes_takes_no_connection_each_time(server: Server, headers: dict[str, str]) -> None:
    execution = ran(echo(1))
    others, most = listeners(), 0
    for _ in range(40):
        followed(server, stream_of(execution), **headers)
        most = max(most, len([pid for pid in listeners() if pid not in others]))

    assert most <= 2


def test_hints_that_are_wrong_doubled_or_late_change_nothing(
    server: Server, headers: dict[str, str], engine: Any
) -> None:
    execution = started(echo(1), held(), echo(3))

    with follow(server, stream_of(execution), **headers) as stream:
        events = stream.take(3)
        for position in (0, 1, 10**12, 2, 1):
            statements.announce(connection, Announcement(execution.pk, execution.workspace_id, position))
        handlers.gate.set()
        events += stream

    is_the_whole_log(events, execution)
