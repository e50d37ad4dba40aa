"""The HTTP service that the demo's workflows call: it is down for the first requests, as services are."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

FAILURES_AT_FIRST = 2
LOOPBACK = "127.0.0.1"
PAGES: dict[str, dict[str, Any]] = {
    "/health": {"status": "well"},
    "/customers/42": {"name": "Emmy Noether", "city": "Göttingen", "vip": False},
}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    failures_left = FAILURES_AT_FIRST


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        page = PAGES.get(self.path.partition("?")[0])
        if page is None:
            self._answer(HTTPStatus.NOT_FOUND, {"error": "there is no such page"})
        elif self.server.failures_left:
            self.server.failures_left -= 1
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, {"error": "starting up"})
        else:
            self._answer(HTTPStatus.OK, page)

    def _answer(self, status: HTTPStatus, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: the table of steps says what happens."""


def _listening(ports: Iterable[int]) -> _Server:
    """On the first of the ports that is free; 0 is any."""
    for port in ports:
        with suppress(OSError):
            return _Server((LOOPBACK, port), _Handler)
    raise OSError(f"no port of {LOOPBACK} is free")


@contextmanager
def demo_service(allowed: Iterable[str]) -> Iterator[str]:
    """Runs the service on the loopback interface; gives its host:port.

    It prefers one of the `allowed` addresses, since the processes that run beside this one may call those too.
    """
    ports = [int(port) for host, _, port in (address.rpartition(":") for address in allowed) if host == LOOPBACK]
    server = _listening([*ports, 0])
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"{LOOPBACK}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
