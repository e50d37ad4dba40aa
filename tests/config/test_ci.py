"""That `.ci/run` fails whenever `make test` does. `make` is a script of the test's own here."""

import os
import subprocess
from pathlib import Path

from tests.config.processes import ROOT, SECONDS, environment

PASSED = "===== 3 passed in 0.12s ====="
FAILED = "===== 1 failed, 2 passed in 75.31s (0:01:15) ====="


def run_ci(home: Path, make: str) -> subprocess.CompletedProcess[str]:
    command = home / "make"
    command.write_text(f"#!/bin/sh\n{make}\n")
    command.chmod(0o755)
    path = f"{home}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [ROOT / ".ci" / "run"],
        env=environment() | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def test_it_passes_when_all_passes_and_repeats_how_each_run_of_pytest_ended(tmp_path: Path) -> None:
    answer = run_ci(tmp_path, f'echo "called with $*"; echo "{PASSED}"; echo between; echo "{PASSED}"')

    assert answer.returncode == 0
    assert "called with test" in answer.stdout
    assert answer.stdout.splitlines()[-3:] == ["What pytest said at the end:", PASSED, PASSED]


def test_it_fails_when_a_test_fails(tmp_path: Path) -> None:
    answer = run_ci(tmp_path, f'echo "{PASSED}"; echo "{FAILED}"; exit 2')

    assert answer.returncode == 2
    assert answer.stdout.splitlines()[-1] == FAILED


def test_it_fails_when_make_does_not_get_as_far_as_pytest(tmp_path: Path) -> None:
    answer = run_ci(tmp_path, "echo 'ruff found something' >&2; exit 2")

    assert answer.returncode == 2
    assert "ruff found something" in answer.stdout
    assert answer.stdout.splitlines()[-1] == "pytest did not get to run."
