"""What the workers do to the world: a server that takes its time, and knows which effect each request was."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.workflows.http_server import Exchange, Server, serving

KEY = "idempotency-key"


@dataclass
class Effects:
    """`seconds` is how long each takes; the next `unwell` of them are answered 503.

    An effect is known by its idempotency key, `<execution>:<path>`.
    """

    seconds: float = 0.0
    unwell: int = 0
    server: Server | None = None

    @property
    def authority(self) -> str:
        assert self.server is not None
        return self.server.authority

    @property
    def url(self) -> str:
        return f"http://{self.authority}"

    @property
    def in_order(self) -> list[str]:
        """The key of each request, as they came."""
        assert self.server is not None
        return [request.headers[KEY] for request in tuple(self.server.received)]

    def answer(self, exchange: Exchange) -> None:
        time.sleep(self.seconds)
        is_unwell, self.unwell = self.unwell > 0, max(0, self.unwell - 1)
        exchange.reply(503 if is_unwell else 200)


@contextmanager
def counting() -> Iterator[Effects]:
    effects = Effects()
    with serving(effects.answer) as server:
        effects.server = server
        yield effects
