"""What a server may do to a call."""

import gc
import gzip
import socket
import struct
import threading
import tracemalloc
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from pytest_django import Settings

from tests.workflows.call_api.calls import failure, fetch, redirecting
from tests.workflows.call_api.conftest import Serve, TalkTo
from tests.workflows.http_server import Behaviour, Exchange, replying, serving
from workflows.actions.context import ActionError


def endless(exchange: Exchange) -> None:
    exchange.send_response(200)
    exchange.send_header("Transfer-Encoding", "chunked")
    exchange.end_headers()
    while not exchange.stopping.is_set():
        exchange.wfile.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")


def test_endless_chunks_end_at_the_limit(serve: Serve) -> None:
    error = failure(serve(endless).url, max_bytes=100_000)
    assert (error.code, error.retryable) == ("RESPONSE_TOO_LARGE", False)
    assert "100,000" in error.message


BOMB = b"\0" * 50_000_000


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(BOMB)),
        ("deflate", zlib.compress(BOMB)),
        ("gzip, gzip", gzip.compress(gzip.compress(BOMB))),
    ],
)
def test_what_inflates_beyond_the_limit_takes_no_memory(serve: Serve, encoding: str, body: bytes) -> None:
    server = serve(replying(200, body, content_encoding=encoding))
    tracemalloc.start()
    try:
        assert failure(server.url).code == "RESPONSE_TOO_LARGE"
        assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_a_refusal_that_inflates_takes_no_memory_either(serve: Serve) -> None:
    server = serve(replying(400, gzip.compress(BOMB), content_encoding="gzip"))
    tracemalloc.start()
    try:
        assert failure(server.url).code == "HTTP_STATUS"
        assert tracemalloc.get_traced_memory()[1] < 1024 * 1024
    finally:
        tracemalloc.stop()


def raw(answer: bytes) -> Behaviour:
    def behave(exchange: Exchange) -> None:
        exchange.wfile.write(answer)

    return behave


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (HEAD + b"X-A: " + b"a" * 70_000 + b"\r\n\r\n", "INVALID_RESPONSE"),
        (HEAD + b"X-A: 1\r\n" * 200 + b"\r\n", "INVALID_RESPONSE"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "INVALID_RESPONSE"),
        (b"HTTP/1.1 abc OK\r\n\r\n", "INVALID_RESPONSE"),
        (HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n.", "INVALID_RESPONSE"),
        (HEAD + b"Content-Length: 9\r\n\r\n.", "CONNECTION_FAILED"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", "CONNECTION_FAILED"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nab", "CONNECTION_FAILED"),
        (b"", "CONNECTION_FAILED"),
    ],
    ids=["long-header", "many-headers", "ssh", "status", "lengths", "cut", "cut-chunk", "no-chunk", "nothing"],
)
def test_a_broken_answer_is_a_typed_failure_that_may_be_tried_again(serve: Serve, answer: bytes, code: str) -> None:
    error = failure(serve(raw(answer)).url)
    assert (error.code, error.retryable) == (code, True)


def test_headers_of_64_kilobytes_are_taken(serve: Serve) -> None:
    headers = {f"x-{number}": "v" * 1_000 for number in range(64)}
    answer = fetch(serve(replying(200, b"", **headers)).url)
    assert headers.items() <= answer.headers.items()


def test_a_header_that_comes_twice_is_joined(serve: Serve) -> None:
    answer = fetch(serve(raw(HEAD + b"X-A: 1\r\nx-a: 2\r\nX-B: a\x00b\r\nContent-Length: 0\r\n\r\n")).url)
    assert answer.headers["x-a"] == "1, 2"
    assert answer.headers["x-b"] == "a\ufffdb"


def test_a_reset_is_a_failed_connection(talk_to: TalkTo) -> None:
    def talk(connection: socket.socket, stopping: threading.Event) -> None:
        connection.recv(65_536)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    assert failure(talk_to(talk).url).code == "CONNECTION_FAILED"


def test_a_refused_connection_says_where(settings: Settings) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        authority = f"127.0.0.1:{unheard.getsockname()[1]}"
        settings.OUTBOUND_ALLOWED_HOSTS = [authority]
        error = failure(f"http://{authority}/")
    assert (error.code, error.retryable) == ("CONNECTION_FAILED", True)
    assert error.message == f"No connection to {authority}: Connection refused."


def open_files() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def drip(exchange: Exchange) -> None:
    exchange.send_response(200)
    exchange.end_headers()
    exchange.drip()


def test_no_socket_and_no_thread_is_left(settings: Settings) -> None:
    gc.collect()
    before = open_files()
    for behaviour in (replying(), replying(500, b"x" * 100_000), endless, drip, redirecting("/")):
        with serving(behaviour) as server:
            settings.OUTBOUND_ALLOWED_HOSTS = [server.authority]
            with suppress(ActionError):
                fetch(server.url, seconds=0.3)
    assert open_files() == before
    assert "outbound-watchdog" not in {thread.name for thread in threading.enumerate()}
