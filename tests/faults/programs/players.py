"""Processes that do as they are told, line by line of a pipe: a worker, and a server. Either may have a fault in it."""

import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import uvicorn
from django.conf import settings
from django.db import connection

from config.asgi import application
from executions.engine import dispatch, faults, performer
from executions.engine.supervisor import Executor
from tests.faults.cases import Manner
from tests.faults.databases import Database, use_everywhere

SECONDS = 10.0
GATE = "claim.before"
DATABASE = ".sqlite3"
"""SQLite keeps a closed connection's file open, for the next one, while others have locks on it; but not its log."""


class Injected(RuntimeError):
    """What is raised at a point that is armed."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a process has at rest. Of threads and connections those that are idle in a pool don't count."""

    threads: int
    files: int
    connections: int

    def is_more_than(self, earlier: "Held") -> bool:
        return self.threads > earlier.threads or self.files > earlier.files or self.connections > earlier.connections


class Player:
    """What all of them may be told."""

    def __init__(self) -> None:
        self._fired: list[str] = []

    def arm(self, points: dict[str, int], manner: Manner) -> None:
        self._fired.clear()
        for point, count in points.items():
            fault = faults.kill if manner == "kill" else self._raising(point)
            faults.arm(point, self._placed(point, faults.at(count, fault)))

    def disarm(self) -> None:
        faults.disarm()

    def _placed(self, _point: str, fault: Callable[[], None]) -> Callable[[], None]:
        return fault

    def fired(self) -> list[str]:
        return [*self._fired]

    def held(self) -> Held:
        idle, in_use = _connections()
        threads = len([*Path("/proc/self/task").iterdir()]) - len(performer._idle)
        files = [file for file in _files() if file.suffix != DATABASE]
        return Held(threads, len(files) - idle, in_use)

    def _raising(self, point: str) -> Callable[[], None]:
        def fail() -> None:
            self._fired.append(point)
            raise Injected(point)

        return fail


def _connections() -> tuple[int, int]:
    """How many are idle in the pool, where there is one, and how many are in use."""
    pool: Any = getattr(connection, "pool", None)
    if pool is None:
        return 0, sum(file.name.endswith(f"{DATABASE}-wal") for file in _files())
    stats = pool.get_stats()
    idle = stats["pool_available"]
    return idle, stats["pool_size"] - idle


def _files() -> list[Path]:
    """What this process has open; not the listing itself, which is closed by now."""
    opened = []
    for number in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            opened.append(number.readlink())
    return opened


@dataclass
class Gate:
    """Where a supervisor waits while its worker is to rest, before it looks for what is due."""

    is_open: threading.Event = field(default_factory=threading.Event)
    is_waited_at: threading.Event = field(default_factory=threading.Event)

    def pass_through(self) -> None:
        if not self.is_open.is_set():
            self.is_waited_at.set()
            self.is_open.wait()
            self.is_waited_at.clear()


class Worker(Player):
    def __init__(self, executor: Executor, gate: Gate) -> None:
        super().__init__()
        self._executor = executor
        self._gate = gate

    def disarm(self) -> None:
        """The gate stays where it is at any moment, so that nothing is claimed unawares."""
        faults.disarm(*(point for point in faults.POINTS if point != GATE))
        faults.arm(GATE, self._gate.pass_through)

    def go(self) -> None:
        self._gate.is_open.set()

    def rest(self) -> bool:
        """Whether it came to rest in time."""
        self._gate.is_open.clear()
        self._executor.wake()
        return self._gate.is_waited_at.wait(SECONDS)

    def _placed(self, point: str, fault: Callable[[], None]) -> Callable[[], None]:
        def behind_the_gate() -> None:
            self._gate.pass_through()
            fault()

        return behind_the_gate if point == GATE else fault


class Server(Player):
    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    def port(self) -> int:
        return self._port


def work(pipe: Connection, database: Database, authority: str, log: Path) -> None:
    _begin(database, authority, log)
    gate = Gate()
    faults.arm(GATE, gate.pass_through)
    with dispatch.executor(1) as executor:
        _obey(pipe, Worker(executor, gate))


def serve(pipe: Connection, database: Database, authority: str, log: Path) -> None:
    _begin(database, authority, log)
    listening = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_obey, args=(pipe, Server(listening.getsockname()[1])), daemon=True).start()
    uvicorn.Server(uvicorn.Config(application, lifespan="on", access_log=False)).run(sockets=[listening])


def _begin(database: Database, authority: str, log: Path) -> None:
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    settings.OUTBOUND_ALLOWED_HOSTS = [authority]
    os.environ["OUTBOUND_ALLOWED_HOSTS"] = authority
    use_everywhere(database)


def _obey(pipe: Connection, player: Player) -> None:
    """Until nobody is there any more to tell it anything."""
    try:
        while True:
            order, *given = pipe.recv()
            pipe.send(getattr(player, order)(*given))
    except (EOFError, OSError):
        os._exit(0)
