import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.config.processes import ROOT, SECONDS, environment, manage

UVICORN = ["-m", "uvicorn", "config.asgi:application", "--host=127.0.0.1", "--port=0", "--lifespan=on"]


@contextmanager
def server(**variables: object) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A real server process and its port; whatever the test does, it is gone afterwards."""
    process = subprocess.Popen(
        [sys.executable, *UVICORN], cwd=ROOT, env=environment(**variables), stderr=subprocess.PIPE, text=True
    )
    try:
        yield process, port_of(process)
    finally:
        process.kill()
        process.communicate(timeout=SECONDS)


def port_of(process: subprocess.Popen[str]) -> int:
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(r"running on http://127\.0\.0\.1:(\d+)", line):
            return int(found[1])
    raise AssertionError("the server ended before it listened")


def get(port: int, path: str) -> tuple[int, str, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.headers.get("Location", ""), response.read()
    finally:
        connection.close()


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/server.sqlite3"
    migrated = manage("migrate", "--verbosity=0", DATABASE_URL=url)
    assert migrated.returncode == 0, migrated.stderr
    return url


def test_it_answers_and_ends_within_seconds_of_sigterm(database_url: str) -> None:
    with server(DATABASE_URL=database_url) as (process, port):
        status, _, body = get(port, "/healthz")
        assert (status, json.loads(body)) == (200, {"status": "ok"})
        assert get(port, "/")[:2] == (302, "/admin/")

        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=10)

    assert "Application shutdown complete." in log
    assert "Traceback" not in log


@pytest.mark.parametrize("debug", ["true", "false"])
def test_it_serves_the_admin_with_its_assets(database_url: str, debug: str) -> None:
    with server(DATABASE_URL=database_url, DEBUG=debug, HTTPS_ONLY="false", SECRET_KEY="of a test " * 5) as (
        _,
        port,
    ):
        status, _, page = get(port, "/admin/login/")
        assert status == 200
        assets = re.findall(rb'<(?:link|script) [^>]*(?:href|src)="([^"]+)"', page)
        assert {address[:8] for address in assets} == {b"/static/"}
        assert {get(port, address.decode())[0] for address in assets} == {200}


def test_it_refuses_to_start_on_wrong_settings_and_says_why(database_url: str) -> None:
    answer = subprocess.run(
        [sys.executable, *UVICORN],
        cwd=ROOT,
        env=environment(DATABASE_URL=database_url, DEBUG="false"),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )

    assert answer.returncode != 0
    assert "SECRET_KEY: DEBUG is off and the key is the example's." in answer.stderr
    assert "Traceback" not in answer.stderr
