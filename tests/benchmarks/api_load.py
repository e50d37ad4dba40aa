"""HTTP clients over connections that stay open, each asking again once it is answered. Started by `api`.

Reads what to do as JSON from standard input, `{"port", "request", "clients", "seconds"}`, and prints what it saw:
`{"seconds", "latencies_ms", "statuses", "bodies"}`. No library in between: it would cost more than it measures.
"""

import asyncio
import json
import re
import sys
import time

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_END_OF_HEAD = b"\r\n\r\n"


class Client(asyncio.Protocol):
    """One connection: asks, reads the whole answer, and asks again until `ends_at`."""

    def __init__(self, request: bytes, ends_at: float) -> None:
        self.request, self.ends_at = request, ends_at
        self.latencies: list[float] = []
        self.answers: list[bytes] = []
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._ask()

    def _ask(self) -> None:
        self.buffer, self.expected = bytearray(), 0
        self.asked_at = time.perf_counter()
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.expected and (end := self.buffer.find(_END_OF_HEAD)) >= 0:
            length = _LENGTH.search(self.buffer, 0, end)
            assert length, "an answer without a Content-Length"
            self.expected = end + len(_END_OF_HEAD) + int(length[1])
        if self.expected and len(self.buffer) >= self.expected:
            self._answered()

    def _answered(self) -> None:
        now = time.perf_counter()
        self.latencies.append(now - self.asked_at)
        self.answers.append(bytes(self.buffer))
        if now < self.ends_at:
            self._ask()
        else:
            self.done.set_result(None)
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("the server closed a connection before it had answered"))


async def load(port: int, request: bytes, clients: int, seconds: float) -> dict[str, object]:
    loop, began = asyncio.get_running_loop(), time.perf_counter()
    made = [
        await loop.create_connection(lambda: Client(request, began + seconds), "127.0.0.1", port)
        for _ in range(clients)
    ]
    await asyncio.gather(*[client.done for _, client in made])
    took = time.perf_counter() - began
    answers = [answer for _, client in made for answer in client.answers]
    return {
        "seconds": took,
        "latencies_ms": [round(1000 * latency, 3) for _, client in made for latency in client.latencies],
        "statuses": [int(answer.split(b" ", 2)[1]) for answer in answers],
        "bodies": [answer.partition(_END_OF_HEAD)[2].decode() for answer in answers],
    }


if __name__ == "__main__":
    what = json.load(sys.stdin)
    print(json.dumps(asyncio.run(load(what["port"], what["request"].encode(), what["clients"], what["seconds"]))))
