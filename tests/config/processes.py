"""Runs parts of the project as a user does: as processes, with an environment of the test's own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60


def environment(**variables: object) -> dict[str, str]:
    """Only what a process needs to start, and `variables`: nothing that the tests' own run was given."""
    return {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]} | {k: str(v) for k, v in variables.items()}


def manage(*arguments: str, **variables: object) -> subprocess.CompletedProcess[str]:
    """Runs manage.py to its end."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
