"""A server that remembers what it was asked, and whose paths say how it answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock

from tests.workflows.http_server import Exchange, Received, Server, serving


@dataclass
class Sink:
    """`…/held`: the first request gets no answer before the test ends. `…/flaky`: the first one gets 503.

    `…/until-released`: all are answered once `released` is set. Anything else: 200.
    """

    released: Event = field(default_factory=Event)
    server: Server | None = None
    _counting: Lock = field(default_factory=Lock)
    _counts: dict[str, int] = field(default_factory=dict)

    @property
    def authority(self) -> str:
        assert self.server is not None
        return self.server.authority

    @property
    def url(self) -> str:
        return f"http://{self.authority}"

    def asked(self, path: str) -> list[Received]:
        assert self.server is not None
        return [request for request in tuple(self.server.received) if request.path == path]

    def answer(self, exchange: Exchange) -> None:
        is_first = self._count(exchange.path) == 1
        match exchange.path.rpartition("/")[2]:
            case "held" if is_first:
                exchange.stopping.wait()
            case "flaky" if is_first:
                exchange.reply(503)
            case "until-released":
                while not (self.released.wait(0.05) or exchange.stopping.is_set()):
                    pass
                exchange.reply()
            case _:
                exchange.reply()

    def _count(self, path: str) -> int:
        with self._counting:
            self._counts[path] = self._counts.get(path, 0) + 1
            return self._counts[path]


@contextmanager
def listening() -> Iterator[Sink]:
    sink = Sink()
    with serving(sink.answer) as server:
        sink.server = server
        yield sink
