"""Serves live streams from the event loop: no thread and no connection is held for them."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import replace
from itertools import batched
from typing import Any

from asgiref.typing import ASGIReceiveCallable, ASGISendCallable
from django.db import connection

from config.answers import Answer, left, problem_answer
from config.metrics import STREAMS
from executions.models import Execution
from executions.stream.boards import Boards
from executions.stream.events import encoded
from executions.stream.following import follow
from executions.stream.handing import HANDED_OVER
from executions.stream.hub import Hub
from executions.stream.passes import Holder, Pass
from executions.stream.watching import watch

PASS_HEADER = HANDED_OVER.lower().encode()
STREAMS_OF_A_USER = 20
RETRY_AFTER_SECONDS = 5
LOOK_SECONDS = 14.0
"""In which everybody is asked about once, in the order in which they came; so twice that at most passes in between."""
HOLDERS_AT_ONCE = 4
PART_BYTES = 65_536
RECONNECT = b"retry: 1000\n\n"

logger = logging.getLogger(__name__)


class Streams:
    """Of one event loop. `at_most` streams are served at once."""

    def __init__(self, hub: Hub, boards: Boards, *, at_most: int) -> None:
        self._hub = hub
        self._boards = boards
        self._at_most = at_most
        self._open: dict[asyncio.Future[bytes], Pass] = {}
        self._within: set[asyncio.Task[Any] | None] = set()
        self._watch: asyncio.Task[None] | None = None
        self._is_over = False

    async def serve(self, opened: Answer, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Streams to the pass's holder until the execution ends, he leaves or loses access, or the server stops."""
        handed = Pass.loaded(opened.header(PASS_HEADER))
        if refusal := self._refusal(handed.holder):
            await refusal.send(send)
            return
        headers = [pair for pair in opened.headers if pair[0] not in (PASS_HEADER, b"content-length")]
        closed: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._open[closed] = handed
        STREAMS.inc()
        try:
            await replace(opened, headers=headers, body=RECONNECT).send(send, is_last=False)
            last = await self._served(handed, closed, receive, send)
        finally:
            del self._open[closed]
            STREAMS.dec()
        await send({"type": "http.response.body", "body": last, "more_body": False})

    def stop(self) -> None:
        """Ends all streams, and those to come: their clients find another server."""
        self._is_over = True
        self._close(self._open, b"")

    def _refusal(self, holder: Holder) -> Answer | None:
        users = Counter(handed.holder.user_id for handed in self._open.values())
        if self._is_over:
            status, code, message = 503, "UNAVAILABLE", "The server stops; connect again."
        elif users[holder.user_id] >= STREAMS_OF_A_USER:
            status, code, message = 429, "RATE_LIMITED", f"A user has {STREAMS_OF_A_USER} streams at most; close one."
        elif len(self._open) >= self._at_most:
            status, code, message = 429, "RATE_LIMITED", "This server has as many streams as it serves; try again."
        else:
            return None
        answer = problem_answer(status, code, message)
        return replace(answer, headers=[*answer.headers, (b"retry-after", str(RETRY_AFTER_SECONDS).encode())])

    async def _served(
        self,
        handed: Pass,
        closed: asyncio.Future[bytes],
        receive: ASGIReceiveCallable,
        send: ASGISendCallable,
    ) -> bytes:
        """What to send last."""
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._look())
        sending = asyncio.create_task(self._send(handed, send))
        leaving = asyncio.create_task(left(receive))
        try:
            any_of: list[asyncio.Future[Any]] = [sending, leaving, closed]
            await asyncio.wait(any_of, return_when=asyncio.FIRST_COMPLETED)
            if closed.done():
                return b"" if sending in self._within else closed.result()
            return sending.result() if sending.done() else b""
        finally:
            self._within.discard(sending)
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)

    async def _send(self, handed: Pass, send: ASGISendCallable) -> bytes:
        """In parts, so that a client that reads slowly has no more than one of them in memory."""
        try:
            async with aclosing(self._events(handed)) as events:
                async for event in events:
                    await self._send_whole(event, send)
        except Execution.DoesNotExist:
            return encoded("error", {"message": "This execution is there no longer."})
        except Exception:
            logger.exception("a stream broke off: %s", handed)
            return encoded("error", {"message": "The stream can't go on; connect again."})
        return b""

    async def _send_whole(self, event: bytes, send: ASGISendCallable) -> None:
        """Whoever is cut off within it is told nothing more: that would pass for a part of it."""
        task = asyncio.current_task()
        for start in range(0, len(event), PART_BYTES):
            part = event[start : start + PART_BYTES]
            await send({"type": "http.response.body", "body": part, "more_body": True})
            has_more = start + PART_BYTES < len(event)
            (self._within.add if has_more else self._within.discard)(task)

    def _events(self, handed: Pass) -> AsyncGenerator[bytes]:
        if handed.execution_id is None:
            return watch(self._boards, handed.holder.workspace_id, handed.since)
        return follow(self._hub, handed.execution_id, handed.since)

    async def _look(self) -> None:
        """Closes the streams of those who may follow no longer, and runs while there are streams.

        It asks about a few at a time: whoever runs executions in this process shares the interpreter with it.
        """
        now = asyncio.get_running_loop().time
        while self._open:
            began = now()
            some_of_all = list(batched(dict.fromkeys(each.holder for each in self._open.values()), HOLDERS_AT_ONCE))
            for number, some in enumerate(some_of_all, 1):
                await asyncio.sleep(max(0.0, began + LOOK_SECONDS * number / len(some_of_all) - now()))
                await self._close_lost(some)

    async def _close_lost(self, holders: Iterable[Holder]) -> None:
        try:
            gone = await asyncio.to_thread(_gone, holders)
        except Exception:  # whatever ails the database, the next look is the mend
            logger.exception("asking who may follow failed; trying again")
            return
        lost = [closed for closed, handed in self._open.items() if handed.holder in gone] if gone else []
        self._close(lost, encoded("error", {"message": "You may follow this no longer."}))

    def _close(self, streams: Iterable[asyncio.Future[bytes]], last: bytes) -> None:
        for closed in list(streams):
            if not closed.done():
                closed.set_result(last)


def _gone(holders: Iterable[Holder]) -> set[Holder]:
    try:
        return {holder for holder in holders if not holder.may_still()}
    finally:
        connection.close_if_unusable_or_obsolete()
