"""A real server on the test's database, and clients that speak to it as strangers do."""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

from tests.config.processes import SECONDS
from tests.executions.programs.children import SERVER, Child, child
from workflows.models import Workflow


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Message
    body: Any


@dataclass(frozen=True, slots=True)
class Server:
    process: Child
    port: int

    def connect(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)

    def send(self, method: str, path: str, body: str | None = None, **headers: str) -> HTTPConnection:
        """Sends a request and doesn't wait for its answer."""
        connection = self.connect()
        kind = {"Content-Type": "application/json"} if body is not None else {}
        connection.request(method, path, body, kind | headers)
        return connection

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> Reply:
        return reply(self.send(method, path, body, **headers))

    @property
    def threads(self) -> int:
        found = re.search(r"^Threads:\s*(\d+)", Path(f"/proc/{self.process.pid}/status").read_text(), re.MULTILINE)
        assert found
        return int(found[1])

    @property
    def files(self) -> list[Path]:
        """What its open files are; one that it closes between the listing and the look isn't open."""
        opened = []
        for number in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                opened.append(number.readlink())
        return opened


def reply(connection: HTTPConnection) -> Reply:
    """The answer to what was sent, once it is there; the connection is closed."""
    try:
        return read(connection.getresponse())
    finally:
        connection.close()


def read(response: HTTPResponse) -> Reply:
    content = response.read()
    is_json = "json" in response.headers.get("Content-Type", "")
    return Reply(response.status, response.headers, json.loads(content) if is_json else content)


def read_raw(connection: socket.socket) -> Reply:
    """The same of a request that was written by hand."""
    response = HTTPResponse(connection)
    response.begin()
    try:
        return read(response)
    finally:
        response.close()
        connection.close()


@contextmanager
def serving(*options: str, **variables: object) -> Iterator[Server]:
    """A server as `make serve` starts it, without throttles; its access log would fill a pipe that nobody reads."""
    limits = {"REQUESTS_PER_MINUTE_OF_USER": 0, "REQUESTS_PER_MINUTE_IN_WORKSPACE": 0}
    given: dict[str, Any] = {"DJANGO_SETTINGS_MODULE": "config.settings", **limits, **variables}
    with child(*SERVER, "--timeout-graceful-shutdown=10", "--no-access-log", *options, **given) as process:
        yield Server(process, _port(process))


def _port(process: Child) -> int:
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(r"running on http://127\.0\.0\.1:(\d+)", line):
            return int(found[1])
    raise AssertionError("the server ended before it listened")


def execute_path(workflow: Workflow) -> str:
    return f"/api/workspaces/{workflow.workspace.slug}/workflows/{workflow.pk}/execute"
