"""The API under load: a server as `make serve` starts it, real HTTP, and clients in a process of their own.

`api.execute.<clients>`: a one-step workflow is executed as fast as so many clients ask, and every execution that was
accepted has to be COMPLETED in the end. `api.waiting.200`: what a read costs others while so many clients wait for the
end of an execution, beside the same without them. `serve.idle_mb`: the memory of the server before all that.
"""

import json
import os
import select
import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from statistics import median, quantiles
from typing import Any
from urllib.request import urlopen
from uuid import UUID

import psycopg
from rich.console import Console
from rich.table import Table

from tests.benchmarks import databases

CLIENTS = (1, 8, 64)
ROUNDS = 3
LOAD_SECONDS = 2.0
WARM_UP_SECONDS = 1.0
WAITING = 200
READ_SECONDS = 1.5
DEADLINE_SECONDS = 120
NO_THROTTLES = {"REQUESTS_PER_MINUTE_OF_USER": "0", "REQUESTS_PER_MINUTE_IN_WORKSPACE": "0"}


@dataclass
class Load:
    """What came of one load, or of several one after another."""

    rates: list[float] = field(default_factory=list)
    latencies_ms: list[float] = field(default_factory=list)

    def add(self, answer: dict[str, Any]) -> None:
        self.rates.append(len(answer["latencies_ms"]) / answer["seconds"])
        self.latencies_ms += answer["latencies_ms"]

    def figures(self) -> dict[str, float]:
        return {
            "requests_per_second": round(median(self.rates), 1),
            "p50_ms": round(median(self.latencies_ms), 2),
            "p99_ms": round(quantiles(self.latencies_ms, n=100)[98], 2),
        }


@dataclass(frozen=True)
class Target:
    """A server, what there is in its database, and the database itself."""

    url: str
    process: subprocess.Popen[bytes]
    port: int
    scene: dict[str, str]

    @property
    def resident_mb(self) -> float:
        answer = subprocess.run(["ps", "-o", "rss=", "-p", str(self.process.pid)], stdout=subprocess.PIPE, check=True)
        return round(int(answer.stdout) / 1024, 1)

    def load(self, request: str, clients: int, seconds: float) -> dict[str, Any]:
        """Asks as often as it can for so long; raises when one answer is none that is wished for."""
        what = {"port": self.port, "request": request, "clients": clients, "seconds": seconds}
        generator = [sys.executable, "-m", "tests.benchmarks.api_load"]
        child = subprocess.run(
            generator, input=json.dumps(what).encode(), stdout=subprocess.PIPE, check=True, timeout=DEADLINE_SECONDS
        )
        answer: dict[str, Any] = json.loads(child.stdout)
        if failed := Counter(status for status in answer["statuses"] if status not in (200, 202)):
            raise RuntimeError(f"requests failed, by status: {dict(failed)}; the first: {answer['bodies'][0][:200]}")
        return answer

    def request(self, method: str, path: str, body: str = "") -> str:
        lines = [
            f"{method} {path} HTTP/1.1",
            "Host: 127.0.0.1",
            f"Authorization: Bearer {self.scene['token']}",
            *(["Content-Type: application/json", f"Content-Length: {len(body)}"] if body else []),
        ]
        return "\r\n".join([*lines, "", body])

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        if path := self.url.removeprefix("sqlite:///") if self.url.startswith("sqlite") else "":
            with closing(sqlite3.connect(path)) as connection:
                return connection.execute(sql).fetchall()
        with psycopg.connect(self.url) as connection:
            return connection.execute(sql).fetchall()


def measure(console: Console) -> dict[str, float]:
    table = Table(title="api: executing a one-step workflow", title_justify="left")
    for heading in ("database", "clients", "requests/s", "p50 (ms)", "p99 (ms)"):
        table.add_column(heading, justify="left" if heading == "database" else "right")
    figures: dict[str, float] = {}
    with databases.sqlite() as url, _target(url) as target:
        figures["serve.idle_mb"] = target.resident_mb
        figures |= _execute(target, "api.execute", table)
        figures |= _waiting(target)
    try:
        with databases.postgres() as url, _target(url) as target:
            figures |= _execute(target, "api.postgresql.execute", table)
    except psycopg.OperationalError as error:
        console.print(f"postgresql: skipped, nothing answers there ({str(error).splitlines()[0]})")
    console.print(table)
    alone, others = (figures[f"api.waiting.{clients}.other_requests_median_ms"] for clients in (0, WAITING))
    console.print(f"a read while {WAITING} clients wait: {others} ms at the median, and {alone} ms while none does")
    console.print(f"memory of an idle server: {figures['serve.idle_mb']} MB")
    return figures


