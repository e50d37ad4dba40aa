"""What uvicorn serves: Django's WSGI app in threads, and beside it, from start to shutdown, the executor."""

import asyncio
import gc
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope
from django.conf import settings
from django.core.management.base import BaseCommand, SystemCheckError

# First of ours, since it sets Django up, which the imports below it need.
from config.wsgi import application as wsgi_application

# isort: split
from config import bodies
from config.holding import Holding
from config.streaming import PASS_HEADER, Streams
from config.threads import Threads
from executions.endings import Endings
from executions.engine import dispatch
from executions.housekeeping import housekeeping
from executions.stream.boards import Boards
from executions.stream.handing import HELD_BY_SERVER
from executions.stream.hub import Hub

_threads = Threads(
    wsgi_application,  # type: ignore[arg-type]  # the stubs don't know that each of its responses can be iterated
    threads=settings.WEB_THREADS,
    marks={HELD_BY_SERVER: "1"},
)
_endings = Endings()
_streams = Streams(Hub(), Boards(), at_most=settings.STREAMS_AT_ONCE)
# Half of the threads are left to the others when many waits are over at once.
_holding = Holding(_threads.ask, _endings, at_once=max(1, settings.WEB_THREADS // 2))
# Cycles are few: what has been made since the last look, and how many looks there are to a look through more.
GARBAGE = (20_000, 20, 20)


async def application(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """The ASGI app: Django answers in threads; what takes long, waits and streams, goes on here without one."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
    elif scope["type"] == "http":
        await _answer(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": 1000, "reason": None})


async def _answer(scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    try:
        body = await bodies.read(scope, receive, max_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    except bodies.Refused as refused:
        if refused.answer:
            await bodies.refuse(refused.answer, receive, send)
        return
    first = await _threads.ask(scope, body)
    if first.header(PASS_HEADER):
        await _streams.serve(first, receive, send)
    elif answer := await _holding.hold(first, scope, receive):
        await answer.send(send)


async def _live(receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Runs the executor between the server's start and its shutdown; refuses to start on wrong settings."""
    await receive()
    try:
        await asyncio.to_thread(BaseCommand(no_color=True).check)  # checks may ask the database
    except SystemCheckError as error:
        await send({"type": "lifespan.startup.failed", "message": str(error)})
        return
    _collect_garbage_seldom()
    with dispatch.dispatcher(), housekeeping(), _told_to_stop(_let_go):
        await send({"type": "lifespan.startup.complete"})
        await receive()
        _let_go()
    await send({"type": "lifespan.shutdown.complete"})


def _collect_garbage_seldom() -> None:
    """To look through all that thousands of streams hold stops everything for 0.1 s; what is loaded by now stays."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE)


def _let_go() -> None:
    """Ends whatever would keep the server from ending."""
    _endings.stop_waiting()
    _streams.stop()


@contextmanager
def _told_to_stop(stop: Callable[[], None]) -> Iterator[None]:
    """Calls `stop` in the event loop when the process is told to end.

    A server says so by the lifespan only after the last response, and those that are held would be the last.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    servers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def tell(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop)
        if callable(server := servers[signal.Signals(number)]):
            server(number, frame)

    numbers = [number for number, server in servers.items() if callable(server)]
    for number in numbers:
        signal.signal(number, tell)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, servers[number])
