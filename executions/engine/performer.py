"""Calls handlers, on threads of their own so that one that hangs can be left behind; makes data of what comes."""

import asyncio
import contextvars
import inspect
import threading
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any
from uuid import UUID

from django.db import connections
from pydantic import ValidationError

from workflows.actions.context import ActionContext, ActionError, Pause, Steer
from workflows.actions.registry import ActionType
from workflows.documents import DocumentError, Json, encode

MAX_IDLE_THREADS = 32
MAX_MESSAGE_CHARACTERS = 2_000
MAX_DETAILS_BYTES = 16 * 1024
MAX_TRACE_CALLS = 8


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt failed, as the step's row shows it."""

    code: str
    message: str
    retryable: bool = True
    details: Json = None
    traceback: str = ""

    def as_json(self) -> Json:
        """`{"code", "message", "details"?, "traceback"?}`; the traceback is for operators' eyes."""
        more: dict[str, Json] = {"details": self.details, "traceback": self.traceback}
        return {"code": self.code, "message": self.message, **{name: value for name, value in more.items() if value}}


type Outcome = Steer | Pause | Failure


def status_of(outcome: Outcome) -> str:
    """How an attempt went, in the one word that metrics and traces have for it."""
    match outcome:
        case Failure():
            return "failed"
        case Pause():
            return "paused"
    return "success"


class Call:
    """A handler at work on another thread. `wait` gives its outcome, or None when it hasn't one yet."""

    def __init__(self, work: Callable[[], Outcome], execution_id: UUID, cancelled: threading.Event) -> None:
        self.execution_id = execution_id
        self._work = work
        self._outcome: Outcome | None = None
        self._settled = threading.Event()
        self._cancelled = cancelled

    def wait(self, seconds: float) -> Outcome | None:
        self._settled.wait(seconds)
        return self._outcome

    def interrupt(self) -> None:
        """Tells a cooperative handler to stop, and whoever waits for this call to look why."""
        self._cancelled.set()
        self._settled.set()

    def perform(self) -> None:
        self._outcome = self._work()
        self._settled.set()


class _Thread(threading.Thread):
    """Makes one call after another; while it has none it waits among the idle ones."""

    def __init__(self) -> None:
        super().__init__(name="trilith-handler", daemon=True)
        self.inbox: SimpleQueue[Call] = SimpleQueue()

    def run(self) -> None:
        while True:
            self.inbox.get().perform()
            connections.close_all()
            if len(_idle) >= MAX_IDLE_THREADS:
                return
            _idle.append(self)


_idle: deque[_Thread] = deque()
_calls: set[Call] = set()


def begin(action_type: ActionType, config: Json, context: ActionContext) -> Call:
    """Starts the handler on another thread; `end` it when nobody waits for it any more.

    What it logs and calls there has the ids and the span of this thread.
    """
    in_context = contextvars.copy_context().run
    call = Call(lambda: in_context(perform, action_type, config, context), context.execution_id, context.cancelled)
    try:
        thread = _idle.pop()
    except IndexError:
        thread = _Thread()
        thread.start()
    _calls.add(call)
    thread.inbox.put(call)
    return call


def end(call: Call) -> None:
    """Nobody waits for the call: a handler that is still at work is told so, and left behind if it doesn't listen."""
    _calls.discard(call)
    if call.wait(0) is None:
        call.interrupt()


def interrupt(execution_id: UUID) -> None:
    """Has whoever waits for a handler of this execution in this process look whether it is still theirs."""
    for call in tuple(_calls):
        if call.execution_id == execution_id:
            call.interrupt()


def perform(action_type: ActionType, config: Json, context: ActionContext) -> Outcome:
    """Calls the handler and checks what it gives."""
    return guarded(lambda: _called(action_type, config, context))


def guarded(work: Callable[[], Any]) -> Outcome:
    """What `work()` gives, as an outcome. Nothing it does gets past this but the end of the process."""
    try:
        return _checked(work())
    except BaseException as error:  # noqa: BLE001 (a handler may raise anything, SystemExit too: its step's failure)
        return _failure(error)


def _called(action_type: ActionType, config: Json, context: ActionContext) -> object:
    result = action_type.handler(action_type.config.model_validate(config), context)
    return asyncio.run(_awaited(result, context)) if inspect.iscoroutine(result) else result


async def _awaited(coroutine: Any, context: ActionContext) -> object:
    async with asyncio.timeout(context.remaining()):
        return await coroutine


def _checked(result: Any) -> Outcome:
    outcome = result if isinstance(result, Steer | Pause) else Steer(result)
    encode(outcome.output)
    return outcome


def _failure(error: BaseException) -> Failure:
    match error:
        case ActionError():
            return _described(error)
        case ValidationError():
            faults = [f"config.{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
            return Failure("INVALID_CONFIG", "; ".join(faults), retryable=False)
        case DocumentError():
            return Failure("INVALID_OUTPUT", f"The handler's result isn't JSON that can be kept: {error}", False)
        case TimeoutError():
            return Failure("TIMEOUT", _text(error) or "The handler gave up waiting.")
    return Failure("HANDLER_ERROR", f"{type(error).__name__}: {_text(error)}", traceback=_trace(error))


def _described(error: ActionError) -> Failure:
    code, message, details = _clean(str(error.code)), _clean(str(error.message)), error.details
    try:
        encode(details, max_bytes=MAX_DETAILS_BYTES)
    except DocumentError as fault:
        details = f"left out, since they aren't JSON that can be kept: {_clean(str(fault))}"
    return Failure(code, message, error.retryable, details)


def _text(error: BaseException) -> str:
    try:
        return _clean(str(error))
    except BaseException as fault:  # noqa: BLE001 (the str() of somebody's exception is their code too)
        return f"its text can't be had ({type(fault).__name__})"


def _trace(error: BaseException) -> str:
    """Where it came from, its last calls first to be kept; its own text is told apart, since that may raise."""
    return _clean("".join(traceback.format_tb(error.__traceback__)[-MAX_TRACE_CALLS:]))


def _clean(text: str) -> str:
    """The text as every database can keep it."""
    return text[:MAX_MESSAGE_CHARACTERS].replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()
