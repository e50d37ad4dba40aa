"""From a step's commit to its arrival at a client: within one process, and between processes on both databases.

`stream.<same_process|sqlite|postgres>.<listeners>.median_ms`, `.p99_ms`: 16 of the listeners (or the only one) follow
a running execution, the others executions that sleep. Between processes, only what the other process committed counts.
`stream.2000.execution_ratio`: how long an execution of steps that are 20 ms apart takes with so many listeners, 16 of
them its own, beside how long it takes with none, in turns; `stream.2000.quick_steps_ratio`: the same of 300 steps of a
millisecond, the worst there is; `stream.listener_kb`: what a listener adds to the server's memory.
What slow clients cost is measured by `stream_slow`.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from tests.benchmarks import databases, stream_slow
from tests.benchmarks.api import free_port, is_ready, wait_until

LISTENERS = (1, 500, 2_000)
WATCHING = 16
STREAMS_OF_A_USER = 20
SLEEPERS = 100
TURNS = 3
KINDS = {
    "paced": ("execution_ratio", "an execution of 100 steps, 20 ms apart,"),
    "busy": ("quick_steps_ratio", "an execution of 300 steps of 1 ms"),
}
DEADLINE_SECONDS = 120
PRODUCTION = {
    "DEBUG": "false",
    "HTTPS_ONLY": "false",
    "SECRET_KEY": "a-benchmark-has-no-secrets-" + "0123456789" * 3,
    "ALLOWED_HOSTS": "127.0.0.1",
}


@dataclass(frozen=True)
class Server:
    process: subprocess.Popen[bytes]
    port: int
    scene: dict[str, Any]

    def ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_SECONDS)
        headers = {"Authorization": f"Bearer {self.scene['tokens'][-1]}", "Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
        connection.close()
        execution: dict[str, Any] = answer["execution"]
        return execution

    def execute(self, name: str, body: Any = None) -> str:
        return str(self.ask("POST", self.scene["execute"][name], body or {})["id"])

    def ended(self, execution_id: str) -> dict[str, Any]:
        ends_at = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < ends_at:
            if (execution := self.ask("GET", f"{self.scene['executions']}/{execution_id}"))["completedAt"]:
                return execution
            time.sleep(0.2)
        raise RuntimeError("the execution didn't end")

    @property
    def resident_kb(self) -> int:
        answer = subprocess.run(["ps", "-o", "rss=", "-p", str(self.process.pid)], stdout=subprocess.PIPE, check=True)
        return int(answer.stdout)


def measure(console: Console) -> dict[str, float]:
    table = Table(title="stream: from commit to client", title_justify="left")
    for heading in ("where", "listeners", "median (ms)", "p99 (ms)", "events"):
        table.add_column(heading, justify="left" if heading == "where" else "right")
    figures: dict[str, float] = {}
    with databases.sqlite() as url:
        figures |= _latencies(url, "same_process", table, servers=1)
    with databases.sqlite() as url:
        figures |= _burden(url, console)
    with databases.sqlite() as url:
        figures |= _latencies(url, "sqlite", table, servers=2)
    try:
        with databases.postgres() as url:
            figures |= _latencies(url, "postgres", table, servers=2)
    except psycopg.OperationalError as error:
        console.print(f"postgres: skipped, nothing answers there ({str(error).splitlines()[0]})")
    console.print(table)
    return figures


def _latencies(url: str, name: str, table: Table, *, servers: int) -> dict[str, float]:
    """With one server it runs what it streams; with two, the first streams and the other runs."""
    figures: dict[str, float] = {}
    with _servers(url, servers) as (running, notes):
        first, last = running[0], running[-1]
        sleeping = [first.execute("asleep") for _ in range(SLEEPERS)]
        for listeners in LISTENERS:
            with _followed(first, [], _spread(sleeping, listeners - min(listeners, WATCHING))):
                taken = _watched(first, last, notes, min(listeners, WATCHING))
            figures[f"stream.{name}.{listeners}.median_ms"] = round(median(taken), 2)
            figures[f"stream.{name}.{listeners}.p99_ms"] = round(quantiles(taken, n=100)[98], 2)
            shown = [figures[f"stream.{name}.{listeners}.{figure}"] for figure in ("median_ms", "p99_ms")]
            table.add_row(name, str(listeners), *map(str, shown), str(len(taken)))
    return figures


def _watched(first: Server, last: Server, notes: Path, watching: int) -> list[float]:
    """How long (ms) each event took from its commit on the `last` server to each of those who watch it on the first."""
    execution_id = last.execute("watched")
    with _followed(first, [execution_id] * watching, []) as arrivals:
        last.ended(execution_id)
    commits = _commits(notes, execution_id, last.process.pid)
    live = [(position, at) for opened_at, position, at in arrivals if commits.get(position, 0) > opened_at]
    return [1000 * (at - commits[position]) for position, at in live]


def _burden(url: str, console: Console) -> dict[str, float]:
    """What many listeners cost the server and the executions that run there."""
    alone: dict[str, list[float]] = {kind: [] for kind in KINDS}
    beside: dict[str, list[float]] = {kind: [] for kind in KINDS}
    listeners = LISTENERS[-1]
    with _servers(url, 1) as ([server], notes):
        figures = stream_slow.measure(server, lambda: _watched(server, server, notes, WATCHING), console)
        sleeping = [server.execute("asleep") for _ in range(SLEEPERS)]
        server.ended(server.execute("busy"))
        before = server.resident_kb
        with _followed(server, [], _spread(sleeping, listeners)):
            each_kb = (server.resident_kb - before) / listeners
        for _ in range(TURNS):
            _time_each(server, alone, watching=0)
            with _followed(server, [], _spread(sleeping, listeners - WATCHING)):
                _time_each(server, beside, watching=WATCHING)
    for kind, (figure, words) in KINDS.items():
        ratio = median(beside[kind]) / median(alone[kind])
        figures[f"stream.{listeners}.{figure}"] = round(ratio, 3)
        console.print(
            f"{words} takes {ratio:.2f} times as long while {listeners} listen: {alone[kind]}, {beside[kind]} ms"
        )
    console.print(f"a listener takes {each_kb:.1f} kB of the server's memory")
    return figures | {"stream.listener_kb": round(each_kb, 1)}


def _time_each(server: Server, durations: dict[str, list[float]], *, watching: int) -> None:
    for kind in KINDS:
        execution_id = server.execute(kind)
        with _followed(server, [execution_id] * watching, []):
            durations[kind].append(_busy_ms(server.ended(execution_id)))


def _busy_ms(execution: dict[str, Any]) -> float:
    """From the end of its first step, a wait in which its followers come, to its own."""
    began, ended = (
        datetime.fromisoformat(at) for at in (execution["steps"][0]["completedAt"], execution["completedAt"])
    )
    return (ended - began) / timedelta(milliseconds=1)


def _spread(execution_ids: list[str], number: int) -> list[str]:
    return [execution_ids[turn % len(execution_ids)] for turn in range(number)]


def _commits(notes: Path, execution_id: str, pid: int) -> dict[int, float]:
    lines = [line.split() for line in notes.read_text().splitlines() if line.startswith(execution_id)]
    return {int(position): float(at) for _, position, at, process in lines if int(process) == pid}


@contextmanager
def _followed(server: Server, watched: list[str], others: list[str]) -> Iterator[list[tuple[float, int, float]]]:
    """Streams that are open while the block lasts; afterwards, when watched ones were opened and got each event."""
    arrivals: list[tuple[float, int, float]] = []
    paths = [f"{server.scene['executions']}/{each}/stream" for each in [*watched, *others]]
    # The last user asks, and the one before watches; the others have 20 streams each.
    users = [server.scene["tokens"][-2]] * len(watched)
    users += [server.scene["tokens"][turn // STREAMS_OF_A_USER] for turn in range(len(others))]
    task = [(path, user, turn < len(watched)) for turn, (path, user) in enumerate(zip(paths, users, strict=True))]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.stream_clients"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as clients:
        assert clients.stdin
        assert clients.stdout
        clients.stdin.write(json.dumps({"port": server.port, "streams": task}).encode() + b"\n")
        clients.stdin.flush()
        if clients.stdout.readline() != b"open\n":
            raise RuntimeError("the streams didn't open")
        yield arrivals
        clients.stdin.write(b"\n")
        clients.stdin.flush()
        told = json.loads(clients.stdout.readline())
        arrivals += [(opened_at, position, at) for opened_at, stream in told for position, at in stream]


@contextmanager
def _servers(url: str, number: int) -> Iterator[tuple[list[Server], Path]]:
    environment = {**os.environ, "DATABASE_URL": url, **PRODUCTION}
    environment |= {"REQUESTS_PER_MINUTE_OF_USER": "0", "REQUESTS_PER_MINUTE_IN_WORKSPACE": "0"}
    scene = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.stream_scene"], env=environment, stdout=subprocess.PIPE, check=True
    )
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        notes = Path(folder) / "notes"
        environment["COMMIT_NOTES"] = str(notes)
        first = environment | ({"EXECUTOR_THREADS": "0"} if number > 1 else {})
        running = [
            stack.enter_context(_server(each, json.loads(scene.stdout))) for each in [first, environment][:number]
        ]
        yield running, notes


@contextmanager
def _server(environment: dict[str, str], scene: dict[str, Any]) -> Iterator[Server]:
    port = free_port()
    command = ["-m", "uvicorn", "tests.benchmarks.stream_server:application", "--port", str(port), "--lifespan", "on"]
    log = subprocess.DEVNULL
    process = subprocess.Popen([sys.executable, *command, "--no-access-log"], env=environment, stdout=log, stderr=log)
    try:
        wait_until(lambda: is_ready(port, "/healthz"))
        yield Server(process, port, scene)
    finally:
        process.terminate()
        process.wait(DEADLINE_SECONDS)
