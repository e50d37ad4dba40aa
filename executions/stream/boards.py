"""Passes on what happens in workspaces, to all in this process who follow them: read once, encoded once.

Slower than the stream of one execution, since a dashboard is looked at by people: five readings a second at most.
"""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from uuid import UUID

from django.db import connection
from django_eventstream.event import Event
from django_eventstream.views import Listener, ListenerManager

from executions.engine.announcements import Announcement
from executions.states import UNFINISHED
from executions.stream import listeners, overview
from executions.stream.events import states_of
from executions.stream.overview import Mark, Sheet
from executions.stream.pump import Pump
from executions.stream.sources import Source

READING_SECONDS = 0.2
LOOK_SECONDS = 1.0
READERS = 2


class Posted(Event):  # type: ignore[misc]  # the library has no types
    """A sheet for all who follow the workspace."""

    def __init__(self, channel: str, sheet: Sheet) -> None:
        super().__init__(channel, "sheet", {}, sheet.cursor)
        self.sheet = sheet
        self.body = states_of(sheet)


class Board:
    """Of one workspace: what was passed on of it, and when it is to be read again."""

    def __init__(self, workspace_id: UUID) -> None:
        self._workspace_id = workspace_id
        self._lock = threading.Lock()
        self._cursor = 0
        self._marks: dict[UUID, Mark] = {}
        self._earliest = self._latest = 0.0
        self._is_touched = False

    def touch(self) -> bool:
        """A hint that something has changed; whether it is the first since the last reading."""
        was_touched, self._is_touched = self._is_touched, True
        return not was_touched

    def is_due(self, now: float) -> bool:
        return bool(self._cursor) and now >= (self._earliest if self._is_touched else self._latest)

    def begin(self) -> None:
        """What is there by now is for the openings to tell."""
        if self._cursor:
            return
        with self._lock:
            if not self._cursor:
                latest = overview.latest_cursor()
                self._marks, self._cursor = overview.marks(self._workspace_id, latest), latest

    def read(self) -> Iterator[Sheet]:
        """What has changed since the last time; takes no more than a fifth of the time for it."""
        begun, self._is_touched = time.monotonic(), False
        with self._lock:
            latest = max(self._cursor, overview.latest_cursor())
            found = overview.marks(self._workspace_id, self._cursor)
            for sheet in overview.sheets(self._changed(found), self._cursor, latest):
                found.update(overview.mark_of(state) for state in sheet.states)
                yield sheet
            self._marks, self._cursor = found, latest
        ended = time.monotonic()
        rest = 4 * (ended - begun)
        self._earliest, self._latest = ended + max(rest, READING_SECONDS), ended + max(rest, LOOK_SECONDS)

    def _changed(self, found: dict[UUID, Mark]) -> list[UUID]:
        """Also those that are gone without an end: they ended in a transaction that took longer than the margin."""
        gone = [key for key, (_, status) in self._marks.items() if status in UNFINISHED and key not in found]
        return gone + [key for key, mark in found.items() if self._marks.get(key) != mark]


class Boards:
    """Of one process. Its threads run only while somebody follows a workspace."""

    def __init__(self) -> None:
        self._manager = ListenerManager()
        self._lock = threading.Lock()
        self._followers: Counter[UUID] = Counter()
        self._boards: dict[UUID, Board] = {}
        self._awake = threading.Event()
        self._pump = Pump("trilith-boards", hear=self.heard, is_needed=self._is_needed, turn=self._turn)
        self._readers = ThreadPoolExecutor(READERS, "trilith-board-reader")

    @asynccontextmanager
    async def following(self, workspace_id: UUID) -> AsyncIterator[Listener]:
        """A listener that gets all that changes from here on, unless it falls behind: then it says `overflow`."""
        async with listeners.listening(self._manager, str(workspace_id)) as listener:
            board = self._begin(workspace_id)
            try:
                await self._read(board.begin)
                yield listener
            finally:
                self._end(workspace_id)

    async def latest_cursor(self) -> int:
        return await self._read(overview.latest_cursor)

    async def present(self, workspace_id: UUID, since: int) -> AsyncIterator[Sheet]:
        """As the overview tells it; each sheet is read when it is asked for."""
        sheets = overview.present(workspace_id, since)
        while sheet := await self._read(lambda: next(sheets, None)):
            yield sheet

    def taken(self, listener: Listener) -> tuple[list[Posted], bool]:
        return listeners.taken(self._manager, listener)

    def heard(self, news: Announcement) -> None:
        board = self._boards.get(news.workspace_id)
        if board and board.touch():
            self._awake.set()

    def _begin(self, workspace_id: UUID) -> Board:
        with self._lock:
            self._followers[workspace_id] += 1
            board = self._boards.setdefault(workspace_id, Board(workspace_id))
        self._pump.start()
        return board

    def _end(self, workspace_id: UUID) -> None:
        with self._lock:
            self._followers[workspace_id] -= 1
            if not self._followers[workspace_id]:
                del self._followers[workspace_id], self._boards[workspace_id]
                self._awake.set()

    def _is_needed(self) -> bool:
        return bool(self._boards)

    def _turn(self, others: Source) -> None:
        self._awake.wait(READING_SECONDS)
        self._awake.clear()
        with self._lock:
            boards = dict(self._boards)
        if others.has_news():
            for board in boards.values():
                board.touch()
        for workspace_id, board in boards.items():
            if board.is_due(time.monotonic()):
                _closing(partial(self._post, str(workspace_id), board))

    def _post(self, channel: str, board: Board) -> None:
        for sheet in board.read():
            self._manager.add_to_queues(channel, Posted(channel, sheet))

    async def _read[T](self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, _closing, work)


def _closing[T](work: Callable[[], T]) -> T:
    """Keeps no connection from others between two readings."""
    try:
        return work()
    finally:
        connection.close()
