"""Servers that the guard lets through."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from pytest_django import Settings

from tests.workflows.http_server import Behaviour, Server, Talk, replying, serving, talking

type Serve = Callable[[Behaviour], Server]
type TalkTo = Callable[[Talk], Server]


@pytest.fixture
def servers(settings: Settings) -> Iterator[ExitStack]:
    """Holds the servers of a test, none of which the guard lets through."""
    settings.OUTBOUND_ALLOWED_HOSTS = []
    settings.OUTBOUND_GUARD = True
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def serve(servers: ExitStack, settings: Settings) -> Serve:
    """Starts a server that the guard lets through."""

    def start(behaviour: Behaviour) -> Server:
        server = servers.enter_context(serving(behaviour))
        settings.OUTBOUND_ALLOWED_HOSTS.append(server.authority)
        return server

    return start


@pytest.fixture
def talk_to(servers: ExitStack, settings: Settings) -> TalkTo:
    """Starts a server of raw TCP that the guard lets through."""

    def start(talk: Talk) -> Server:
        server = servers.enter_context(talking(talk))
        settings.OUTBOUND_ALLOWED_HOSTS.append(server.authority)
        return server

    return start


@pytest.fixture
def server(serve: Serve) -> Server:
    """One that answers everything with an empty 200."""
    return serve(replying())
