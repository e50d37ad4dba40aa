"""Types a page's `sh` blocks into one shell, in a directory that looks like a checkout of the project."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.config.processes import ROOT, environment

SECONDS = 150
ADDRESS = "127.0.0.1:8000"
"""Where the pages say that the server is; in a test it is elsewhere, since somebody may be there."""
PARTS = ("Makefile", "manage.py", "requirements", "config", "executions", "workflows", "workspaces")
# `make serve` belongs into a second terminal: here it goes to the background, until the first one closes.
PREAMBLE = """
set -euo pipefail
make() {
  if [ "$1" != serve ]; then command make "$@"; return; fi
  command make serve PORT=$PORT > serve.log 2>&1 &
  trap "kill $!; wait $! || true" EXIT
  for _ in $(seq 300); do
    if curl -s -o health 127.0.0.1:$PORT/healthz; then return; fi
    sleep 0.1
  done
  cat serve.log >&2
  return 1
}
"""


def checkout(place: Path) -> Path:
    """What the commands need there; `.venv` holds the Python that runs the tests."""
    for part in PARTS:
        (place / part).symlink_to(ROOT / part)
    (place / ".venv" / "bin").mkdir(parents=True)
    python = place / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (place / ".venv" / "installed").touch()
    return place


def typed(blocks: list[str], *, place: Path, database_url: str) -> list[str]:
    """What each of the blocks printed, typed one after another; fails if a command does."""
    port = free_port()
    script = [PREAMBLE]
    for number, block in enumerate(blocks):
        script.append(f"exec > {number}.out\n{block.replace(ADDRESS, f'127.0.0.1:{port}')}")
    (place / "typed.sh").write_text("\n".join(script), encoding="utf-8")
    variables = environment(DATABASE_URL=database_url, PORT=port, LANG="C.UTF-8")
    with group(["bash", "typed.sh"], place, variables) as shell:
        _, errors = shell.communicate(timeout=SECONDS)
        log = place / "serve.log"
        assert shell.returncode == 0, errors + (log.read_text() if log.exists() else "")
    return [(place / f"{number}.out").read_text(encoding="utf-8") for number in range(len(blocks))]


@contextmanager
def group(command: list[str], place: Path, variables: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A process and all that it starts; whatever the test does, they are gone afterwards."""
    process = subprocess.Popen(
        command, cwd=place, env=variables, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=SECONDS)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
