"""Passes on what happens to executions, to all in this process who follow them: read once, encoded once.

Whoever commits says so (a hint), the sources bring the hints of other processes, and a look at the positions every
second makes up for hints that were lost. What is passed on is always read from the rows.
"""

import asyncio
import sys
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from itertools import batched
from uuid import UUID

from django.db import connection
from django_eventstream.event import Event
from django_eventstream.views import Listener, ListenerManager

from executions.engine.announcements import Announcement
from executions.models import Execution
from executions.stream import listeners, reading
from executions.stream.events import events_of
from executions.stream.pump import Pump
from executions.stream.reading import Reading
from executions.stream.sources import Source

LOOK_SECONDS = 1.0
REST = 4
"""Between two looks, in times of what the first one took: they take no more than a fifth of the time."""
REST_WHEN_TOLD = 19
"""The same while news may well be our own, of which we are told anyway: then a twentieth of the time."""
TOLD_SECONDS = 0.1
"""For how long after we were told of something that is so."""
QUIET_SECONDS = 0.005
MOST_PAUSE_SECONDS = 0.06
IDS_A_QUERY = 500
READERS = 2
GONE = sys.maxsize
"""Beyond all positions, as that of an execution that was deleted."""


class Batch(Event):  # type: ignore[misc]  # the library has no types
    """What happened between two positions, encoded. `since` is the position behind which it begins."""

    def __init__(self, channel: str, read: Reading) -> None:
        super().__init__(channel, "batch", {}, read.position)
        self.since = read.since
        self.position = read.position
        self.has_ended = read.ending is not None
        self.body = events_of(read)


