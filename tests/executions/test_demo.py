"""`manage.py demo`, run as `make demo` runs it, and the commands that it ends with, run as they are pasted."""

import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from executions.management.demo_service import FAILURES_AT_FIRST, demo_service
from tests.config.processes import ROOT, SECONDS, environment, manage
from tests.workflows.http_server import serving

pytestmark = pytest.mark.skipif(connection.vendor == "postgresql", reason="it has a database of its own: once will do")

WIDTH = 80


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database of the demo's own: a newcomer's."""
    url = f"sqlite:///{tmp_path_factory.mktemp('demo')}/demo.sqlite3"
    migrated = manage("migrate", "--verbosity=0", DATABASE_URL=url)
    assert migrated.returncode == 0, migrated.stderr
    return url


def demo(url: str, *arguments: str, **variables: object) -> subprocess.CompletedProcess[str]:
    return manage("demo", *arguments, DATABASE_URL=url, COLUMNS=WIDTH, **variables)


def pasted_commands(output: str) -> list[list[str]]:
    """The `manage.py` commands of the demo's last words, as a shell reads them."""
    _, _, words = output.partition("\nNext\n")
    lines = words.replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if "manage.py" in line]


@pytest.mark.slow
def test_it_runs_twice_the_second_time_within_ten_seconds(url: str) -> None:
    first = demo(url)
    assert (first.returncode, first.stderr) == (0, "")
    begun = time.monotonic()
    second = demo(url)
    assert time.monotonic() - begun < 10
    assert (second.returncode, second.stderr) == (0, "")

    for output in (first.stdout, second.stdout):
        assert re.findall(r"next try in|✔ COMPLETED", output) == ["next try in"] * FAILURES_AT_FIRST + ["✔ COMPLETED"]


def test_what_it_says_to_do_next_can_be_pasted_and_works(url: str) -> None:
    output = demo(url).stdout
    lines = output.partition("\nNext\n")[2].replace(sys.executable, ".venv/bin/python").splitlines()
    assert max(len(line) for line in lines) <= WIDTH
    commands = pasted_commands(output)
    assert len(commands) == 2
    for command in commands:
        done = subprocess.run(
            command, cwd=ROOT, env=environment(DATABASE_URL=url), capture_output=True, text=True, timeout=SECONDS,
            check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert "✔ COMPLETED" in done.stdout
    assert (ROOT / "Makefile").read_text().count("\nserve:") == 1


@pytest.mark.parametrize(
    ("example", "expected"),
    [
        ("service-check", ["waiting", "waiting", "success", "success"]),
        ("nightly-report", ["failed", "skipped", "success"]),
    ],
)
def test_the_other_examples_run_too(url: str, example: str, expected: list[str]) -> None:
    done = demo(url, example)

    assert (done.returncode, done.stderr) == (0, "")
    changes = re.findall(r"^\d/\d  \S (\w+)", done.stdout, flags=re.MULTILINE)
    assert [change for change in changes if change != "running"] == expected


@pytest.mark.django_db(transaction=True)
def test_its_member_signs_in_to_the_admin_and_sees_what_a_member_may(settings: Settings) -> None:
    settings.DEBUG = True
    call_command("demo", "nightly-report")
    grace = Client()

    grace.post(reverse("admin:login"), {"username": "grace", "password": "demo"})

    def status(page: str) -> int:
        return grace.get(reverse(f"admin:{page}_changelist")).status_code

    assert "Nightly report" in grace.get(reverse("admin:executions_execution_changelist")).content.decode()
    assert [status(page) for page in ("workflows_workflow", "workspaces_task")] == [200, 200]
    assert [status(page) for page in ("workspaces_secret", "workspaces_auditentry", "auth_user")] == [403, 403, 403]


def test_it_runs_only_while_debug_is_on(url: str) -> None:
    done = demo(url, DEBUG="false", SECRET_KEY="of a test " * 5)

    assert done.returncode == 1
    assert "The demo's accounts have a known password; it runs only while DEBUG is on." in done.stderr


def test_on_a_database_that_is_not_up_to_date_it_says_what_to_do(tmp_path: Path) -> None:
    done = manage("run_workflow", "demo", "Note", DATABASE_URL=f"sqlite:///{tmp_path}/empty.sqlite3")

    assert done.returncode == 1
    assert "make migrate" in done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_ends_it_without_a_word_on_what_to_do_next(url: str) -> None:
    with subprocess.Popen(
        [sys.executable, "manage.py", "demo"], cwd=ROOT, env=environment(DATABASE_URL=url), stdout=subprocess.PIPE,
        text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            if "waiting" in line:
                process.send_signal(signal.SIGINT)
                break
        rest = process.stdout.read()

    assert process.returncode == 130
    assert rest.splitlines()[-1].endswith(" by Ctrl-C; what its steps did before stays done")


def test_its_service_takes_an_address_that_other_processes_may_call_too_if_that_is_free() -> None:
    with serving() as other:
        with demo_service([other.authority]) as address:
            assert address != other.authority
        free = f"127.0.0.1:{int(address.rpartition(':')[2])}"
        with demo_service(["crm.example:443", other.authority, free]) as address:
            assert address == free
