"""Runs the groups asked for (all without an argument), prints their tables, adds their figures to bench.json."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from tests.benchmarks import admin, api, engine, history, neighbours, prune, scale, stream, waiting

GROUPS: dict[str, Callable[[Console], dict[str, float]]] = {
    "engine": engine.measure,
    "history": history.measure,
    "api": api.measure,
    "stream": stream.measure,
    "admin": admin.measure,
    "prune": prune.measure,
    "waiting": waiting.measure,
    "neighbours": neighbours.measure,
    "scale": scale.measure,
}
RESULTS = Path("bench.json")


def main(names: list[str]) -> int:
    if unknown := [name for name in names if name not in GROUPS]:
        print(f"No benchmark {', '.join(unknown)}; there are: {', '.join(GROUPS)}.", file=sys.stderr)
        return 2
    figures = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in names or GROUPS:
        figures |= GROUPS[name](Console())
        RESULTS.write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
