"""A name whose address changes between two looks: whoever checks one answer and connects by another is lost.

The resolver of the system can't be replaced by a test, so its answers are; the servers are real.
"""

import itertools
import socket
from contextlib import ExitStack
from typing import Any

import pytest
from pytest_django import Settings

from tests.workflows.call_api.calls import failure, redirecting, resolving
from tests.workflows.call_api.conftest import Serve
from tests.workflows.http_server import Server, serving

TRIES = 200
PUBLIC = "192.88.98.1"
INSIDE = ["127.0.0.1", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "127.0.0.2", "0.0.0.0"]
REAL_CONNECT, REAL_LOOK_UP = socket.socket.connect, socket.getaddrinfo


class Resolver:
    """Gives the answers for `rebinding.example` in turn, again and again, and counts how often it was asked."""

    def __init__(self, *answers: tuple[str, ...]) -> None:
        self.answers = itertools.cycle(answers)
        self.asked = 0

    def __call__(self, host: str, port: int, *args: Any, **options: Any) -> list[Any]:
        if host != "rebinding.example":
            return REAL_LOOK_UP(host, port, *args, **options)
        self.asked += 1
        return resolving(*next(self.answers))(host, port)


@pytest.fixture
def inside(servers: ExitStack) -> Server:
    """Nobody is to reach it."""
    return servers.enter_context(serving())


@pytest.fixture(autouse=True)
def connected(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The addresses that were connected to; the public one is nobody's, so it refuses at once."""
    addresses: list[Any] = []

    def connect(self: socket.socket, address: Any) -> None:
        addresses.append(address[0])
        if address[0] == PUBLIC:
            raise ConnectionRefusedError(111, "Connection refused")
        REAL_CONNECT(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    return addresses


ANSWERS: dict[str, list[tuple[str, ...]]] = {
    "in turn": [(PUBLIC,), *[(each,) for each in INSIDE]],
    "public first, then inside for ever": [(PUBLIC,), *[("127.0.0.1",)] * (TRIES * 2)],
    "both in one answer": [*[(PUBLIC, each) for each in INSIDE], *[(each, PUBLIC) for each in INSIDE]],
    "many and one": [(*[PUBLIC] * 30, "127.0.0.1")],
}


@pytest.mark.parametrize("name", ANSWERS)
def test_no_answer_of_a_resolver_leads_inside(
    inside: Server, connected: list[Any], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    resolver = Resolver(*ANSWERS[name])
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    codes = {failure(f"http://rebinding.example:{inside.port}/").code for _ in range(TRIES)}

    assert codes <= {"ADDRESS_FORBIDDEN", "CONNECTION_FAILED"}
    assert resolver.asked == TRIES, "each try looks once, and connects to what was checked"
    assert set(connected) <= {PUBLIC}
    assert inside.received == []


def test_no_redirect_to_such_a_name_leads_inside(
    serve: Serve, inside: Server, connected: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = serve(redirecting(f"http://rebinding.example:{inside.port}/", 307))
    monkeypatch.setattr(socket, "getaddrinfo", Resolver(*ANSWERS["in turn"]))
    codes = {failure(first.url, method="POST", body=b"{}").code for _ in range(TRIES // 4)}

    assert codes == {"ADDRESS_FORBIDDEN", "CONNECTION_FAILED"}
    assert len(first.received) == TRIES // 4
    assert inside.received == []


def test_nothing_of_the_environment_leads_elsewhere(
    inside: Server, connected: list[Any], monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Neither a proxy, which would resolve by itself, nor the passwords of a `.netrc`."""
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, inside.url)
    monkeypatch.setattr(socket, "getaddrinfo", Resolver((PUBLIC,)))
    for scheme in ("http", "https"):
        assert failure(f"{scheme}://rebinding.example:{inside.port}/").code == "CONNECTION_FAILED"

    assert connected == [PUBLIC] * 2
    assert inside.received == []


def test_no_password_of_a_netrc_is_sent(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("default login ada password s3cret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server = serve(redirecting("/again"))
    failure(server.url)
    assert not any("authorization" in request.headers for request in server.received)
