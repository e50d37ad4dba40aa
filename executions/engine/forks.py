"""Processes that are forked from a server: one that has loaded the project, so that to have another takes a moment.

The server is `multiprocessing`'s own, one in each process that has any; it starts another one where the last has died.
"""

import logging
import multiprocessing
import multiprocessing.process
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from typing import Any

SERVED = "executions.engine.isolated"
PATH, PATH_BEFORE = "PYTHONPATH", "TRILITH_PYTHONPATH_BEFORE"
PARTING_SECONDS = 1.0
LOADING_SECONDS = 60.0
"""What the project may take to be loaded, before attempts begin all the same."""
UNKNOWN_END = 255
"""A process's own status; or `multiprocessing` says so since the server has ended, and nobody knows."""

STOPS = {signal.SIGTERM, signal.SIGINT}

logger = logging.getLogger(__name__)

_processes = multiprocessing.get_context("forkserver")
_spawning = threading.Lock()


class Server:
    """What is known of it."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._is_loaded = threading.Event()
        self._patience_ends_at: float | None = None

    def load(self) -> None:
        """Begins to, unless it has begun; and comes back at once."""
        with self._changing:
            if self._patience_ends_at is None:
                self._patience_ends_at = time.monotonic() + LOADING_SECONDS
                threading.Thread(target=self._load, name="trilith-isolation", daemon=True).start()

    def is_loaded(self, seconds: float) -> bool:
        """Waits so long for it. Where it takes too long, attempts are to say what is wrong."""
        if self._is_loaded.is_set():
            return True
        self.load()
        return self._is_loaded.wait(seconds) or time.monotonic() > (self._patience_ends_at or 0.0)

    def forget(self) -> None:
        """It isn't there any more, so that the next attempt waits until it is."""
        with self._changing:
            self._is_loaded.clear()
            self._patience_ends_at = None

    def _load(self) -> None:
        path = os.pathsep.join(filter(None, sys.path))
        try:
            with _environment({PATH: path, PATH_BEFORE: os.environ.get(PATH, "")}), deaf():
                _processes.set_forkserver_preload([SERVED])
                forkserver.ensure_running()
            started("check_in").join()
        except (OSError, EOFError):
            logger.exception("there is no process for isolated handlers")
        finally:
            self._is_loaded.set()


server = Server()


def pipe() -> tuple[Connection, Connection]:
    return _processes.Pipe()


def started(what: str, *arguments: Any) -> Any:
    """A process that does what the function of that name does. Its module is imported where the apps are loaded.

    Nobody but its starter asks how it ended: to ask takes the answer from whoever asks at the same time.
    """
    process = _processes.Process(target=getattr(import_module(SERVED), what), args=arguments)
    with _spawning:
        process.start()
        multiprocessing.process._children.discard(process)  # type: ignore[attr-defined]  # it has no types
    return process


def exitcode_of(process: Any, *, leaves_nobody: bool) -> int:
    """Once it is gone; by force, if it stays though it has nothing more to say. Or with all that it has started."""
    process.join(PARTING_SECONDS)
    if process.exitcode in (None, UNKNOWN_END):
        kill(process)
        process.join()
    elif leaves_nobody:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    exitcode = int(process.exitcode)
    process.close()
    return exitcode


def kill(process: Any) -> None:
    """It leads a group of its own, unless it has only just begun."""
    for end in (os.killpg, os.kill):
        with suppress(ProcessLookupError, ValueError):
            end(process.pid, signal.SIGKILL)


@contextmanager
def deaf() -> Iterator[None]:
    """Who is started meanwhile hears no SIGTERM and no SIGINT, which a terminal or systemd may send to all processes.

    An attempt is stopped by the process that has started it.
    """
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def stay_deaf() -> None:
    """For a process that was started so: told to stop with all others, it doesn't listen.

    What it starts does: a signal's function isn't handed on to other programs, and forks get the usual ones back.
    """
    for each in STOPS:
        signal.signal(each, lambda *_: None)
        signal.siginterrupt(each, False)
    _let_in()
    os.register_at_fork(before=_keep_out, after_in_parent=_let_in, after_in_child=_listen_to_signals)


def _keep_out() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)


def _let_in() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)


def _listen_to_signals() -> None:
    """In a fork; what it was told since it began, it hears now."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _let_in()


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
