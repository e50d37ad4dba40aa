"""What the admin's list of executions costs among a million of them, with each filter and search, and one's own page.

Whole answers of Django's, by its test client in a process of their own: without HTTP and the server around them.
"""

import json
import os
import subprocess
import sys

import psycopg
from rich.console import Console
from rich.table import Table

from tests.benchmarks import databases

TIMEOUT_SECONDS = 1_800
FIGURES = ("list", "execution")


def measure(console: Console) -> dict[str, float]:
    table = Table(title="admin: pages at 1,000,000 executions (medians)", title_justify="left")
    for heading in ("database", "page", "ms"):
        table.add_column(heading, justify="right" if heading == "ms" else "left")
    figures: dict[str, float] = {}
    for name, database in (("sqlite", databases.sqlite), ("postgres", databases.postgres)):
        try:
            with database() as url:
                medians = _in_child(url)
        except psycopg.OperationalError as error:
            console.print(f"{name}: skipped, nothing answers there ({str(error).splitlines()[0]})")
            continue
        figures |= {f"admin.{name}.{page}.median_ms": medians[page] for page in FIGURES}
        for page, milliseconds in medians.items():
            table.add_row(name, page, f"{milliseconds:.1f}")
    console.print(table)
    return figures


def _in_child(url: str) -> dict[str, float]:
    """In a process of its own, since the database is chosen when a process starts."""
    environment = {
        **os.environ, "DATABASE_URL": url, "DEBUG": "false", "SECRET_KEY": "of a test " * 5, "LOG_LEVEL": "WARNING",
        "HTTPS_ONLY": "false",
    }  # fmt: skip
    child = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.admin_child"],
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
        timeout=TIMEOUT_SECONDS,
    )
    medians: dict[str, float] = json.loads(child.stdout)
    return medians
