"""When a call ends, whatever the server does."""

import socket
import sys
import threading
from contextlib import ExitStack

import pytest
from pytest_django import Settings

from tests.workflows.call_api.calls import SLACK_SECONDS, assert_cancelled, at_most, failure, fetch, resolving
from tests.workflows.call_api.conftest import Serve, TalkTo
from tests.workflows.http_server import Behaviour, Exchange, Talk, replying


def drip_body(exchange: Exchange) -> None:
    exchange.send_response(200)
    exchange.end_headers()
    exchange.drip()


def drip_status_line(exchange: Exchange) -> None:
    exchange.wfile.write(b"HTTP/1.1 200 O")
    exchange.drip(b"K")


def drip_headers(exchange: Exchange) -> None:
    exchange.send_response(200)
    exchange.flush_headers()
    exchange.drip(b"X-A: 1\r\n")


def drip_chunks(exchange: Exchange) -> None:
    exchange.send_response(200)
    exchange.send_header("Transfer-Encoding", "chunked")
    exchange.end_headers()
    exchange.drip(b"1\r\n.\r\n")


def drip_continue(exchange: Exchange) -> None:
    exchange.drip(b"HTTP/1.1 100 Continue\r\n\r\n")


def say_nothing(exchange: Exchange) -> None:
    exchange.stopping.wait()


SLOW = [drip_body, drip_status_line, drip_headers, drip_chunks, drip_continue, say_nothing]


@pytest.mark.parametrize("behave", SLOW)
def test_a_server_that_drips_is_left_at_the_deadline(serve: Serve, behave: Behaviour) -> None:
    server = serve(behave)
    with at_most(0.5 + SLACK_SECONDS):
        error = failure(server.url, seconds=0.5)
    assert (error.code, error.retryable) == ("TIMEOUT", True)


@pytest.mark.parametrize("behave", SLOW)
def test_a_cancel_ends_a_call_at_once(serve: Serve, behave: Behaviour) -> None:
    server = serve(behave)
    assert_cancelled(server.url)


def hold(connection: socket.socket, stopping: threading.Event) -> None:
    stopping.wait()


def drip_handshake(connection: socket.socket, stopping: threading.Event) -> None:
    # The header of a TLS record that announces 16 KiB, and then its content byte by byte.
    connection.sendall(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc")
    while not stopping.wait(0.1):
        connection.sendall(b"\x00")


@pytest.mark.parametrize("talk", [hold, drip_handshake])
def test_the_deadline_holds_during_the_tls_handshake(talk_to: TalkTo, talk: Talk) -> None:
    server = talk_to(talk)
    with at_most(0.5 + SLACK_SECONDS):
        assert failure(f"https://{server.authority}/", seconds=0.5).code == "TIMEOUT"
    assert_cancelled(f"https://{server.authority}/")


def test_the_deadline_holds_while_a_body_is_sent_that_nobody_reads(talk_to: TalkTo) -> None:
    server = talk_to(hold)
    with at_most(0.5 + SLACK_SECONDS):
        assert failure(server.url, method="POST", body=b"x" * 20_000_000, seconds=0.5).code == "TIMEOUT"


only_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux leaves a connection waiting when the queue is full"
)


def deaf_listener(sockets: ExitStack, host: str, port: int = 0) -> int:
    """Listens on a port, which is returned, with a queue so full that a connection is never made."""
    full = sockets.enter_context(socket.socket())
    full.bind((host, port))
    full.listen(0)
    for _ in range(3):
        waiting = sockets.enter_context(socket.socket())
        waiting.setblocking(False)
        waiting.connect_ex(full.getsockname())
    return int(full.getsockname()[1])


@only_linux
def test_the_deadline_holds_while_connecting(servers: ExitStack, settings: Settings) -> None:
    authority = f"127.0.0.1:{deaf_listener(servers, '127.0.0.1')}"
    settings.OUTBOUND_ALLOWED_HOSTS = [authority]
    with at_most(0.5 + SLACK_SECONDS):
        assert failure(f"http://{authority}/", seconds=0.5).code == "TIMEOUT"
    assert_cancelled(f"http://{authority}/")


@only_linux
def test_an_address_that_never_answers_leaves_time_for_the_next(
    serve: Serve, servers: ExitStack, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(replying())
    deaf_listener(servers, "127.0.0.2", server.port)
    settings.OUTBOUND_ALLOWED_HOSTS = [f"two.example:{server.port}"]
    monkeypatch.setattr(socket, "getaddrinfo", resolving("127.0.0.2", "127.0.0.1"))
    assert fetch(f"http://two.example:{server.port}/", seconds=1).status == 200


def test_the_deadline_is_for_all_redirects_together(serve: Serve) -> None:
    def behave(exchange: Exchange) -> None:
        exchange.stopping.wait(0.2)
        exchange.reply(302, headers={"Location": "/on"})

    server = serve(behave)
    with at_most(0.5 + SLACK_SECONDS):
        assert failure(server.url, seconds=0.5).code == "TIMEOUT"


@pytest.mark.parametrize("seconds", [0, -1])
def test_no_time_left_means_no_call(serve: Serve, seconds: float) -> None:
    server = serve(replying())
    assert failure(server.url, seconds=seconds).code == "TIMEOUT"
    assert server.received == []
