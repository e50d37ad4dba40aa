"""What 100,000 executions that wait cost a worker, beside an empty table; and how late they go on when it is time.

CPU time, threads and connections are the worker's own, as the kernel and PostgreSQL count them.
"""

import json
import os
import subprocess
import sys

import psycopg
from rich.console import Console
from rich.table import Table

from tests.benchmarks import databases

TIMEOUT_SECONDS = 300


def measure(console: Console) -> dict[str, float]:
    table = Table(title="waiting: a worker with 100,000 executions in a wait or a backoff", title_justify="left")
    for heading in ("database", "waiting", "CPU ms/s", "threads", "connections", "late p50", "p99", "at most (ms)"):
        table.add_column(heading, justify="left" if heading == "database" else "right")
    figures: dict[str, float] = {}
    for name, database in (("sqlite", databases.sqlite), ("postgres", databases.postgres)):
        try:
            with database() as url:
                results = _in_child(url)
        except psycopg.OperationalError as error:
            console.print(f"{name}: skipped, nothing answers there ({str(error).splitlines()[0]})")
            continue
        for waiting, result in results.items():
            figures |= {f"waiting.{name}.{waiting}.{figure}": value for figure, value in result.items()}
            late = [f"{result[key]:.0f}" if key in result else "" for key in ("p50_ms", "p99_ms", "max_ms")]
            counts = [f"{result[key]:.0f}" if key in result else "" for key in ("threads", "connections")]
            table.add_row(name, f"{int(waiting):,}", f"{result['cpu_ms_per_second']:.1f}", *counts, *late)
    console.print(table)
    return figures


def _in_child(url: str) -> dict[str, dict[str, float]]:
    """In a process of its own, since the database is chosen when a process starts."""
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "DEBUG": "false",
        "SECRET_KEY": "of a test " * 5,
        "LOG_LEVEL": "WARNING",
    }
    child = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.waiting_child"],
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
        timeout=TIMEOUT_SECONDS,
    )
    results: dict[str, dict[str, float]] = json.loads(child.stdout)
    return results
