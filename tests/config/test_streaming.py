"""Streams as the server sends them, to a client that takes its time."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, cast
from uuid import UUID

import pytest

from config.answers import Answer
from config.streaming import PART_BYTES, PASS_HEADER, Streams
from executions.stream.passes import Holder, Pass

SOME_ID = UUID(int=1)
LAST = b"event: error\ndata: {}\n\n"


class OneEvent(Streams):
    def __init__(self, event: bytes) -> None:
        super().__init__(cast(Any, None), cast(Any, None), at_most=1)
        self.event = event

    async def _events(self, handed: Pass) -> AsyncGenerator[bytes]:
        yield self.event
        await asyncio.Event().wait()


async def cut_off(event: bytes, *, after: int) -> bytes:
    """What comes to a client that has taken so many parts of the event when its stream is closed."""
    streams, taken, came = OneEvent(event), asyncio.Event(), list[bytes]()

    async def send(message: Any) -> None:
        if len(came) == 2 + after and message.get("more_body"):
            taken.set()
            await asyncio.Event().wait()
        came.append(message.get("body", b""))
        if len(came) == 2 + after and after * PART_BYTES >= len(event):
            taken.set()

    async def receive() -> Any:
        await asyncio.Event().wait()

    handed = Pass(Holder(1, None, SOME_ID), SOME_ID, 0)
    opened = Answer(200, [(PASS_HEADER, handed.dumped().encode())], b"")
    serving = asyncio.create_task(streams.serve(opened, cast(Any, receive), cast(Any, send)))
    await asyncio.wait_for(taken.wait(), 5)
    streams._close(list(streams._open), LAST)
    await asyncio.wait_for(serving, 5)
    return b"".join(came[2:])


@pytest.mark.parametrize(
    ("after", "says_why"), [(0, True), (1, False), (2, True)], ids=["before it", "within it", "behind it"]
)
def test_one_that_is_closed_within_an_event_says_nothing_more(after: int, *, says_why: bool) -> None:
    """That would pass for a part of the event; and the client asks again."""
    event = b"event: step\ndata: " + b"1" * PART_BYTES + b"\n\n"

    came = asyncio.run(cut_off(event, after=after))

    assert came == event[: after * PART_BYTES] + (LAST if says_why else b"")
