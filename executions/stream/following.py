"""The stream of one execution: what has happened, then what happens, with no gap and no repeat."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Iterator
from uuid import UUID

from django_eventstream.views import Listener

from executions.stream import reading
from executions.stream.events import KEEP_ALIVE, encoded, events_of
from executions.stream.hub import Hub
from executions.stream.reading import Reading

KEEP_ALIVE_SECONDS = 15.0
SHORTEST_PATIENCE = 0.6
LOOK_SECONDS = 0.25


async def follow(hub: Hub, execution_id: UUID, since: int) -> AsyncGenerator[bytes]:
    """Events from the position `since` (0: from the beginning) to the execution's end.

    The listener is registered before the rows are read, so nothing falls between; what both of them have is told by
    its position.
    """
    async with hub.following(execution_id) as listener:
        yield encoded("connected", reading.connected(execution_id))
        read = await hub.read(execution_id, since)
        yield _opening(read)
        position, has_ended = read.position, bool(read.ending)
        while not has_ended:
            if not await woken(listener):
                yield KEEP_ALIVE
                continue
            batches, has_gap = hub.taken(listener)
            for batch in batches:
                if batch.since == position:
                    yield batch.body
                    position, has_ended = batch.position, batch.has_ended
                has_gap = has_gap or batch.position > position
            if has_gap and not has_ended:
                read = await hub.read(execution_id, position)
                yield events_of(read)
                position, has_ended = read.position, bool(read.ending)


def follow_blocking(execution_id: UUID, since: int) -> Iterator[bytes]:
    """The same for servers that hold a thread for each response: it looks into the rows again and again."""
    yield encoded("connected", reading.connected(execution_id))
    read = reading.read(execution_id, since)
    yield _opening(read)
    said = time.monotonic()
    while not read.ending:
        time.sleep(LOOK_SECONDS)
        read = reading.read(execution_id, read.position)
        if read.position > read.since:
            yield events_of(read)
        elif time.monotonic() - said > KEEP_ALIVE_SECONDS:
            yield KEEP_ALIVE
        else:
            continue
        said = time.monotonic()


def _opening(read: Reading) -> bytes:
    return encoded("progress", read.progress) + events_of(read)


async def woken(listener: Listener) -> bool:
    """False when nothing has happened for so long that a proxy might think the connection dead.

    Not for all who came together at the same moment.
    """
    patience = random.uniform(SHORTEST_PATIENCE, 1) * KEEP_ALIVE_SECONDS  # noqa: S311 (it hides nothing)
    try:
        async with asyncio.timeout(patience):
            await listener.aevent.wait()
    except TimeoutError:
        return False
    listener.aevent.clear()
    return True
