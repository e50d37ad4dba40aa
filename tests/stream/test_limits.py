"""How many may follow, what they may not hold up, and how a server lets go of them."""

import signal
from contextlib import ExitStack
from typing import Any

import pytest

from tests.config.servers import Reply, Server
from tests.executions import handlers
from tests.executions.programs.children import eventually
from tests.stream.conftest import streaming
from tests.stream.scenes import asleep, echo, held, is_the_whole_log, reader, started, stream_of
from tests.stream.sse import Stream, connect, follow, followed, refused

pytestmark = pytest.mark.django_db(transaction=True)

OF_A_USER = 20


def is_open(server: Server, path: str, headers: dict[str, str]) -> bool:
    answer = connect(server, path, **headers)
    if isinstance(answer, Stream):
        answer.close()
    return isinstance(answer, Stream)


def is_told_to_come_back(refusal: Reply) -> None:
    assert (refusal.status, refusal.body["error"]) == (429, "RATE_LIMITED")
    assert int(refusal.headers["Retry-After"]) > 0
    assert refusal.headers["Content-Type"] == "application/problem+json"


def test_a_user_has_twenty_streams_and_another_user_has_his_own(server: Server, headers: dict[str, str]) -> None:
    path = stream_of(asleep())
    with ExitStack() as streams:
        opened = [streams.enter_context(follow(server, path, **headers)) for _ in range(OF_A_USER)]

        is_told_to_come_back(refused(server, path, **headers))
        assert is_open(server, path, reader())
        opened[0].reset()
        assert eventually(lambda: is_open(server, path, headers))


def test_a_server_has_as_many_streams_as_it_is_told(headers: dict[str, str]) -> None:
    path = stream_of(asleep())
    with streaming(STREAMS_AT_ONCE=2) as server, follow(server, path, **headers) as first:
        with follow(server, path, **reader()):
            is_told_to_come_back(refused(server, path, **reader()))
        assert eventually(lambda: is_open(server, path, reader()))
        assert first.take(2)


def test_a_server_that_is_told_to_stop_ends_its_streams_and_is_gone(headers: dict[str, str]) -> None:
    execution = asleep()
    with streaming() as server, ExitStack() as streams:
        opened = [streams.enter_context(follow(server, stream_of(execution), **headers)) for _ in range(OF_A_USER)]
        for stream in opened:
            stream.take(2)

        server.process.send_signal(signal.SIGTERM)

        assert [list(stream) for stream in opened] == [[]] * OF_A_USER
        _, log = server.process.communicate(timeout=60)
    assert server.process.returncode == -signal.SIGTERM
    assert "Application shutdown complete." in log
    assert "Cancel" not in log  # which is what uvicorn says of responses that it gives up
    assert "Traceback" not in log
    assert "Task was destroyed" not in log


def test_a_stream_on_which_nothing_happens_is_kept_alive_and_goes_on(server: Server, headers: dict[str, str]) -> None:
    execution = asleep()
    with follow(server, stream_of(execution), **headers) as stream:
        events = stream.take(2)
        assert stream.retry == 1000
        stream.comment()
        stream.comment()
        execution.delete()
        events += stream

    assert [event.kind for event in events] == ["connected", "progress", "error"]


def test_a_client_that_does_not_read_delays_nobody_and_misses_nothing(
    server: Server, headers: dict[str, str], engine: Any
) -> None:
    large = "x" * 500_000
    execution = started(held(), *[echo("{{ trigger }}")] * 30, trigger=large)

    with follow(server, stream_of(execution), **headers) as slow:
        events = slow.take(3)
        with follow(server, stream_of(execution), **headers) as quick:
            quick.take(3)
            handlers.gate.set()
            assert list(quick)[-1].kind == "complete"
        events.extend(slow)

    is_the_whole_log(events, execution)


def test_a_client_that_does_not_read_is_let_go_when_the_servers_patience_ends(
    headers: dict[str, str], engine: Any
) -> None:
    handlers.gate.set()
    execution = started(*[echo("{{ trigger }}")] * 8, trigger="x" * 500_000)
    with streaming("--timeout-graceful-shutdown=1") as server:
        followed(server, stream_of(execution), **headers)
        with follow(server, stream_of(execution), **headers) as slow:
            assert len(slow.read_bytes(1)) == 1
            server.process.send_signal(signal.SIGTERM)
            _, log = server.process.communicate(timeout=60)

    assert "Application shutdown complete." in log
