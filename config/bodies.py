"""Reads a request's body before a thread is taken for it: whole, no more than may be, and not for ever.

Threads are few, and one that reads a body waits as long as its client likes.
"""

import asyncio
from contextlib import suppress

from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope

from config.answers import Answer, problem_answer

BODY_SECONDS = 30.0
LINGER_SECONDS = 1.0


class Refused(Exception):
    """The body isn't taken. `answer` says why; None when nobody is there to hear it."""

    def __init__(self, answer: Answer | None) -> None:
        self.answer = answer


async def read(
    scope: HTTPScope, receive: ASGIReceiveCallable, *, max_bytes: int, seconds: float = BODY_SECONDS
) -> bytes:
    """The whole body, however it is framed. Raises Refused, as soon as it says or shows that it is too large."""
    if _declared_length(scope) > max_bytes:
        raise _too_large(max_bytes)
    try:
        async with asyncio.timeout(seconds):
            return await _received(receive, max_bytes)
    except TimeoutError:
        message = f"The body didn't arrive within {seconds:g} seconds."
        raise Refused(problem_answer(408, "REQUEST_TIMEOUT", message)) from None


def _declared_length(scope: HTTPScope) -> int:
    """0 where nothing is said that could be counted on."""
    lengths = [value for name, value in scope["headers"] if name == b"content-length"]
    return max((int(length.lstrip(b"0")[:20] or 0) for length in lengths if length.isdigit()), default=0)


async def _received(receive: ASGIReceiveCallable, max_bytes: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Refused(None)
        body += message.get("body", b"")
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
        if not message.get("more_body", False):
            return bytes(body)


def _too_large(max_bytes: int) -> Refused:
    return Refused(problem_answer(413, "PAYLOAD_TOO_LARGE", f"The body is larger than {max_bytes:,} bytes."))


async def refuse(answer: Answer, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Answers at once, and lets by for a moment what the client still sends, before the connection ends.

    A socket that is closed on bytes that nobody has read resets the connection, and then many a client never gets to
    see the answer.
    """
    await answer.send(send, is_last=False)
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            await _let_by(receive)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _let_by(receive: ASGIReceiveCallable) -> None:
    more = True
    while more:
        message = await receive()
        more = message["type"] == "http.request" and message.get("more_body", False)
