"""Tells an event loop when executions end, so that those who wait hold neither a thread nor a connection."""

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import batched
from uuid import UUID

from django.db import close_old_connections

from executions.models import Execution

LOOK_SECONDS = 0.05
MAX_PAUSE_SECONDS = 1.0
PAUSE_PER_LOOK = 9
"""So that looking takes a tenth of the time at most, however many wait."""

IDS_A_QUERY = 500

logger = logging.getLogger(__name__)


class Endings:
    """Of one event loop. It looks for the ends itself, for all who wait at once, and only while somebody does."""

    def __init__(self) -> None:
        self._awaited: dict[UUID, set[asyncio.Future[bool]]] = {}
        self._watch: asyncio.Task[None] | None = None
        self._is_over = False

    @contextmanager
    def awaited(self, execution_id: UUID) -> Iterator[asyncio.Future[bool]]:
        """A future that is True once the execution has ended, and False when waiting is over before that."""
        future = asyncio.get_running_loop().create_future()
        if self._is_over:
            future.set_result(False)
        self._awaited.setdefault(execution_id, set()).add(future)
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._look())
        try:
            yield future
        finally:
            self._awaited[execution_id].discard(future)
            if not self._awaited[execution_id]:
                del self._awaited[execution_id]

    def stop_waiting(self) -> None:
        """Lets go of all who wait, and of all who will: the server stops."""
        self._is_over = True
        self._tell(list(self._awaited), has_ended=False)

    async def _look(self) -> None:
        while self._awaited:
            began = time.monotonic()
            try:
                self._tell(await asyncio.to_thread(_ended, list(self._awaited)), has_ended=True)
                pause = max(LOOK_SECONDS, PAUSE_PER_LOOK * (time.monotonic() - began))
            except Exception:  # whatever ails the database, the next look is the mend
                logger.exception("looking for executions that ended failed; trying again")
                pause = MAX_PAUSE_SECONDS
            await asyncio.sleep(min(pause, MAX_PAUSE_SECONDS))

    def _tell(self, execution_ids: Iterable[UUID], *, has_ended: bool) -> None:
        for execution_id in execution_ids:
            for future in self._awaited.get(execution_id, ()):
                if not future.done():
                    future.set_result(has_ended)


def _ended(execution_ids: list[UUID]) -> list[UUID]:
    """Those of them that have ended."""
    ended: list[UUID] = []
    try:
        for some in batched(execution_ids, IDS_A_QUERY):
            ended += Execution.objects.filter(pk__in=some, wake_at=None).values_list("pk", flat=True)
    finally:
        close_old_connections()
    return ended
