"""The processes of a lane, as who directs them sees them."""

import multiprocessing
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.faults.databases import Database
from tests.faults.programs import players

SECONDS = 20.0
_forked = multiprocessing.get_context("forkserver")
_forked.set_forkserver_preload(["tests.faults.programs.warm"])


class Player:
    """A process that may be told what to do, and may die of it."""

    def __init__(self, play: Callable[..., None], database: Database, authority: str, log: Path) -> None:
        self.log = log
        self._pipe, theirs = _forked.Pipe()
        self._process = _forked.Process(target=play, args=(theirs, database, authority, log), daemon=True)
        self._process.start()
        theirs.close()

    def tell(self, order: str, *given: Any) -> Any:
        """What it answers. Raises EOFError when it has died, TimeoutError when it doesn't say anything."""
        try:
            self._pipe.send((order, *given))
        except BrokenPipeError as error:
            raise EOFError from error
        if not self._pipe.poll(SECONDS):
            raise TimeoutError(f"no answer to {order!r} in {SECONDS} s")
        return self._pipe.recv()

    @property
    def was_killed(self) -> bool:
        return self._process.exitcode == -signal.SIGKILL

    def dies(self, seconds: float) -> bool:
        """Whether it is dead by then."""
        self._process.join(seconds)
        return self._process.exitcode is not None

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self._pipe.close()


def worker(database: Database, authority: str, log: Path) -> Player:
    return Player(players.work, database, authority, log)


def server(database: Database, authority: str, log: Path) -> Player:
    return Player(players.serve, database, authority, log)


def eventually(look: Callable[[], Any], seconds: float = SECONDS) -> bool:
    """Whether it comes to be so in time."""
    ends_at = time.monotonic() + seconds
    while not look():
        if time.monotonic() > ends_at:
            return False
        time.sleep(0.02)
    return True
