import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pytest_django import Settings

from config import checks
from config import settings as of_project
from tests.config.processes import ROOT, SECONDS, environment, manage

POSTGRES = "postgresql://postgres@127.0.0.1:5432/test"


def test_it_needs_no_environment_at_all() -> None:
    answer = manage("check")

    assert answer.returncode == 0, answer.stderr


def test_it_tells_every_wrong_value_at_once_with_its_mend() -> None:
    answer = manage("check", DATABASE_URL="nonsense", EXECUTOR_THREADS="abc", LEASE_SECONDS=0, SQLITE_SYNCHRONOUS="OFF")

    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    assert answer.stderr.splitlines()[3:-2] == [
        "?: (trilith.E001) DATABASE_URL: Not a database URL.",
        "\tHINT: Write sqlite:///file.sqlite3 or postgresql://user:password@host:5432/name.",
        "?: (trilith.E001) EXECUTOR_THREADS: Not a valid integer.",
        "\tHINT: Write a whole number from 0 to 64.",
        "?: (trilith.E001) LEASE_SECONDS: Must be greater than or equal to 1 and less than or equal to 3600.",
        "\tHINT: Write whole seconds from 1 to 3600.",
        "?: (trilith.E001) SQLITE_SYNCHRONOUS: Must be one of: FULL, NORMAL.",
        "\tHINT: Write FULL, or NORMAL, which is faster and may lose the last commits in a power cut.",
    ]


def test_it_does_not_repeat_a_password() -> None:
    answer = manage("check", DATABASE_URL="mysql://user:hunter2@host/name", EMAIL_URL="smtpx://user:hunter2@host")

    assert "DATABASE_URL" in answer.stderr
    assert "EMAIL_URL" in answer.stderr
    assert "hunter2" not in answer.stdout + answer.stderr


def test_it_never_works_on_another_database_than_the_one_named() -> None:
    ask = "from django.contrib.auth.models import User; print(User.objects.count())"
    answer = manage("shell", "--no-imports", "--command", ask, DATABASE_URL="nonsense")

    assert answer.returncode != 0
    assert "DATABASES is improperly configured" in answer.stderr


def test_it_refuses_the_example_key_when_debug_is_off() -> None:
    answer = manage("migrate", "--plan", DEBUG="false")

    assert answer.returncode == 1
    assert "SECRET_KEY: DEBUG is off and the key is the example's." in answer.stderr


@pytest.mark.parametrize("written", ["{}", "'{}'", '"{}" ', "{}\r"])
def test_the_example_key_is_known_again_however_it_was_written(written: str) -> None:
    answer = manage("check", DEBUG="false", SECRET_KEY=written.format(of_project.EXAMPLE_KEY).upper())

    assert answer.returncode == 1
    assert "SECRET_KEY: DEBUG is off and the key is the example's." in answer.stderr


def test_it_refuses_a_weak_key_when_debug_is_off_and_does_not_repeat_it() -> None:
    answer = manage("check", DEBUG="false", SECRET_KEY="hunter2")

    assert answer.returncode == 1
    assert "SECRET_KEY: DEBUG is off and the key is weak." in answer.stderr
    assert "Set SECRET_KEY to 50 random characters." in answer.stderr
    assert "hunter2" not in answer.stderr


WORKER = ["-m", "celery", "-A", "config", "worker", "--concurrency=1", "--without-gossip", "--without-mingle"]


@pytest.mark.parametrize(
    "started",
    [
        ["-m", "uvicorn", "config.asgi:application", "--port=0", "--lifespan=off"],
        ["manage.py", "run_worker"],
        WORKER,
    ],
    ids=["server", "worker", "Celery's worker"],
)
def test_nothing_starts_on_the_example_key_when_debug_is_off(started: list[str], tmp_path: Path) -> None:
    broker = {"DISPATCHER": "celery", "CELERY_BROKER_URL": "redis://127.0.0.1:9/0"} if started is WORKER else {}
    url = f"sqlite:///{tmp_path}/db.sqlite3"
    answer = subprocess.run(
        [sys.executable, *started], cwd=ROOT, env=environment(DEBUG="false", DATABASE_URL=url, **broker),
        capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip

    assert answer.returncode == 1
    assert "SECRET_KEY: DEBUG is off and the key is the example's." in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize(
    ("debug", "hosts", "found"),
    [(False, ["a.example", "*"], ["trilith.W002"]), (False, ["a.example"], []), (True, ["*"], [])],
)
def test_it_warns_of_a_server_that_answers_to_every_name(
    settings: Settings, debug: object, hosts: list[str], found: list[str]
) -> None:
    settings.DEBUG, settings.ALLOWED_HOSTS = debug, hosts

    warnings = checks.hosts()

    assert [warning.id for warning in warnings] == found
    assert all("Name them, such as trilith.example" in (warning.hint or "") for warning in warnings)


def test_it_warns_of_names_that_isolate_nothing(settings: Settings) -> None:
    settings.ISOLATED_ACTIONS = frozenset({"*", "create_task", "wait", "charrge"})

    warnings = checks.isolated_actions()

    assert [warning.msg for warning in warnings] == [
        "ISOLATED_ACTIONS: 'charrge' is no action type.",
        "ISOLATED_ACTIONS: 'create_task' works inside its process alone.",
        "ISOLATED_ACTIONS: 'wait' works inside its process alone.",
    ]


def test_it_passes_the_deployment_check_with_a_production_environment() -> None:
    answer = manage(
        "check",
        "--deploy",
        "--fail-level=WARNING",
        DEBUG="false",
        SECRET_KEY=secrets.token_urlsafe(50),
        SECRETS_KEYS=Fernet.generate_key().decode(),
        ALLOWED_HOSTS="trilith.example",
        DATABASE_URL=POSTGRES,
    )

    assert answer.returncode == 0, answer.stderr


def test_it_says_that_secrets_have_no_key_of_their_own() -> None:
    answer = manage("check", "--deploy", DEBUG="false", SECRET_KEY=secrets.token_urlsafe(50), DATABASE_URL=POSTGRES)

    assert "SECRETS_KEYS: not set" in answer.stderr


@pytest.mark.parametrize("keys", ["short", f"{'a' * 43}=,", "é" * 32, f"{'A' * 43}="])
def test_a_key_that_is_none_is_refused_and_not_repeated(keys: str) -> None:
    answer = manage("check", SECRETS_KEYS=keys)

    assert answer.returncode == 1
    assert "SECRETS_KEYS: Item" in answer.stderr
    assert keys.strip(",") not in answer.stderr


@pytest.mark.parametrize(("synchronous", "level"), [("FULL", 2), ("NORMAL", 1)])
def test_sqlite_syncs_every_commit_to_the_disk_unless_told_otherwise(
    tmp_path: Path, synchronous: str, level: int
) -> None:
    ask = """
from django.db import connection
with connection.cursor() as cursor:
    print([cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")])
"""
    url = f"sqlite:///{tmp_path}/a%20database.sqlite3"
    answer = manage("shell", "--no-imports", "--command", ask, DATABASE_URL=url, SQLITE_SYNCHRONOUS=synchronous)

    assert answer.stdout.splitlines()[-1:] == [f"['wal', {level}]"], answer.stderr
    assert (tmp_path / "a database.sqlite3").exists()


def test_the_postgresql_pool_has_a_connection_for_every_runner() -> None:
    ask = 'from django.conf import settings; print(settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"])'
    answer = manage("shell", "--no-imports", "--command", ask, DATABASE_URL=POSTGRES, EXECUTOR_THREADS=32)

    assert int(answer.stdout) > 32
