"""A PostgreSQL server of a test's own, in a temporary folder, which may be stopped, killed and cut off at will."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psycopg
import pytest

SECONDS = 60
ACCOUNT = "postgres"
# Safe for a server that is killed; not for a machine that is.
OPTIONS = ("listen_addresses = '127.0.0.1'", "unix_socket_directories = ''", "fsync = off", "max_connections = 60")


@dataclass(frozen=True, slots=True)
class Cluster:
    """It is restarted on the same port and with the same data, so that `url` stays right."""

    data: Path
    port: int

    @property
    def url(self) -> str:
        return f"postgresql://{ACCOUNT}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Returns once it answers."""
        _run("pg_ctl", "--pgdata", self.data, "--log", self.data / "server.log", "--wait", "start")

    def stop(self, mode: str = "immediate") -> None:
        """`immediate` is what a crash is: connections break and the log is replayed at the next start; or `fast`."""
        _run("pg_ctl", "--pgdata", self.data, "--wait", "--mode", mode, "stop")

    def restart(self, mode: str = "immediate") -> None:
        self.stop(mode)
        self.start()

    def cut_connections(self) -> int:
        """Ends every client's connection but not the server; how many there were."""
        others = "backend_type = 'client backend' AND pid <> pg_backend_pid()"
        with self.connect() as connection:
            found = connection.execute(f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {others}")
            return int((found.fetchone() or (0,))[0])

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(self.url, autocommit=True, connect_timeout=SECONDS)


@contextmanager
def cluster(*options: str) -> Iterator[Cluster]:
    """A server that is up; `options` are lines of postgresql.conf. Skips the test where its programs aren't there."""
    if _programs() is None:
        pytest.skip("PostgreSQL's own programs (initdb, pg_ctl) are not on this machine")
    with tempfile.TemporaryDirectory(prefix="cluster-", ignore_cleanup_errors=True) as folder:
        made = Cluster(Path(folder, "data"), _free_port())
        if _account():
            shutil.chown(folder, ACCOUNT, ACCOUNT)
        _run("initdb", "--pgdata", made.data, "--username", ACCOUNT, "--auth=trust", "--encoding=UTF8", "--no-sync")
        with (made.data / "postgresql.conf").open("a") as configuration:
            configuration.write("\n".join(["", *OPTIONS, f"port = {made.port}", *options, ""]))
        made.start()
        try:
            yield made
        finally:
            if (made.data / "postmaster.pid").exists():
                made.stop()


@cache
def _programs() -> Path | None:
    """The folder of the newest that is installed: Debian keeps them off the PATH."""
    found = [Path(path).resolve().parent for path in [shutil.which("initdb")] if path]
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
    folders = [folder for folder in [*found, *reversed(debian)] if (folder / "initdb").exists()]
    return folders[0] if folders else None


def _account() -> str | None:
    """Whose processes they are: PostgreSQL refuses to run as root."""
    return ACCOUNT if os.geteuid() == 0 else None


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def _run(program: str, *arguments: object) -> None:
    folder = _programs()
    assert folder is not None
    account = _account()
    done = subprocess.run(
        [str(folder / program), *map(str, arguments)],
        user=account,
        group=account,
        extra_groups=[] if account else None,
        cwd="/",
        env={"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"},
        # What it leaves behind would keep a pipe open; the server has a log of its own.
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{program} ended with {done.returncode}: {_log_of(arguments)}"


def _log_of(arguments: tuple[object, ...]) -> str:
    logs = [path for path in arguments if isinstance(path, Path) and path.suffix == ".log" and path.exists()]
    return logs[0].read_text()[-2000:] if logs else ""
