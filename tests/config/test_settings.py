import secrets
from pathlib import Path

import pytest

from tests.config.processes import manage

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


def test_it_passes_the_deployment_check_with_a_production_environment() -> None:
    answer = manage(
        "check",
        "--deploy",
        "--fail-level=WARNING",
        DEBUG="false",
        SECRET_KEY=secrets.token_urlsafe(50),
        ALLOWED_HOSTS="trilith.example",
        DATABASE_URL=POSTGRES,
    )

    assert answer.returncode == 0, answer.stderr


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
