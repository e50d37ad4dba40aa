"""Has handlers called on threads of their own, or in processes, so that one that hangs can be left behind."""

import contextvars
import ctypes
import logging
import threading
import time
from collections import deque
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Protocol
from uuid import UUID

from executions.engine import isolation, metrics
from executions.engine.calling import leave_the_pool, perform
from executions.engine.outcomes import Failure, Outcome
from workflows.actions.context import ActionContext
from workflows.actions.registry import ActionType
from workflows.documents import Json

MAX_IDLE_THREADS = 32
MAX_LEFT_BEHIND = 32
"""Handlers of one action type that may be at work in this process though nobody waits for them any more."""
PATIENCE_SECONDS = 0.5
"""What a handler has to end by itself once nobody waits for it, before it is stopped if that is possible."""
COMPUTES_FROM = 0.05
"""Of that time. Many that compute share the interpreter, and one that waits needs none."""

logger = logging.getLogger(__name__)


class Stopped(BaseException):
    """Raised where a handler computes though nobody waits for it. No `except Exception` of its own is to swallow it."""


class Work(Protocol):
    """An attempt: in this thread, or in a process that this thread waits for."""

    def __call__(self) -> Outcome: ...

    def cancel(self) -> None:
        """Tells a cooperative handler to stop."""

    def stop(self) -> None:
        """Ends one that hasn't listened, if that is possible. The call is still at work."""

    def computed_seconds(self) -> float:
        """What it has taken of this process's share of the processors, as long as the call is at work."""


class Here:
    """In the thread that calls it, with the ids and the span of the one that made it."""

    def __init__(self, action_type: ActionType, config: Json, context: ActionContext) -> None:
        self._in_context = contextvars.copy_context()
        self._given = action_type, config, context
        self._thread_id = 0

    def __call__(self) -> Outcome:
        self._thread_id = threading.get_ident()
        return self._in_context.run(perform, *self._given)

    def cancel(self) -> None:
        self._given[-1].cancelled.set()

    def stop(self) -> None:
        """Has Python raise there, which ends a loop that computes; what waits elsewhere hears of it afterwards."""
        if self._thread_id:
            thread, error = ctypes.c_ulong(self._thread_id), ctypes.py_object(Stopped)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, error)

    def computed_seconds(self) -> float:
        if not (self._thread_id and hasattr(time, "pthread_getcpuclockid")):
            return 0.0
        return time.clock_gettime(time.pthread_getcpuclockid(self._thread_id))


class Call:
    """A handler at work on another thread. `wait` gives its outcome, or None when it hasn't one yet."""

    def __init__(self, work: Work, action: str, execution_id: UUID) -> None:
        self.work, self.action, self.execution_id = work, action, execution_id
        self.was_left = False
        self._outcome: Outcome | None = None
        self._settled = threading.Event()

    def wait(self, seconds: float) -> Outcome | None:
        self._settled.wait(seconds)
        return self._outcome

    def interrupt(self) -> None:
        """Tells a cooperative handler to stop, and whoever waits for this call to look why."""
        self.work.cancel()
        self._settled.set()

    def perform(self) -> None:
        self.settle(self.work())

    def settle(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self._settled.set()


class _Thread(threading.Thread):
    """Makes one call after another; while it has none it waits among the idle ones."""

    def __init__(self) -> None:
        super().__init__(name="trilith-handler", daemon=True)
        self.inbox: SimpleQueue[Call] = SimpleQueue()

    def run(self) -> None:
        """What was left behind may be stopped at any moment, also a little late: its thread calls no other."""
        leave_the_pool()
        while True:
            call = self.inbox.get()
            with suppress(Stopped):  # a little late, when it has its outcome already
                call.perform()
            was_left = _was_left(call)
            if was_left:
                _let_go_of_logs()
            leave_the_pool()
            if was_left or len(_idle) >= MAX_IDLE_THREADS:
                return
            _idle.append(self)


def _was_left(call: Call) -> bool:
    """Whether it had been left behind; it comes back, and from then on nobody stops it any more."""
    while True:
        with suppress(Stopped):
            return _came_back(call)


def _let_go_of_logs() -> None:
    """Python 3.12's logging takes a lock before it minds to give it back; who is stopped in between would keep it."""
    known: Any = logging  # its list of handlers and its own lock have no types
    handlers = [handler for each in tuple(known._handlerList) if (handler := each())]
    locks = [known._lock, *(handler.lock for handler in handlers if handler.lock)]
    for lock in locks:
        while lock._is_owned():
            lock.release()


_idle: deque[_Thread] = deque()
_calls: set[Call] = set()
_left: set[Call] = set()
_leaving = threading.Lock()


def begin(action_type: ActionType, config: Json, context: ActionContext) -> Call:
    """Starts the handler on another thread; `end` it when nobody waits for it any more.

    Where too many of its type were left behind it isn't called: the outcome is that.
    """
    place = isolation.Apart if isolation.is_for(action_type) else Here
    call = Call(place(action_type, config, context), action_type.name, context.execution_id)
    if _left and (refusal := _refusal(action_type.name)):
        call.settle(refusal)
        return call
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
    with _leaving:
        if call.wait(0) is not None:
            return
        call.was_left = True
        _left.add(call)
        left = _count(call.action)
        computed_before = call.work.computed_seconds()
    if left == MAX_LEFT_BEHIND:
        message = "%s attempts of %r are at work long after their time: no more begin. Mend it, restart this process."
        logger.error(message, MAX_LEFT_BEHIND, call.action)
    _stop_later(call, computed_before)
    call.interrupt()


def _stop_later(call: Call, computed_before: float) -> None:
    stop = threading.Timer(PATIENCE_SECONDS, _stop, [call, computed_before])
    stop.daemon = True
    stop.start()


def _stop(call: Call, computed_before: float) -> None:
    """What computes all the time leaves others little of this process; so it gets another the next time.

    Stopped again and again, until it has come back: it may have been about to handle an error.
    """
    with _leaving:
        if call not in _left:
            return
        computed = call.work.computed_seconds()
        call.work.stop()
    if computed - computed_before > COMPUTES_FROM * PATIENCE_SECONDS:
        isolation.confine(call.action)
        _stop_later(call, computed)


def _left_of(action: str) -> int:
    return sum(call.action == action for call in _left)


def _count(action: str) -> int:
    left = _left_of(action)
    metrics.LEFT_BEHIND.labels(action).set(left)
    return left


def _came_back(call: Call) -> bool:
    with _leaving:
        _left.discard(call)
        if call.was_left:
            _count(call.action)
        return call.was_left


def _refusal(action: str) -> Failure | None:
    with _leaving:
        count = _left_of(action)
    if count < MAX_LEFT_BEHIND:
        return None
    message = f"{count} attempts of {action!r} are still at work in this process long after their time; no other begins"
    return Failure("LEFT_BEHIND", f"{message} before one of them ends.")


def interrupt(execution_id: UUID) -> None:
    """Has whoever waits for a handler of this execution in this process look whether it is still theirs."""
    for call in tuple(_calls):
        if call.execution_id == execution_id:
            call.interrupt()
