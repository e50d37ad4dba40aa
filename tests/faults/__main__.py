"""`make test-faults`: kills and fails at each named point, RUNS times, on both databases at once; exits 1 if that broke
anything. SEED says what is drawn, LANES how many runs go on at once on each database, POINT is for one point alone."""

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.benchmarks.databases import POSTGRES_URL
from tests.chaos.report import spread
from tests.config.processes import ROOT, environment
from tests.faults import cases, report
from tests.faults.cases import Result

EVERY = 100
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "config.settings", "LEASE_SECONDS": 1, "EXECUTOR_THREADS": 0, "WEB_THREADS": 1,
    "REQUESTS_PER_MINUTE_OF_USER": 0, "REQUESTS_PER_MINUTE_IN_WORKSPACE": 0,
}  # fmt: skip
"""Of all processes that take part. A worker is told how many threads it has; a server that has none only serves."""


@dataclass
class Half:
    """The suite on one database."""

    database: str
    url: str
    runs: int
    seed: int
    results: list[Result] = field(default_factory=list)
    ended: int = -1

    @property
    def expected(self) -> int:
        point = os.environ.get("POINT")
        return sum(point in (None, c.point) for c in cases.all_of(self.database, runs=self.runs, seed=self.seed))

    def play(self) -> None:
        arguments = ["--runs", str(self.runs), "--seed", str(self.seed), "--lanes", os.environ.get("LANES", "3")]
        arguments += ["--point", os.environ["POINT"]] if "POINT" in os.environ else []
        with subprocess.Popen(
            [sys.executable, "-m", "tests.faults.suite", *arguments],
            cwd=ROOT, env=environment(**SETTINGS, DATABASE_URL=self.url), stdout=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            for line in process.stdout:
                self._note(Result.of(json.loads(line)))
        self.ended = process.returncode

    def _note(self, result: Result) -> None:
        self.results.append(result)
        for line in report.violations(result):
            print(line, flush=True)
        if len(self.results) % EVERY == 0:
            print(f"{self.database}: {len(self.results)} of {self.expected} runs", flush=True)


def halves(folder: str, *, runs: int, seed: int) -> list[Half]:
    here = [Half("sqlite", f"sqlite:///{Path(folder, 'base.sqlite3')}", runs, seed)]
    try:
        psycopg.connect(POSTGRES_URL, connect_timeout=3).close()
    except psycopg.Error:
        print("PostgreSQL is skipped: nothing answers at POSTGRES_URL.")
        return here
    return [*here, Half("postgresql", POSTGRES_URL, runs, seed)]


def main() -> int:
    began = time.monotonic()
    runs, seed = int(os.environ.get("RUNS", "25")), int(os.environ.get("SEED", random.randrange(1_000_000)))
    print(f"{runs} runs of each point and manner, seed {seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        playing = halves(folder, runs=runs, seed=seed)
        threads = [threading.Thread(target=half.play, daemon=True) for half in playing]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return told(playing, time.monotonic() - began)


def told(playing: list[Half], seconds: float) -> int:
    """The exit status."""
    unfinished = 0
    for half in playing:
        missing = half.expected - len(half.results)
        if missing or half.ended:
            print(f"VIOLATED on {half.database}: the suite ended with {half.ended}, and {missing} runs have no result")
            unfinished += max(missing, 1)
        print(report.figures(half.database, half.results))
    results = [result for half in playing for result in half.results]
    print(f"in {seconds:.0f} s, recovery of all {spread([result.recovery for result in results])}")
    print(report.last_line(results, unfinished=unfinished))
    return int(unfinished > 0 or any(result.violations for result in results))


if __name__ == "__main__":
    sys.exit(main())
