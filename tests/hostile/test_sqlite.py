"""A full disk, a lock that stays, a file that can't be written: real ones, under a server in the middle of its work.

Reads go on, writes are refused and said to be, nothing is half there or done twice, and all goes on by itself.
"""

import json
import os
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.config.processes import ROOT, environment
from tests.config.servers import Reply, Server, serving
from tests.executions.programs.children import eventually
from tests.executions.programs.sink import Sink, listening

BASE = "/api/workspaces/sales"
BACK_SECONDS = 10.0
READ_SECONDS = 3.0
SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.hostile.programs.settings"}
FINAL = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT")


@dataclass
class House:
    """A server with its database in `file`, and what it calls."""

    server: Server
    file: Path
    token: str
    sink: Sink
    workflow: str = ""

    def ask(self, method: str, path: str, body: object = None) -> Reply:
        content = None if body is None else json.dumps(body)
        return self.server.ask(method, f"{BASE}/{path}", content, Authorization=f"Bearer {self.token}")

    def start(self) -> Reply:
        return self.ask("POST", f"workflows/{self.workflow}/execute", {"triggerData": "x" * 20_000})

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """What is in the file, read by a connection of its own."""
        reader = sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, timeout=5)
        try:
            return reader.execute(sql).fetchall()
        finally:
            reader.close()

    @property
    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.server.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def open_in(directory: Path) -> Iterator[House]:
    file = directory / "db.sqlite3"
    url = f"sqlite:///{file}"
    program = [sys.executable, "-m", "tests.hostile.programs.scene"]
    made = subprocess.run(
        program, cwd=ROOT, env=environment(DATABASE_URL=url, **SETTINGS), capture_output=True, check=True, text=True
    )
    with listening() as sink:
        options = {"OUTBOUND_ALLOWED_HOSTS": sink.authority, "EXECUTOR_THREADS": 3, "LEASE_SECONDS": 2}
        with serving(DATABASE_URL=url, **SETTINGS, **options) as server:
            house = House(server, file, made.stdout.split()[-1], sink)
            house.workflow = house.ask("POST", "workflows", workflow(sink)).body["workflow"]["id"]
            yield house


def workflow(sink: Sink) -> dict[str, object]:
    """It asks for something that comes when the test says so, waits, and leaves a task."""
    return {
        "name": "In the middle",
        "status": "ACTIVE",
        "actions": [
            {"type": "call_api", "config": {"url": f"{sink.url}/until-released"}},
            {"type": "wait", "config": {"durationMs": 200}},
            {"type": "create_task", "config": {"title": "Call"}},
        ],
    }


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_in(tmp_path_factory.mktemp("sqlite")) as made:
        yield made


@contextmanager
def no_room(house: House) -> Iterator[None]:
    """The system refuses each byte that the server would write to a file."""
    hard = resource.prlimit(house.server.process.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(house.server.process.pid, resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.prlimit(house.server.process.pid, resource.RLIMIT_FSIZE, (hard, hard))


@contextmanager
def locked(house: House) -> Iterator[None]:
    """Another program writes, and takes its time."""
    other = sqlite3.connect(house.file, timeout=5, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.rollback()
        other.close()


@contextmanager
def full_disk(house: House) -> Iterator[None]:
    """All of the room that the disk has is somebody else's."""
    filler = house.file.with_name("filler")
    with filler.open("wb", buffering=0) as taking:
        for size in (65_536, 1):
            with suppress(OSError):
                while taking.write(b"x" * size):
                    pass
    try:
        yield
    finally:
        filler.unlink()


def check_refused(reply: Reply) -> None:
    assert (reply.status, reply.body["error"]) == (503, "UNAVAILABLE"), reply.body
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert int(reply.headers["Retry-After"]) > 0


def check_reads(house: House, execution: str) -> None:
    for path in ("", "workflows", "tasks", "members", f"workflows/{house.workflow}/history"):
        began = time.monotonic()
        reply = house.ask("GET", path.rstrip("/")) if path else house.ask("GET", "workflows")
        assert reply.status == 200, (path, reply.body)
        assert time.monotonic() - began < READ_SECONDS
    found = house.ask("GET", f"workflows/executions/{execution}").body["execution"]
    assert found["status"] == "RUNNING"


def check_goes_on_after(house: House, cause: Callable[[House], object]) -> None:
    house.sink.released.clear()
    calls = len(house.sink.asked("/until-released"))
    before = house.rows("SELECT count(*) FROM executions_execution")[0][0]
    assert isinstance(before, int)
    started = [house.start().body["execution"]["id"] for _ in range(3)]
    eventually(lambda: len(house.sink.asked("/until-released")) == calls + 3)

    with cause(house):  # type: ignore[attr-defined]
        began, cpu = time.monotonic(), house.cpu_seconds
        house.sink.released.set()  # so that there is something to write for each of them
        check_refused(house.start())
        check_refused(house.ask("PATCH", f"workflows/{house.workflow}", {"description": "changed"}))
        check_reads(house, started[0])
        eventually(lambda: time.monotonic() - began > 3.5)  # longer than the lease of what runs
        assert (house.cpu_seconds - cpu) / (time.monotonic() - began) < 0.6, "nobody tries without a pause"
    ended_at = time.monotonic()

    eventually(lambda: house.start().status == 202, seconds=BACK_SECONDS)
    assert all_ended(house, before + 4, seconds=BACK_SECONDS - (time.monotonic() - ended_at))
    check_whole(house, before + 4, calls + 4)


def all_ended(house: House, count: int, *, seconds: float) -> bool:
    sql = f"SELECT count(*) FROM executions_execution WHERE status IN {FINAL}"
    return eventually(lambda: house.rows(sql) == [(count,)], seconds=seconds)


def check_whole(house: House, executions: int, calls: int) -> None:
    """All have completed, each call was made once, and no row is there without those that belong to it."""
    assert house.rows("SELECT status, count(*) FROM executions_execution GROUP BY 1") == [("COMPLETED", executions)]
    assert house.rows("SELECT count(*) FROM workspaces_task") == [(executions,)]
    assert house.rows("SELECT count(*) FROM executions_step WHERE status <> 'success'") == [(0,)]
    assert house.rows("SELECT execution_count, success_count FROM workflows_workflow") == [(executions, executions)]
    assert house.rows("SELECT count(*) FROM workflows_workflow WHERE description <> ''") == [(0,)]
    assert house.rows("PRAGMA integrity_check") == [("ok",)]
    assert len(house.sink.asked("/until-released")) == calls


@pytest.mark.slow
@pytest.mark.parametrize("cause", [no_room, locked], ids=lambda cause: cause.__name__)
def test_it_goes_on_after(house: House, cause: Callable[[House], object]) -> None:
    check_goes_on_after(house, cause)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Of 8 MB, in memory."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("a disk can't be mounted here")
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.mark.slow
@pytest.mark.skipif("LONG" not in os.environ, reason="a second one, of a disk; with LONG=1")
def test_it_goes_on_after_a_disk_is_full(small_disk: Path) -> None:
    with open_in(small_disk) as house:
        check_goes_on_after(house, full_disk)
