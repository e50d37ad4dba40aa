"""Fuzzes for as many minutes as it is told, in child processes: the engine of expressions is C++, and may end one.

    python -m tests.hostile.fuzz 10

A child that crashes or hangs leaves its last example behind, which is printed with its seed.
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import django
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

ROOT = Path(__file__).resolve().parents[2]
SLICE_SECONDS = 20.0
HANG_SECONDS = 60.0
EXAMPLES = 100


def fuzz_for(seconds: float, first_seed: int, note: int) -> None:
    """What a child does: it prints how many examples there were, and the ms of the slowest."""
    from tests.hostile.fuzzing import KINDS, seconds_of  # noqa: PLC0415 (models are there once Django is set up)

    ends_at, took, number = time.monotonic() + seconds, [0.0], first_seed
    while time.monotonic() < ends_at:
        kind = [*KINDS][number % len(KINDS)]
        strategy, check = KINDS[kind]
        _fuzz_once(strategy, number, partial(_noted, note, f"{kind}, seed {number}", check, seconds_of, took))
        number += 1
    print(json.dumps([len(took) - 1, max(took) * 1000]))


def _fuzz_once(strategy: SearchStrategy[Any], number: int, check: Callable[[Any], None]) -> None:
    @seed(number)
    @settings(
        max_examples=EXAMPLES, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=[*HealthCheck],
    )  # fmt: skip
    @given(strategy)
    def holds(example: object) -> None:
        check(example)

    holds()


def _noted(
    note: int,
    origin: str,
    check: Callable[[Any], None],
    seconds_of: Callable[[Callable[[Any], None], Any], float],
    took: list[float],
    example: object,
) -> None:
    """Writes the example down before it is tried."""
    told = f"{origin}: {example!r}".encode("utf-8", "backslashreplace")
    os.ftruncate(note, 0)
    os.pwrite(note, told, 0)
    took.append(seconds_of(check, example))


def run_slice(seconds: float, number: int) -> tuple[int, float, str | None]:
    """The examples of a child, the ms of its slowest, and what it crashed with."""
    with tempfile.TemporaryFile() as note:
        command = [sys.executable, "-m", "tests.hostile.fuzz", "--slice", str(seconds), str(number), str(note.fileno())]
        try:
            done = subprocess.run(
                command, cwd=ROOT, capture_output=True, text=True, timeout=seconds + HANG_SECONDS,
                pass_fds=[note.fileno()], check=False,
            )  # fmt: skip
            said, errors, failed = done.stdout, done.stderr, done.returncode
        except subprocess.TimeoutExpired:
            said, errors, failed = "", "it hung", 1
        if failed:
            note.seek(0)
            return 0, 0.0, f"{note.read().decode()[:2_000]}\n{errors[-3_000:]}\nexit status {failed}"
    count, slowest = json.loads(said)
    return count, slowest, None


def main(minutes: float) -> int:
    ends_at, count, slowest, crashes = time.monotonic() + minutes * 60, 0, 0.0, 0
    while (left := ends_at - time.monotonic()) > 0:
        some, slow, crash = run_slice(min(left, SLICE_SECONDS), secrets.randbelow(2**31))
        count, slowest, crashes = count + some, max(slowest, slow), crashes + bool(crash)
        if crash:
            print(crash)
    print(f"{count:,} examples, {crashes} crashes, slowest {slowest:.0f} ms")
    return min(crashes, 1)


if __name__ == "__main__":
    if sys.argv[1] == "--slice":
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        django.setup()
        fuzz_for(float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    else:
        sys.exit(main(float(sys.argv[1])))
