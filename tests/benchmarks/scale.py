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
STORED = "2, beside a million stored"


def measure(console: Console) -> dict[str, float]:
    try:
        with databases.postgres() as few, databases.postgres("_filled") as many:
            # Also so that both have statistics: without any, plans are those of an empty table for the first minute.
            for url, executions in ((few, 1_000), (many, 1_000_000)):
                _python(url, "manage.py", "migrate", "--verbosity", "0")
                _python(url, "-m", "tests.benchmarks.fill", str(executions))
            rounds = [_round(console, few, many) for _ in range(ROUNDS)]
            alone, behind = _child(few, "lags", 2, QUEUED, STEPS)
    except psycopg.OperationalError as error:
        console.print(f"scale: skipped, nothing answers there ({str(error).splitlines()[0]})")
        return {}
    rates = {name: median(rates[name] for rates in rounds) for name in rounds[0]}
    _print(console, rates, alone, behind)
    return {
        **{f"scale.{workers}.steps_per_second": round(rates[str(workers)], 1) for workers in WORKERS},
        "scale.ratio_2_to_1": round(median(each["2"] / each["1"] for each in rounds), 3),
        "scale.ratio_1m_to_1k_stored": round(median(each[STORED] / each["2"] for each in rounds), 3),
        "scale.start_lag_ms": round(alone * 1000, 1),
        "scale.start_lag_behind_a_queue_ms": round(behind * 1000, 1),
    }


def _round(console: Console, few: str, many: str) -> dict[str, float]:
    """Steps a second by the number of workers; one after the other, so that what slows the machine slows all."""
    rates = {str(workers): _child(few, "rate", workers, EXECUTIONS, STEPS) for workers in WORKERS}
    rates[STORED] = _child(many, "rate", 2, EXECUTIONS, STEPS)
    console.print(", ".join(f"{name}: {rate:,.0f}" for name, rate in rates.items()))
    return rates


def _print(console: Console, rates: dict[str, float], alone: float, behind: float) -> None:
    table = Table(title=f"scale: {EXECUTIONS:,} executions of {STEPS} steps at once, PostgreSQL", title_justify="left")
    for heading in ("workers", "steps/s", "executions/s"):
        table.add_column(heading, justify="right")
    for name, rate in rates.items():
        table.add_row(name, f"{rate:,.0f}", f"{rate / STEPS:,.0f}")
    console.print(table)
    lag, queued_lag = f"{alone * 1000:.1f} ms", f"{behind * 1000:.1f} ms"
    console.print(f"A start waits {lag} for a worker, {queued_lag} behind {QUEUED:,} of another workspace.")


def _child(url: str, measured: str, *numbers: int) -> Any:
    return json.loads(_python(url, "-m", "tests.benchmarks.scale_child", measured, *map(str, numbers)))


def _python(url: str, *arguments: str) -> str:
    """In a process of its own, since the database is chosen when a process starts; gives what it prints."""
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "tests.executions.programs.settings",
        "DEBUG": "false",
        "SECRET_KEY": "of a test " * 5,
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
