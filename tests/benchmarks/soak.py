"""A server for 20 minutes under 20,000 executions of all kinds at a constant rate: does it grow, or get slower?

`make soak`, with MINUTES and EXECUTIONS for a shorter one; on SQLite, or on PostgreSQL where DATABASE_URL is one, in a
database of its own. Ends with a verdict, and with 1 where a bound is broken.
"""

import asyncio
import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from statistics import median
from urllib.request import urlopen

import psycopg
from rich.console import Console
from rich.table import Table

from tests.benchmarks import databases
from tests.benchmarks.api import DEADLINE_SECONDS, NO_THROTTLES, free_port, is_ready, wait_until
from tests.benchmarks.soak_judging import Sample, judged, p99
from tests.benchmarks.soak_load import Load

SAMPLE_SECONDS = 5.0
MINUTE = 60.0
DRAINED_SECONDS = 30.0
_VALUE = re.compile(r"^(\w+)(?:\{.*\})? ([\d.e+-]+)$", re.MULTILINE)


def main() -> int:
    minutes, executions = float(os.environ.get("MINUTES", "20")), int(os.environ.get("EXECUTIONS", "20000"))
    is_postgres = os.environ.get("DATABASE_URL", "").startswith("postgres")
    console = Console()
    with databases.postgres("_soak") if is_postgres else databases.sqlite() as url, _server(url) as (process, load):
        samples = asyncio.run(_soak(console, process, load, executions, minutes * MINUTE, url))
        ends = _latencies(url, load.scene["quick"])
    verdicts = judged(samples, {"the start's answer": load.starts, "a quick execution's end": ends})
    table = Table(title=f"soak: {executions:,} executions in {minutes:g} minutes", title_justify="left")
    for heading in ("what", "found", "bound", ""):
        table.add_column(heading)
    for each in verdicts:
        table.add_row(each.name, each.found, each.bound, "holds" if each.holds else "BROKEN")
    console.print(table)
    faults = {what: count for what, count in load.faults.items() if count}
    broken = [each.name for each in verdicts if not each.holds] + [
        f"{count} times {what}" for what, count in faults.items()
    ]
    console.print(f"Broken: {', '.join(broken)}" if broken else "All bounds hold.")
    return 1 if broken else 0


async def _soak(
    console: Console, process: "subprocess.Popen[bytes]", load: Load, executions: int, seconds: float, url: str
) -> list[Sample]:
    """Samples from the first start to the last; then all has to come to its end."""
    loading, samples, printed = asyncio.create_task(load.run(executions, seconds)), list[Sample](), 0.0
    began = time.monotonic()
    console.print(
        "minute · RSS MB · Python's blocks · threads · files · connections · ended · start p50/p99 ms · statements/step"
    )
    while not loading.done():
        await asyncio.wait([loading], timeout=SAMPLE_SECONDS)
        figures = await asyncio.to_thread(_scraped, load.port)
        samples.append(
            Sample(
                time.monotonic() - began,
                figures["trilith_executions_ended_total"],
                figures["trilith_step_attempts_total"],
                figures["soak_statements_total"],
                figures["process_resident_memory_bytes"] / 2**20,
                figures["soak_blocks"],
            )
        )
        if samples[-1].seconds - printed >= MINUTE or loading.done():
            console.print(_line(samples, load, process.pid, url, since=printed))
            printed = samples[-1].seconds
    await loading
    ends_at = time.monotonic() + DRAINED_SECONDS
    while (left := executions - (await asyncio.to_thread(_scraped, load.port))["trilith_executions_ended_total"]) > 0:
        if time.monotonic() > ends_at:
            load.faults["execution that hasn't ended"] += int(left)
            break
        await asyncio.sleep(0.5)
    return samples


def _line(samples: list[Sample], load: Load, pid: int, url: str, *, since: float) -> str:
    now, before = samples[-1], min(samples, key=lambda each: abs(each.seconds - since))
    steps = max(1, now.attempts - before.attempts) if before is not now else now.attempts
    statements = now.statements - (before.statements if before is not now else 0)
    recent = [ms for at, ms in tuple(load.starts) if at >= since] or [0.0]
    threads = len([*Path(f"/proc/{pid}/task").iterdir()])
    files = _files(pid)
    counts = f"{threads:3} · {len(files):3} · {_connections(files, url):3}"
    return (
        f"{now.seconds / MINUTE:5.1f} · {now.rss_mb:6.1f} · {now.blocks:9,.0f} · {counts}"
        f" · {now.executions:7,.0f} · {median(recent):5.1f}/{p99(recent):5.1f} · {statements / steps:5.2f}"
    )


def _files(pid: int) -> list[str]:
    found = []
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            found.append(str(each.readlink()))
    return found


def _connections(files: list[str], url: str) -> int:
    if url.startswith("sqlite"):
        return sum(name.endswith(".sqlite3") for name in files)
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) - 1 FROM pg_stat_activity WHERE datname = current_database()"
        ).fetchone()
    return int(row[0]) if row else 0


def _scraped(port: int) -> dict[str, float]:
    """The sum over all labels of each metric."""
    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read().decode()
    sums: dict[str, float] = {}
    for name, value in _VALUE.findall(text):
        sums[name] = sums.get(name, 0.0) + float(value)
    return sums


def _latencies(url: str, workflow: str) -> list[tuple[float, float]]:
    """When each execution of the quick kind was started, and how long it took to its end, by the database's clock."""
    sql = "SELECT created_at, completed_at FROM executions_execution WHERE workflow_id = '{}' AND wake_at IS NULL"
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            rows = [tuple(map(datetime.fromisoformat, row)) for row in connection.execute(sql.format(workflow))]
    else:
        with psycopg.connect(url) as connection:
            rows = connection.execute(sql.format(workflow)).fetchall()
    first = min(created for created, _ in rows)
    return [((created - first).total_seconds(), 1000 * (ended - created).total_seconds()) for created, ended in rows]


@contextmanager
def _server(url: str) -> Iterator[tuple["subprocess.Popen[bytes]", Load]]:
    refused, port = f"127.0.0.1:{free_port()}", free_port()
    environment = {
        **os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.executions.programs.settings",
        "OUTBOUND_ALLOWED_HOSTS": refused, "LOG_LEVEL": "ERROR",
    } | NO_THROTTLES  # fmt: skip
    scene = [sys.executable, "-m", "tests.benchmarks.soak_scene", f"http://{refused}/"]
    prepared = subprocess.run(scene, env=environment, stdout=subprocess.PIPE, check=True)
    command = [sys.executable, "-m", "uvicorn", "tests.benchmarks.soak_server:application", "--port", str(port)]
    options = ["--lifespan", "on", "--timeout-graceful-shutdown", "10", "--no-access-log"]
    log = subprocess.DEVNULL
    process = subprocess.Popen([*command, *options], env=environment, stdout=log, stderr=log)
    try:
        wait_until(lambda: is_ready(port))
        yield process, Load(port, json.loads(prepared.stdout))
    finally:
        process.terminate()
        process.wait(DEADLINE_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
