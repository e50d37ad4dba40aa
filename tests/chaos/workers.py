"""Real workers that come quickly, may be killed at any time, and leave their logs behind."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue

from tests.config.processes import ROOT, SECONDS, environment
from tests.executions.programs.children import database_url, eventually

READY = "This worker is ready."


@dataclass
class Workers:
    """`alive` are the pids of those that run, `ended` the exit status of each that doesn't any more."""

    logs: Path
    process: subprocess.Popen[str]
    alive: list[int] = field(default_factory=list)
    ended: dict[int, int] = field(default_factory=dict)
    _born: Queue[int] = field(default_factory=Queue)

    def start(self) -> int:
        """Its pid; it comes while we go on."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        pid = self._born.get(timeout=SECONDS)
        self.alive.append(pid)
        return pid

    def kill(self, pid: int) -> None:
        self.alive.remove(pid)
        os.kill(pid, signal.SIGKILL)

    def is_ready(self, pid: int) -> bool:
        return READY in self.log(pid)

    def start_and_wait(self, count: int) -> None:
        pids = [self.start() for _ in range(count)]
        eventually(lambda: all(self.is_ready(pid) for pid in pids))

    def log(self, pid: int) -> str:
        path = self.logs / f"{pid}.log"
        return path.read_text() if path.exists() else ""

    def exited(self) -> dict[int, int]:
        """Those that ended though nobody killed them."""
        return {pid: status for pid, status in self.ended.items() if pid in self.alive}

    def listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            match line.split():
                case "born", pid:
                    self._born.put(int(pid))
                case "ended", pid, status:
                    self.ended[int(pid)] = int(status)


@contextmanager
def workers(**variables: object) -> Iterator[Workers]:
    """None yet. Whatever the test does, they are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="workers-") as logs:
        defaults = {
            "DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "tests.chaos.programs.settings",
            "EXECUTOR_THREADS": 1, "LEASE_SECONDS": 2, "LOGS": logs,
        }  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.programs.nursery"],
            cwd=ROOT,
            env=environment(**defaults | variables),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        nursery = Workers(Path(logs), process)
        listening = threading.Thread(target=nursery.listen)
        listening.start()
        try:
            yield nursery
        finally:
            process.kill()  # and with it die its workers
            listening.join()
            process.communicate(timeout=SECONDS)
            for log in sorted(Path(logs).iterdir()):
                if text := log.read_text().replace(READY, "").strip():
                    print(log.name, text[-20_000:], sep="\n")  # pytest shows it where the test fails
