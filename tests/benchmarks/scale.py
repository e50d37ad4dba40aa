"""Ten-step executions of no-op actions, 2,000 of them due at once: how many steps a second 1, 2 and 4 workers make.

Workers are processes as `manage.py run_worker` starts them, on PostgreSQL. The time is the database's, from the first
claim to the last end. The same beside a million stored executions; and how long a start waits behind a queue of another
workspace.
"""

import json
import os
import subprocess
import sys
from statistics import median
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from tests.benchmarks import databases

TIMEOUT_SECONDS = 1_200
WORKERS = (1, 2, 4)
ROUNDS = 3
EXECUTIONS = 2_000
QUEUED = 10_000
STEPS = 10


def measure(console: Console) -> dict[str, float]:
    try:
        with databases.postgres() as url:
            rates = {workers: _rate(console, url, workers) for workers in WORKERS}
            alone, behind = _child(url, "lags", 2, QUEUED, STEPS)
            few = _rate(console, url, 2)
            _fill(url)
            many = _rate(console, url, 2)
    except psycopg.OperationalError as error:
        console.print(f"scale: skipped, nothing answers there ({str(error).splitlines()[0]})")
        return {}
    table = Table(title=f"scale: {EXECUTIONS:,} executions of {STEPS} steps at once, PostgreSQL", title_justify="left")
    for heading in ("workers", "steps/s", "executions/s"):
        table.add_column(heading, justify="right")
    for workers, rate in rates.items():
        table.add_row(str(workers), f"{rate:,.0f}", f"{rate / STEPS:,.0f}")
    table.add_row("2, few stored", f"{few:,.0f}", f"{few / STEPS:,.0f}")
    table.add_row("2, a million stored", f"{many:,.0f}", f"{many / STEPS:,.0f}")
    console.print(table)
    lag, queued_lag = f"{alone * 1000:.1f} ms", f"{behind * 1000:.1f} ms"
    console.print(f"A start waits {lag} for a worker, {queued_lag} behind {QUEUED:,} of another workspace.")
    return {
        "scale.start_lag_ms": round(alone * 1000, 1),
        "scale.start_lag_behind_a_queue_ms": round(behind * 1000, 1),
        **{f"scale.{workers}.steps_per_second": round(rate, 1) for workers, rate in rates.items()},
        "scale.ratio_2_to_1": round(rates[2] / rates[1], 3),
        "scale.ratio_1m_to_1k_stored": round(many / few, 3),
    }


def _rate(console: Console, url: str, workers: int) -> float:
    """Steps a second, the median of some rounds."""
    rates = [_round(url, workers) for _ in range(ROUNDS)]
    console.print(f"{workers} workers: {', '.join(f'{rate:,.0f}' for rate in rates)} steps/s")
    return median(rates)


def _round(url: str, workers: int) -> float:
    figure: float = _child(url, "rate", workers, EXECUTIONS, STEPS)
    return figure


def _child(url: str, measured: str, *numbers: int) -> Any:
    return json.loads(_python(url, "-m", "tests.benchmarks.scale_child", measured, *map(str, numbers)))


def _fill(url: str) -> None:
    _python(url, "-m", "tests.benchmarks.fill", "1000000")


def _python(url: str, *arguments: str) -> str:
    """In a process of its own, since the database is chosen when a process starts; gives what it prints."""
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "tests.executions.programs.settings",
        "DEBUG": "false",
        "SECRET_KEY": "x" * 50,
        "LOG_LEVEL": "WARNING",
    }
    child = subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
    )
    return child.stdout
