"""Handlers in processes of their own: what one computes, eats, holds or kills there is nobody else's.

Each attempt has a new process, as `forks` gives them, which does what stands in `isolated`. It speaks with whoever
started it by JSON over a pipe, and ends with the attempt: by itself, or by force when nobody waits for it any more.
"""

import json
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from multiprocessing.connection import Connection, wait
from typing import Any

from django.conf import settings
from structlog.contextvars import get_contextvars

from executions.engine import forks
from executions.engine.outcomes import Failure, Outcome, clean, guarded
from workflows.actions.context import MAX_LOG_LINES, ActionContext, Pause, Steer
from workflows.actions.registry import ACTIONS, ActionType
from workflows.documents import Json
from workspaces import masking

ALL = "*"
CANCEL = b"cancel"
IDS = ("execution_id", "workflow_id", "workspace_id", "first_id")
PLAIN = (
    "workflow_name", "path", "action_id", "attempt", "timeout_ms", "user_id", "is_simulation", "started", "traceparent",
)  # fmt: skip
"""What is said of a context as it is; `started` too, since all processes of a machine have one monotonic clock."""
MAX_BYTES = 2**24
"""Of a message. An output has 1 MiB at most, and JSON may take a few bytes for each."""

logger = logging.getLogger(__name__)

_confined: set[str] = set()


def is_for(action_type: ActionType) -> bool:
    """Whether its attempts have processes of their own: as it says itself, or else as settings and experience say.

    Whom experience has confined stays here until there is a server: nobody has asked that it wait for one.
    """
    return _is_asked_for(action_type) or (action_type.name in _confined and forks.server.is_loaded(0))


def _is_asked_for(action_type: ActionType) -> bool:
    if action_type.isolated is not None:
        return action_type.isolated
    named = settings.ISOLATED_ACTIONS
    return action_type.can_be_isolated and (action_type.name in named or ALL in named)


def confine(name: str) -> None:
    """From now on this process has attempts of that type made apart, unless its handler says that it can't be."""
    action_type = ACTIONS.get(name)
    if action_type and action_type.isolated is None and action_type.can_be_isolated and name not in _confined:
        logger.warning("%r computed long after its time, at the cost of its neighbours; now it is isolated", name)
        _confined.add(name)
        forks.server.load()


def prepare() -> None:
    """Has the server load the project meanwhile, if anything here is isolated: the first attempt needn't wait then."""
    if any(map(_is_asked_for, tuple(ACTIONS.values()))):
        forks.server.load()


def is_ready(name: str, seconds: float) -> bool:
    """Whether an attempt of that type may begin, and its time; waits so long for a server that loads the project."""
    action_type = ACTIONS.get(name)
    return action_type is None or not _is_asked_for(action_type) or forks.server.is_loaded(seconds)


class Apart:
    """An attempt in a process of its own."""

    def __init__(self, action_type: ActionType, config: Json, context: ActionContext) -> None:
        self._action, self._context = action_type.name, context
        self._request = json.dumps(
            {
                "type": action_type.name,
                "module": action_type.handler.__module__,
                "config": config,
                "context": _context_json(context),
                "ids": {name: str(value) for name, value in get_contextvars().items()},
                "hidden": masking.hidden(),
            }
        ).encode()
        self._process: Any = None
        self._connection: Connection | None = None
        self._is_stopped = False
        self._changing = threading.Lock()

    def __call__(self) -> Outcome:
        try:
            return self._performed()
        except Exception as error:  # whatever it is: somebody waits for an answer
            logger.exception("an isolated attempt of %r can't be made", self._action)
            message = f"The handler is isolated, and no process could be had: {type(error).__name__}: {error}"
            return Failure("PROCESS_UNAVAILABLE", clean(message))

    def cancel(self) -> None:
        self._context.cancelled.set()
        with self._changing, suppress(OSError):
            if self._connection:
                self._connection.send_bytes(CANCEL)

    def stop(self) -> None:
        """With all that it has started; and whoever has inherited its end of the pipe is hung up on."""
        self._is_stopped = True
        if process := self._process:
            forks.kill(process)
        if pipe := self._connection:
            with suppress(OSError), socket.socket(fileno=os.dup(pipe.fileno())) as same:
                same.shutdown(socket.SHUT_RDWR)

    def computed_seconds(self) -> float:
        return 0.0

    def _performed(self) -> Outcome:
        outcome = None
        ours, theirs = forks.pipe()
        with ours:
            with theirs:
                process = forks.started("serve", theirs)
            try:
                self._process = process
                if self._is_stopped:
                    self.stop()
                outcome = self._answer(ours, process)
            finally:
                self._process = None
                ours.close()
                exitcode = forks.exitcode_of(process, leaves_nobody=outcome is None)
        if exitcode == forks.UNKNOWN_END:
            forks.server.forget()
        return outcome or Failure("PROCESS_ENDED", f"The handler's own process ended: {_end(exitcode)}.")

    def _answer(self, connection: Connection, process: Any) -> Outcome | None:
        """None if the process ends without one. Others may have inherited its end of the pipe, and keep it open."""
        with suppress(EOFError, OSError, ValueError, TypeError, KeyError), self._told(connection):
            while connection in wait([connection, process.sentinel]):
                match json.loads(connection.recv_bytes(MAX_BYTES)):
                    case {"line": line} if len(self._context.lines) < MAX_LOG_LINES:
                        self._context.lines.append(line)
                    case {"outcome": outcome}:
                        return _outcome(outcome)
        return None

    @contextmanager
    def _told(self, connection: Connection) -> Iterator[None]:
        """The request comes first; what cancels it, whenever that was, after it."""
        connection.send_bytes(self._request)
        with self._changing:
            self._connection = connection
        try:
            if self._context.cancelled.is_set():
                self.cancel()
            yield
        finally:
            with self._changing:
                self._connection = None


def _context_json(context: ActionContext) -> dict[str, Json]:
    """All but what its own process makes: the log lines and the event."""
    return {
        **{name: str(value) if (value := getattr(context, name)) else None for name in IDS},
        **{name: getattr(context, name) for name in PLAIN},
        "now": context.now.isoformat(),
        "scope": dict(context.scope),
    }


def _outcome(found: dict[str, Any]) -> Outcome:
    """Checked once more: it comes from where a handler may have done anything."""
    match found.pop("kind"):
        case "pause":
            paused = Pause(datetime.fromisoformat(found["until"]), found["output"])
            return guarded(lambda: paused)
        case "steer":
            steered = Steer(**found)
            return guarded(lambda: steered)
    return Failure(**found)


def _end(exitcode: int) -> str:
    if exitcode == forks.UNKNOWN_END:
        return "exit status 255, or unknown, if the process that it was forked from has ended too"
    if exitcode >= 0:
        return f"exit status {exitcode}"
    with suppress(ValueError):
        return f"{signal.strsignal(-exitcode)} ({signal.Signals(-exitcode).name})"
    return f"signal {-exitcode}"
