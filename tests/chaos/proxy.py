"""Between a worker and PostgreSQL: cuts a connection exactly where a statement commits.

It reads as much of the protocol as it takes to know when a statement that commits is on its way: a COMMIT, or outside
a transaction whatever writes. The server says with each ReadyForQuery whether a transaction is open.
"""

import random
import re
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any, Literal, override

type Moment = Literal["before", "after"]
"""Before the server gets the statement; or after it has carried it out, and before it can say so."""

MOMENTS: tuple[Moment, ...] = ("before", "after")
WRITES = re.compile(rb"\b(INSERT INTO|UPDATE|DELETE FROM)\b")
LENGTH = struct.Struct("!I")


@dataclass
class Proxy:
    """With `chance` it cuts at a statement that commits; `cuts` counts those it made, by moment."""

    target: tuple[str, int]
    port: int = 0
    chance: float = 0.0
    cuts: Counter[Moment] = field(default_factory=Counter)
    commits: int = 0
    _drawn: random.Random = field(default_factory=lambda: random.Random(11))
    _drawing: threading.Lock = field(default_factory=threading.Lock)

    def url(self, of_database: str) -> str:
        """The URL of a database, by way of this. What is encrypted it couldn't read."""
        account, _, rest = of_database.partition("@")
        name = rest.partition("/")[2]
        return f"{account}@127.0.0.1:{self.port}/{name}?sslmode=disable&gssencmode=disable"

    def draw(self) -> Moment | None:
        with self._drawing:
            self.commits += 1
            if self._drawn.random() >= self.chance:
                return None
            moment = self._drawn.choice(MOMENTS)
            self.cuts[moment] += 1
            return moment


@dataclass
class _Talk:
    """One connection. `cut` gets set once the server's answer may not reach the client."""

    proxy: Proxy
    client: socket.socket
    server: socket.socket
    in_transaction: bool = False
    cut: bool = False
    statements: dict[bytes, bytes] = field(default_factory=dict)
    asked: list[bytes] = field(default_factory=list)

    def to_server(self) -> None:
        self.server.sendall(_read_start(self.client))
        while True:
            kind, message = _read(self.client)
            self._note(kind, message[5:])
            if kind in b"QS" and self._ends_with_a_commit():
                moment = self.proxy.draw()
                if moment == "before":
                    return
                self.cut = moment == "after"
            self.server.sendall(message)

    def to_client(self) -> None:
        while True:
            kind, message = _read(self.server)
            if kind == b"Z":
                self.in_transaction = message[5:] != b"I"
                if self.cut:
                    return
            if not self.cut:
                self.client.sendall(message)

    def _note(self, kind: bytes, body: bytes) -> None:
        match kind:
            case b"P":
                name, sql, _ = body.split(b"\0", 2)
                self.statements[name] = sql
            case b"B":
                _, name, _ = body.split(b"\0", 2)
                self.asked.append(self.statements[name])
            case b"Q":
                self.asked.append(body)

    def _ends_with_a_commit(self) -> bool:
        asked, self.asked = self.asked, []
        return any(sql.startswith(b"COMMIT") or (not self.in_transaction and WRITES.search(sql)) for sql in asked)


def _read_start(client: socket.socket) -> bytes:
    """The first message has no type."""
    length = _exactly(client, 4)
    return length + _exactly(client, LENGTH.unpack(length)[0] - 4)


def _read(sender: socket.socket) -> tuple[bytes, bytes]:
    """A message's type, and all of it."""
    head = _exactly(sender, 5)
    return head[:1], head + _exactly(sender, LENGTH.unpack(head[1:])[0] - 4)


def _exactly(sender: socket.socket, count: int) -> bytes:
    received = bytearray()
    while len(received) < count:
        part = sender.recv(count - len(received))
        if not part:
            raise ConnectionError
        received += part
    return bytes(received)


class _Listener(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 32
    proxy: Proxy


class _Handler(BaseRequestHandler):
    @override
    def handle(self) -> None:
        listener: Any = self.server
        with suppress(OSError), socket.create_connection(listener.proxy.target) as server:
            talk = _Talk(listener.proxy, self.request, server)
            answering = threading.Thread(target=_until_cut, args=(talk.to_client, talk))
            answering.start()
            _until_cut(talk.to_server, talk)
            answering.join()


def _until_cut(work: Any, talk: _Talk) -> None:
    """Whoever ends first ends the other one too."""
    with suppress(OSError):
        work()
    for end in (talk.client, talk.server):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def between(port: int) -> Iterator[Proxy]:
    """A proxy to the PostgreSQL at this port of loopback."""
    with _Listener(("127.0.0.1", 0), _Handler) as listener:
        listener.proxy = Proxy(("127.0.0.1", port), int(listener.server_address[1]))
        serving = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02})
        serving.start()
        try:
            yield listener.proxy
        finally:
            listener.shutdown()
            serving.join()
