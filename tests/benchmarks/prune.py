"""What retention costs the engine: steps a second while a prune runs in the same process, and while none does."""

import json
import os
import subprocess
import sys

import psycopg
from rich.console import Console
from rich.table import Table

from tests.benchmarks import databases

TIMEOUT_SECONDS = 900


def measure(console: Console) -> dict[str, float]:
    table = Table(title="prune: steps/s of the engine, alone and beside a prune, in turns", title_justify="left")
    for heading in ("database", "alone", "beside a prune", "ratio of the medians", "pruned executions/s"):
        table.add_column(heading, justify="left" if heading == "database" else "right")
    figures: dict[str, float] = {}
    for name, database in (("sqlite", databases.sqlite), ("postgres", databases.postgres)):
        try:
            with database() as url:
                result = _in_child(url)
        except psycopg.OperationalError as error:
            console.print(f"{name}: skipped, nothing answers there ({str(error).splitlines()[0]})")
            continue
        figures |= {f"prune.{name}.{key}": value for key, value in result.items()}
        table.add_row(
            name,
            f"{result['steps_per_second_alone']:,.0f}",
            f"{result['steps_per_second_beside']:,.0f}",
            f"{result['ratio']:.3f}",
            f"{result['pruned_per_second']:,.0f}",
        )
    console.print(table)
    return figures


def _in_child(url: str) -> dict[str, float]:
    """In a process of its own, since the database is chosen when a process starts."""
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "DEBUG": "false",
        "SECRET_KEY": "of a test " * 5,
        "LOG_LEVEL": "WARNING",
    }
    child = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.prune_child"],
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
        timeout=TIMEOUT_SECONDS,
    )
    figures: dict[str, float] = json.loads(child.stdout)
    return figures
