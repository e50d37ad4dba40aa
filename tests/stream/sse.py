"""A client of Server-Sent Events, as the HTML standard has them read, that leaves in every way a client can."""

import json
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from itertools import islice
from typing import Any, Self

from tests.config.servers import Reply, Server, read

TYPE = "text/event-stream"
TCP_REPAIR = 19
SECONDS = 20


@dataclass(frozen=True, slots=True)
class Event:
    """`id` is None where the event came without one."""

    kind: str
    id: int | None
    data: Any


class Stream:
    """An open response. It gives events, keeps the last id, and counts the comments between them."""

    def __init__(self, connection: HTTPConnection, response: HTTPResponse, last_id: int) -> None:
        self._connection = connection
        self._socket: socket.socket = connection.sock
        self._response = response
        self.headers = response.headers
        self.last_id = last_id
        self.comments = 0
        self.retry: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Event]:
        """Until the response ends."""
        while (event := self._next()) is not None:
            yield event

    def take(self, count: int) -> list[Event]:
        """So many events; fails when the response ends before."""
        events = list(islice(self, count))
        assert len(events) == count, f"the stream ended after {events}"
        return events

    def until(self, kind: str, **data: Any) -> Event:
        """The first event of this kind whose data has these values."""
        for event in self:
            if event.kind == kind and data.items() <= event.data.items():
                return event
        raise AssertionError(f"the stream ended without {kind} {data}")

    def comment(self) -> None:
        """Comes back once a comment line has come."""
        while line := self._response.readline():
            if line.startswith(b":"):
                return
        raise AssertionError("the stream ended without a comment")

    def read_bytes(self, count: int) -> bytes:
        """Some of what has come, read by no more than that from the connection."""
        return self._socket.recv(count)

    def close(self) -> None:
        """As a client does that has had enough: FIN."""
        self._response.close()
        self._connection.close()

    def reset(self) -> None:
        """As one that dies: RST."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def vanish(self) -> None:
        """As one whose plug is pulled: without a word. Where that takes privileges that we lack, RST."""
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        except PermissionError:
            self.reset()
        else:
            self.close()

    def _next(self) -> Event | None:
        kind, data = "message", list[str]()
        has_id = False
        ends_at = time.monotonic() + SECONDS
        for line in iter(self._response.readline, b""):
            assert time.monotonic() < ends_at, f"no event for {SECONDS} s"
            assert line.endswith(b"\n"), f"the stream ended within the line {line[:100]!r}"
            field, _, value = line.rstrip(b"\n").decode().partition(":")
            value = value.removeprefix(" ")
            match field:
                case "" if line == b"\n":
                    if data:
                        return Event(kind, self.last_id if has_id else None, json.loads("\n".join(data)))
                    kind, has_id = "message", False
                case "":
                    self.comments += 1
                case "event":
                    kind = value
                case "data":
                    data.append(value)
                case "id":
                    self.last_id, has_id = int(value), True
                case "retry":
                    self.retry = int(value)
                case _:
                    raise AssertionError(f"a field that no event has: {field[:100]!r}")
        assert not data, "the stream ended within an event"
        return None


def connect(server: Server, path: str, last_id: int | str | None = None, **headers: str) -> Stream | Reply:
    """A Stream where the server opens one, else its whole answer."""
    sent = {"Accept": TYPE} | headers | ({} if last_id is None else {"Last-Event-ID": str(last_id)})
    connection = server.send("GET", path, **sent)
    response = connection.getresponse()
    if response.status == 200:
        assert response.headers["Content-Type"] == TYPE
        return Stream(connection, response, last_id if isinstance(last_id, int) else 0)
    try:
        return read(response)
    finally:
        connection.close()


def follow(server: Server, path: str, last_id: int | str | None = None, **headers: str) -> Stream:
    stream = connect(server, path, last_id, **headers)
    assert isinstance(stream, Stream), stream
    return stream


def followed(server: Server, path: str, last_id: int | str | None = None, **headers: str) -> list[Event]:
    """All events until the response ends."""
    with follow(server, path, last_id, **headers) as stream:
        return list(stream)


def refused(server: Server, path: str, last_id: int | str | None = None, **headers: str) -> Reply:
    answer = connect(server, path, last_id, **headers)
    assert isinstance(answer, Reply), "a stream was opened"
    return answer
