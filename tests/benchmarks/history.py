"""What reading a workflow's history costs when it has run a million times, beside what it costs after a thousand.

Both workflows are in one database and asked in turns, with the JSON of 20 executions made of each answer.
"""

import json
import os
import subprocess
import sys

import psycopg
from rich.console import Console
from rich.table import Table

from tests.benchmarks import databases

TIMEOUT_SECONDS = 1_200


def measure(console: Console) -> dict[str, float]:
    table = Table(title="history: of 1,000 and of 1,000,000 executions (medians)", title_justify="left")
    for heading in ("database", "query", "ms at 1,000", "ms at 1,000,000", "ratio"):
        table.add_column(heading, justify="left" if heading in {"database", "query"} else "right")
    figures: dict[str, float] = {}
    for name, database in (("sqlite", databases.sqlite), ("postgres", databases.postgres)):
        try:
            with database() as url:
                results = _in_child(url)
        except psycopg.OperationalError as error:
            console.print(f"{name}: skipped, nothing answers there ({str(error).splitlines()[0]})")
            continue
        for query, (small, large) in results.items():
            ratio = round(large / small, 3)
            figures |= {f"history.{name}.{query}.median_ms": large, f"history.{name}.{query}.ratio_1m_to_1k": ratio}
            table.add_row(name, query, f"{small:.2f}", f"{large:.2f}", f"{ratio:.2f}")
    console.print(table)
    return figures


def _in_child(url: str) -> dict[str, tuple[float, float]]:
    """In a process of its own, since the database is chosen when a process starts."""
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "DEBUG": "false",
        "SECRET_KEY": "of a test " * 5,
        "LOG_LEVEL": "WARNING",
    }
    child = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.history_child"],
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
        timeout=TIMEOUT_SECONDS,
    )
    medians: dict[str, tuple[float, float]] = json.loads(child.stdout)
    return medians
