"""The world outside: a server that remembers which effect each request was, and when it came."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

from tests.workflows.http_server import Exchange, serving

KEY = "Idempotency-Key"
FAILURES = 2


@dataclass(frozen=True, slots=True)
class Request:
    """`path` is the step's; `at` is monotonic."""

    path: str
    at: float


@dataclass
class Sink:
    """`/flaky` is answered 503 so many times for each key, `/missing` 404, all else 200."""

    authority: str = ""
    _requests: dict[str, list[Request]] = field(default_factory=lambda: defaultdict(list))
    _asked: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    @property
    def url(self) -> str:
        return f"http://{self.authority}"

    def of(self, execution: str) -> list[Request]:
        """As they came."""
        with self._lock:
            return [*self._requests[execution]]

    def answer(self, exchange: Exchange) -> None:
        key = exchange.headers[KEY]
        execution, _, path = key.partition(":")
        with self._lock:
            self._requests[execution].append(Request(path, time.monotonic()))
            self._asked[key] += 1
            times = self._asked[key]
        if exchange.path.endswith("/missing"):
            exchange.reply(404)
        else:
            exchange.reply(503 if exchange.path.endswith("/flaky") and times <= FAILURES else 200)


@contextmanager
def recording() -> Iterator[Sink]:
    sink = Sink()
    with serving(sink.answer) as server:
        sink.authority = server.authority
        yield sink