class Hub:
    """Of one process. Its threads run only while somebody follows an execution."""

    def __init__(self) -> None:
        self._manager = ListenerManager()
        self._lock = threading.Lock()
        self._followed: dict[UUID, int] = {}
        self._positions: dict[UUID, int] = {}
        self._touched: set[UUID] = set()
        self._awake = threading.Event()
        self._pump = Pump("trilith-stream", hear=self.heard, is_needed=self._is_needed, turn=self._turn)
        self._told_at = 0.0
        self._hints = 0
        self._looked_at = self._look_took = self._look_at = 0.0
        self._reads: dict[tuple[UUID, int], asyncio.Future[Reading]] = {}
        self._readers = ThreadPoolExecutor(READERS, "trilith-stream-reader")

    @asynccontextmanager
    async def following(self, execution_id: UUID) -> AsyncIterator[Listener]:
        """A listener that gets each Batch from here on, unless it falls behind: then it says `overflow`."""
        async with listeners.listening(self._manager, str(execution_id)) as listener:
            self._begin(execution_id)
            try:
                yield listener
            finally:
                self._end(execution_id)

    async def read(self, execution_id: UUID, since: int) -> Reading:
        """What happened since. Those who ask the same at the same time share an answer, unless it's too old for one."""
        found = await self._shared(execution_id, since)
        while found.position < self._passed_on(execution_id, found.position):
            found = await self._shared(execution_id, since)
        return found

    def _shared(self, execution_id: UUID, since: int) -> asyncio.Future[Reading]:
        """A reading that isn't over yet: to wait for one that is lets nobody else of the event loop run."""
        key = execution_id, since
        reads = self._reads.get(key)
        if reads is None or reads.done():
            reads = asyncio.get_running_loop().run_in_executor(self._readers, _read, execution_id, since)
            reads.add_done_callback(partial(self._forget, key))
            self._reads[key] = reads
        return asyncio.shield(reads)

    def _forget(self, key: tuple[UUID, int], reads: asyncio.Future[Reading]) -> None:
        if self._reads.get(key) is reads:
            del self._reads[key]

    def _passed_on(self, execution_id: UUID, read: int) -> int:
        """The position up to which everybody who listens has got everything; what is `read` first is the beginning."""
        with self._lock:
            if execution_id in self._followed and execution_id not in self._positions:
                self._positions[execution_id] = read
                self._touched.add(execution_id)  # what was hinted at before there was a position to compare with
                self._awake.set()
            return self._positions.get(execution_id, 0)

    def taken(self, listener: Listener) -> tuple[list[Batch], bool]:
        return listeners.taken(self._manager, listener)

    def heard(self, news: Announcement) -> None:
        self._told_at = time.monotonic()
        self.touch(news.execution_id, news.position)

    def touch(self, execution_id: UUID, position: int) -> None:
        """A hint that the execution has come to this position."""
        with self._lock:
            if self._positions.get(execution_id, position) < position:
                self._hints += 1
                self._touched.add(execution_id)
                self._awake.set()

    def _begin(self, execution_id: UUID) -> None:
        with self._lock:
            self._followed[execution_id] = self._followed.get(execution_id, 0) + 1
        self._pump.start()

    def _end(self, execution_id: UUID) -> None:
        with self._lock:
            self._followed[execution_id] -= 1
            if not self._followed[execution_id]:
                del self._followed[execution_id]
                self._positions.pop(execution_id, None)
                self._touched.discard(execution_id)
                self._awake.set()

    def _is_needed(self) -> bool:
        return bool(self._followed)

    def _turn(self, others: Source) -> None:
        self._awake.wait(others.pause)
        self._awake.clear()
        self._note_news(others)
        if time.monotonic() > self._look_at:
            self._look()
        hints = self._hints
        for execution_id in self._taken():
            self._pass_on(execution_id)
        self._leave_time(hints)

    def _leave_time(self, hints: int) -> None:
        """To whoever makes what is passed on: what comes faster than it can be passed on is read in a few goes.

        They share an interpreter. So it rests until nothing has come for a moment, or somebody has waited for too long.
        """
        ends_at = time.monotonic() + MOST_PAUSE_SECONDS
        while hints != self._hints and time.monotonic() < ends_at:
            hints = self._hints
            threading.Event().wait(QUIET_SECONDS)

    def _taken(self) -> set[UUID]:
        with self._lock:
            touched, self._touched = self._touched, set()
            return touched

    def _note_news(self, others: Source) -> None:
        """News are looked for soon; later, when they may be what we were told: SQLite's source hears us commit too."""
        if others.has_news():
            rest = REST_WHEN_TOLD if time.monotonic() - self._told_at < TOLD_SECONDS else REST
            self._look_at = min(self._look_at, self._looked_at + rest * self._look_took)

    def _look(self) -> None:
        """Finds who has moved on without our having been told."""
        began = time.monotonic()
        with self._lock:
            known = list(self._positions)
        for some in batched(known, IDS_A_QUERY):
            found = reading.positions(some)
            for execution_id in some:
                self.touch(execution_id, found.get(execution_id, GONE))
        self._looked_at = time.monotonic()
        self._look_took, self._look_at = self._looked_at - began, self._looked_at + LOOK_SECONDS

    def _pass_on(self, execution_id: UUID) -> None:
        with self._lock:
            since = self._positions.get(execution_id)
        if since is None:
            return
        channel = str(execution_id)
        try:
            batch = Batch(channel, reading.read(execution_id, since))
        except Execution.DoesNotExist:
            self._let_read(channel)
            return
        with self._lock:
            if execution_id in self._positions:
                self._positions[execution_id] = batch.position
        if batch.position > since:
            self._manager.add_to_queues(channel, batch)

    def _let_read(self, channel: str) -> None:
        """As after an overflow, so that each listener finds for itself that there is nothing to read any more."""
        with self._manager.lock:
            for listener in self._manager.listeners_by_channel.get(channel, ()):
                listener.overflow = True
                listener.wake_threadsafe()


def _read(execution_id: UUID, since: int) -> Reading:
    try:
        return reading.read(execution_id, since)
    finally:
        connection.close()
