"""What handlers that were left behind cost others in their process: their steps a second, as a share of the rate alone.

Those that sleep hold nothing, and those that compute are stopped. While one computes, for an execution that waits for
it, it takes its turns with the interpreter's lock, unless it is isolated: then it has its share of the processors, as
one that is nice to others.
"""

import json
import os
import subprocess
import sys

from rich.console import Console
from rich.table import Table

from tests.benchmarks import databases

TIMEOUT_SECONDS = 300


def measure(console: Console) -> dict[str, float]:
    with databases.sqlite() as url:
        environment = {
            **os.environ, "DATABASE_URL": url, "DEBUG": "false", "SECRET_KEY": "of a test " * 5, "LOG_LEVEL": "ERROR",
        }  # fmt: skip
        command = [sys.executable, "-m", "tests.benchmarks.neighbours_child"]
        child = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, timeout=TIMEOUT_SECONDS)
    rates: dict[str, float] = json.loads(child.stdout)
    table = Table(title="neighbours: steps a second beside handlers that hang or compute", title_justify="left")
    for heading in ("beside", "steps/s", "of alone"):
        table.add_column(heading, justify="left" if heading == "beside" else "right")
    for name, rate in rates.items():
        table.add_row(name, f"{rate:.0f}", f"{rate / rates['alone']:.0%}")
    console.print(table)
    return {
        f"neighbours.{name.replace(' ', '_')}.ratio": round(rate / rates["alone"], 2) for name, rate in rates.items()
    }
