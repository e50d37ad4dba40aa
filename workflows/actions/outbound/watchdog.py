"""The end of a call: a thread that shuts its sockets down at the deadline, or once nobody waits any more.

A socket's timeout bounds one read, so a server that sends a byte now and then would hold a call for ever.
"""

import socket
import threading
import time
from types import TracebackType
from typing import Self

from workflows.actions.context import ActionCancelled, ActionError

POLL_SECONDS = 0.1
MIN_TIMEOUT_SECONDS = 0.001


class Watchdog:
    """`with Watchdog(seconds, cancelled) as watchdog:` around one call; `watch` each socket that it opens."""

    def __init__(self, seconds: float, cancelled: threading.Event) -> None:
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds
        self._cancelled = cancelled
        self._finished = threading.Event()
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._barked = False
        self._thread = threading.Thread(target=self._run, name="outbound-watchdog", daemon=True)

    def __enter__(self) -> Self:
        self.check()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._finished.set()
        self._thread.join()
        self._shut_down()
        for watched in self._sockets:
            watched.close()

    def remaining(self) -> float:
        """Seconds until the deadline, as a socket takes them: never 0, which would mean not to block."""
        return max(MIN_TIMEOUT_SECONDS, self._deadline - time.monotonic())

    def check(self) -> None:
        """Raises ActionCancelled, or ActionError TIMEOUT, once the call is over."""
        if self._cancelled.is_set():
            raise ActionCancelled
        if time.monotonic() >= self._deadline:
            raise ActionError("TIMEOUT", f"The call wasn't answered in full within {self._seconds:.3g} s.")

    def watch(self, opened: socket.socket) -> None:
        # A copy of the descriptor: TLS takes the original away from its object, and a number once closed is used again.
        copy = opened.dup()
        with self._lock:
            self._sockets.append(copy)
            barked = self._barked
        if barked:
            self._shut_down()

    def _run(self) -> None:
        while not self._finished.wait(min(POLL_SECONDS, self.remaining())):
            if self._cancelled.is_set() or time.monotonic() >= self._deadline:
                self._shut_down()
                return

    def _shut_down(self) -> None:
        with self._lock:
            self._barked = True
            for watched in self._sockets:
                _hang_up(watched)


def _hang_up(connected: socket.socket) -> None:
    try:
        connected.shutdown(socket.SHUT_RDWR)
    except OSError:
        # Not connected, or no longer: there is nothing to end.
        return
