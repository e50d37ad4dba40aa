"""Holds the answer to a client that waits for the end of an execution, without a thread and without a connection.

A view that is asked to wait says 202 with `Location` and `Preference-Applied: wait=N` to a request that is marked
HELD_BY_SERVER. What is left to do is done here: once the execution has ended, its Location is read in the client's
name.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from enum import Enum, auto
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import orjson
from asgiref.typing import ASGIReceiveCallable, HTTPScope

from config.answers import Answer, Headers, left
from executions.endings import Endings

_APPLIED_WAIT = re.compile(rb"wait=(\d+)")
_OF_THE_START = (b"content-length", b"content-type", b"expect", b"idempotency-key", b"prefer", b"transfer-encoding")

type Ask = Callable[[HTTPScope, bytes], Awaitable[Answer]]


class Outcome(Enum):
    ENDED = auto()
    STILL_RUNS = auto()
    SERVER_STOPS = auto()
    CLIENT_LEFT = auto()


class Holding:
    """`ask` is how the app is asked; `at_once` bounds how many of its threads those take whose wait is over."""

    def __init__(self, ask: Ask, endings: Endings, *, at_once: int) -> None:
        self._ask = ask
        self._endings = endings
        self._turns = asyncio.Semaphore(at_once)

    async def hold(self, first: Answer, scope: HTTPScope, receive: ASGIReceiveCallable) -> Answer | None:
        """The answer that the client gets, when it is time for it; None when the client has left."""
        seconds = _seconds_to_hold(first)
        if not seconds:
            return first
        path = unquote(first.header(b"location").decode("ascii"))
        outcome = await self._outcome(UUID(path.rpartition("/")[2]), seconds, receive)
        match outcome:
            case Outcome.CLIENT_LEFT:
                return None
            case Outcome.SERVER_STOPS:
                return first
        async with self._turns:
            later = await self._ask(_reading(scope, path), b"")
        return _joined(first, later, has_ended=outcome is Outcome.ENDED)

    async def _outcome(self, execution_id: UUID, seconds: int, receive: ASGIReceiveCallable) -> Outcome:
        leaving = asyncio.create_task(left(receive))
        try:
            with self._endings.awaited(execution_id) as ended:
                either: list[asyncio.Future[Any]] = [ended, leaving]
                await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
                if leaving.done():
                    return Outcome.CLIENT_LEFT
                if not ended.done():
                    return Outcome.STILL_RUNS
                return Outcome.ENDED if ended.result() else Outcome.SERVER_STOPS
        finally:
            leaving.cancel()


def _seconds_to_hold(answer: Answer) -> int:
    """0 for an answer that isn't to be held: an error, an execution that has ended, or nobody who would wait."""
    applied = _APPLIED_WAIT.fullmatch(answer.header(b"preference-applied"))
    return int(applied[1]) if applied and answer.status == HTTPStatus.ACCEPTED else 0


def _reading(scope: HTTPScope, path: str) -> HTTPScope:
    """A GET by the same client, so that it is asked again whether it may."""
    headers = [(name, value) for name, value in scope["headers"] if name not in _OF_THE_START]
    changed = {"method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": headers}
    return {**scope, **changed}  # type: ignore[typeddict-item]  # mypy doesn't see which keys a union has


def _joined(first: Answer, later: Answer, *, has_ended: bool) -> Answer:
    """The later content under the first answer's headers.

    Who may execute and not read, or may ask no more for now, was accepted all the same; any other error is the answer.
    """
    if later.status in (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS):
        return first
    if later.status != HTTPStatus.OK:
        return later
    ended = has_ended or orjson.loads(later.body)["execution"]["completedAt"] is not None
    headers: Headers = [pair for pair in first.headers if not pair[0].startswith(b"content-")]
    headers += [pair for pair in later.headers if pair[0].startswith(b"content-")]
    return replace(later, status=HTTPStatus.OK if ended else HTTPStatus.ACCEPTED, headers=headers)
