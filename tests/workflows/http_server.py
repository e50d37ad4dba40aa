"""A real server on loopback that answers as a test tells it to."""

import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any, override


@dataclass(frozen=True, slots=True)
class Received:
    """A request as the server saw it; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Server:
    scheme: str
    host: str
    port: int
    received: list[Received] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)
    errors: list[BaseException] = field(default_factory=list)

    @property
    def authority(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}"


class Exchange(BaseHTTPRequestHandler):
    """One request and what goes back for it: `reply` for whole answers, `wfile` for anything else."""

    protocol_version = "HTTP/1.1"
    answering: "Listener"

    @override
    def parse_request(self) -> bool:
        parsed = super().parse_request()
        if parsed:
            self.answer()
        return False

    def answer(self) -> None:
        self.close_connection = True
        self.answering = self.server  # type: ignore[assignment]
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.answering.state.received.append(Received(self.command, self.path, headers, body))
        self.answering.behaviour(self)

    @property
    def stopping(self) -> threading.Event:
        return self.answering.state.stopping

    def reply(self, status: int = 200, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def drip(self, piece: bytes = b".", seconds: float = 0.1) -> None:
        """Sends `piece` again and again until the client goes away or the test ends."""
        while not self.stopping.wait(seconds):
            self.wfile.write(piece)

    @override
    def log_message(self, format: str, *args: Any) -> None:
        pass


type Behaviour = Callable[[Exchange], None]
type Talk = Callable[[socket.socket, threading.Event], None]


class Listener(ThreadingTCPServer):
    allow_reuse_address = True
    request_queue_size = 32

    def __init__(self, handler: type[BaseRequestHandler], tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.tls = tls
        self.behaviour: Behaviour = Exchange.reply
        self.state = Server("https" if tls else "http", "127.0.0.1", int(self.server_address[1]))

    @override
    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.tls is None:
            return super().finish_request(request, client_address)
        with self.tls.wrap_socket(request, server_side=True) as wrapped:
            return super().finish_request(wrapped, client_address)

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that goes away in the middle is what many of these tests are about.
        error = sys.exception()
        if error is not None and not isinstance(error, OSError):
            self.state.errors.append(error)


@contextmanager
def serving(behaviour: Behaviour = Exchange.reply, *, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A server that answers every request with `behaviour`, in a thread for each connection."""
    listener = Listener(Exchange, tls)
    listener.behaviour = behaviour
    with _running(listener):
        yield listener.state


@contextmanager
def talking(talk: Talk) -> Iterator[Server]:
    """A server of raw TCP: `talk(connection, stopping)` for each connection."""

    class Talker(BaseRequestHandler):
        @override
        def handle(self) -> None:
            talk(self.request, listener.state.stopping)

    listener = Listener(Talker, None)
    with _running(listener):
        yield listener.state


@contextmanager
def _running(listener: Listener) -> Iterator[None]:
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        listener.state.stopping.set()
        listener.shutdown()
        thread.join()
        listener.server_close()
    assert listener.state.errors == []


def replying(status: int = 200, body: bytes = b"", **headers: str) -> Behaviour:
    """A behaviour: `replying(200, b"{}", content_type="application/json")`."""
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}
    return lambda exchange: exchange.reply(status, body, named)