# The load


def _execute(target: Target, name: str, table: Table) -> dict[str, float]:
    """Each number of clients in turns; an execution that is still to be done would slow down the next turn."""
    request = target.request("POST", target.scene["execute"], "{}")
    loads = {clients: Load() for clients in CLIENTS}
    accepted = _accepted(target.load(request, CLIENTS[1], WARM_UP_SECONDS))
    for _ in range(ROUNDS):
        for clients, load in loads.items():
            answer = target.load(request, clients, LOAD_SECONDS)
            load.add(answer)
            accepted += _accepted(answer)
            wait_until(lambda: not target.rows("SELECT 1 FROM executions_execution WHERE wake_at IS NOT NULL"))
    _check(target, accepted)
    figures: dict[str, float] = {}
    for clients, load in loads.items():
        found = load.figures()
        figures |= {f"{name}.{clients}.{key}": value for key, value in found.items()}
        table.add_row("sqlite" if name == "api.execute" else "postgresql", str(clients), *map(str, found.values()))
    return figures


def _accepted(answer: dict[str, Any]) -> list[UUID]:
    return [UUID(json.loads(body)["execution"]["id"]) for body in answer["bodies"]]


def _check(target: Target, accepted: list[UUID]) -> None:
    completed = target.rows("SELECT id FROM executions_execution WHERE status = 'COMPLETED'")
    if sorted(accepted) != sorted(UUID(str(key)) for (key,) in completed):
        raise RuntimeError(f"{len(accepted)} executions were accepted, and {len(completed)} are COMPLETED")


def _waiting(target: Target) -> dict[str, float]:
    """Reads by one client, in turns without and with the clients that wait."""
    [(some,)] = target.rows("SELECT id FROM executions_execution LIMIT 1")
    read = target.request("GET", f"{target.scene['executions']}/{UUID(str(some))}")
    latencies: dict[int, list[float]] = {0: [], WAITING: []}
    for clients in (0, WAITING, 0, WAITING):
        with _clients_that_wait(target, clients):
            latencies[clients] += target.load(read, 1, READ_SECONDS)["latencies_ms"]
    return {
        f"api.waiting.{clients}.other_requests_median_ms": round(median(ms), 2) for clients, ms in latencies.items()
    }


@contextmanager
def _clients_that_wait(target: Target, clients: int) -> Iterator[None]:
    """So many of them, for an execution that sleeps; none is answered meanwhile."""
    request = target.request("POST", f"{target.scene['sleep']}?wait=60", "{}").encode()
    sleeping = "SELECT count(*) FROM executions_execution WHERE waiting_for = 'timer'"
    before = target.rows(sleeping)[0][0]
    with ExitStack() as stack:
        waiting = [stack.enter_context(socket.create_connection(("127.0.0.1", target.port))) for _ in range(clients)]
        for client in waiting:
            client.sendall(request)
        wait_until(lambda: target.rows(sleeping)[0][0] == before + clients)
        yield
        if answered := select.select(waiting, [], [], 0)[0]:
            raise RuntimeError(f"{len(answered)} of {clients} clients that should wait were answered")


def wait_until(look: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + DEADLINE_SECONDS
    while not look():
        if time.monotonic() > ends_at:
            raise RuntimeError(f"not within {DEADLINE_SECONDS} s")
        time.sleep(0.05)


# The server


@contextmanager
def _target(url: str) -> Iterator[Target]:
    """A server on this database, with a log that nobody reads, as `make serve` starts it but for its throttles."""
    environment = {**os.environ, "DATABASE_URL": url} | NO_THROTTLES
    prepared = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.api_scene"], env=environment, stdout=subprocess.PIPE, check=True
    )
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "config.asgi:application", "--host", "127.0.0.1", "--port", str(port)]
    options = ["--lifespan", "on", "--timeout-graceful-shutdown", "10"]
    log = subprocess.DEVNULL
    process = subprocess.Popen([*command, *options], env=environment, stdout=log, stderr=log)
    try:
        wait_until(lambda: is_ready(port))
        yield Target(url, process, port, json.loads(prepared.stdout))
    finally:
        process.terminate()
        process.wait(DEADLINE_SECONDS)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def is_ready(port: int, path: str = "/readyz") -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}") as answer:
            return bool(answer.status == HTTPStatus.OK)
    except OSError:
        return False
