"""Steps a second of a ten-step workflow of no-op actions, one execution after another, beside the raw cost of a commit.

A raw commit writes what a step's commit writes (the execution's UPDATE, the ended step's UPDATE, the next step's
INSERT) into the same tables, straight through the driver with prepared statements: as a transaction, and on PostgreSQL
also as one statement, which costs one round trip. The ratio is taken against the cheaper one.
"""

import json
import os
import subprocess
import sys

import psycopg
from rich.console import Console
from rich.table import Table

from tests.benchmarks import databases

TIMEOUT_SECONDS = 600


def measure(console: Console) -> dict[str, float]:
    table = Table(title="engine: 10-step workflows of no-op actions, one after another (medians)", title_justify="left")
    for heading in ("database", "steps/s", "raw commits/s", "the same in one statement", "time of a step / raw commit"):
        table.add_column(heading, justify="left" if heading == "database" else "right")
    figures: dict[str, float] = {}
    for name, database in (("sqlite", databases.sqlite), ("postgres", databases.postgres)):
        try:
            with database() as url:
                result = _in_child(url)
        except psycopg.OperationalError as error:
            console.print(f"{name}: skipped, nothing answers there ({str(error).splitlines()[0]})")
            continue
        figures |= {f"engine.{name}.{key}": value for key, value in result.items()}
        one = result.get("raw_one_statement_commits_per_second")
        table.add_row(
            name,
            f"{result['steps_per_second']:,.0f}",
            f"{result['raw_commits_per_second']:,.0f}",
            f"{one:,.0f}" if one else "",
            f"{result['ratio_to_raw_commit']:.2f}",
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
        [sys.executable, "-m", "tests.benchmarks.engine_child"],
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
        timeout=TIMEOUT_SECONDS,
    )
    figures: dict[str, float] = json.loads(child.stdout)
    return figures
