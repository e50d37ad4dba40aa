"""Clients that are cut off and come back: what they got in all is the step log, with no gap and no repeat."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, repeat
from typing import Any

import pytest

from tests.config.servers import Server
from tests.executions import handlers
from tests.executions.programs import scene
from tests.executions.programs.children import eventually
from tests.stream.conftest import streaming
from tests.stream.scenes import echo, held, ids, is_the_whole_log, ran, started, stream_of
from tests.stream.sse import Event, follow, refused

pytestmark = pytest.mark.django_db(transaction=True)

STEPS = 30
EVERY = range(1, STEPS + 2)
CLIENTS = 6


@pytest.fixture(scope="session")
def other_server(django_db_setup: None) -> Iterator[Server]:
    with streaming() as server:
        yield server


def pieces(servers: Iterable[Server], path: str, every: int, headers: dict[str, str]) -> list[Event]:
    """All events that a client gets in all who is cut off after every so many with an id, and takes each server once.

    What has an id was received whole; of what comes behind it the client forgets all that it did not.
    """
    events: list[Event] = []
    last_id = 0
    for server in servers:
        with follow(server, path, last_id or None, **headers) as stream:
            received = 0
            for event in stream:
                events.append(event)
                received += event.id is not None
                if received == every or event.kind == "complete":
                    break
            last_id = stream.last_id
            if events[-1].kind == "complete":
                assert list(stream) == []
                assert refused(server, path, last_id, **headers).status == 204
                return events
            stream.reset()
    raise AssertionError("there was no server left")


def thirty_steps() -> list[scene.Action]:
    return [echo(number) for number in range(STEPS)]


def test_cut_after_every_kth_event_while_it_runs_elsewhere_and_resumed_at_another_of_two_servers(
    server: Server, other_server: Server, headers: dict[str, str], engine: Any
) -> None:
    executions = [started(*thirty_steps()) for _ in EVERY]
    paths = [stream_of(execution) for execution in executions]
    with ThreadPoolExecutor(CLIENTS) as clients:
        followed = clients.map(lambda path, k: pieces(cycle([server, other_server]), path, k, headers), paths, EVERY)
        for events, execution in zip(followed, executions, strict=True):
            is_the_whole_log(events, execution)


def test_cut_after_every_kth_event_of_an_execution_that_has_ended(server: Server, headers: dict[str, str]) -> None:
    execution = ran(*thirty_steps())
    path = stream_of(execution)

    for every in EVERY:
        events = pieces(repeat(server), path, every, headers)
        is_the_whole_log(events, execution)
        assert len(ids(events)) == STEPS + 1


def test_a_server_that_is_killed_and_another_that_is_started_between(headers: dict[str, str], engine: Any) -> None:
    def each_killed_before_the_next() -> Iterator[Server]:
        while True:
            with streaming() as server:
                yield server
            assert server.process.poll() is not None
            handlers.gate.set()

    execution = started(*thirty_steps()[:12], held(), *thirty_steps()[13:])
    eventually(handlers.begun.is_set)
    events = pieces(each_killed_before_the_next(), stream_of(execution), 12, headers)

    is_the_whole_log(events, execution)
