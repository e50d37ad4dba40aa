"""Whether a process says rightly that it is of use."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.test import Client

from config import health
from executions.engine import dispatch, journal, supervisor
from tests.config.processes import manage
from tests.config.servers import serving


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    health._check_migrations.cache_clear()
    yield
    health._check_migrations.cache_clear()


@pytest.mark.django_db(transaction=True)
def test_a_process_with_a_database_and_an_executor_is_ready(client: Client) -> None:
    with dispatch.executor():
        answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "ok", "checks": {"database": "ok", "executor": "ok"}},
    )


@pytest.mark.django_db
def test_a_process_without_an_executor_is_not_ready_and_says_so_as_a_problem(client: Client) -> None:
    answer = client.get("/readyz")

    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "application/problem+json")
    problem = json.loads(answer.content)
    assert (problem["status"], problem["error"]) == (503, "UNAVAILABLE")
    assert problem["detail"] == "executor: none runs in this process"
    assert problem["checks"] == {"database": "ok", "executor": "none runs in this process"}
    assert client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.django_db(transaction=True)
def test_an_executor_that_ended_or_looks_no_longer_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    with dispatch.executor() as executor:
        assert dispatch.ailment() is None
        monkeypatch.setattr(supervisor, "LATE_LOOK_SECONDS", -1.0)
        assert "it last looked for due executions" in str(dispatch.ailment())
        assert executor.stop(60)
        assert dispatch.ailment() == "its supervisor has ended"


def test_a_look_that_fails_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = threading.Semaphore(0)

    def fail(_limit: int) -> None:
        failed.release()
        raise OSError("the database is gone")

    monkeypatch.setattr(journal, "claim_due", fail)
    monkeypatch.setattr(supervisor, "POLL_SECONDS", 0.01)
    with dispatch.executor() as executor:
        began = executor._looked_at
        assert all(failed.acquire(timeout=60) for _ in range(3))
        assert executor._looked_at == began


@pytest.mark.django_db
def test_one_query_once_the_migrations_were_seen(client: Client, django_assert_num_queries: object) -> None:
    client.get("/readyz")
    with django_assert_num_queries(1):  # type: ignore[operator]
        client.get("/readyz")


@pytest.mark.django_db
def test_both_are_answered_without_https(client: Client, settings: LazySettings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503
    assert client.get("/").status_code == 301


def test_a_server_on_a_database_without_tables_is_not_ready_until_it_has_them(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/empty.sqlite3"
    with serving(DATABASE_URL=url) as server:
        answer = server.ask("GET", "/readyz")
        assert answer.status == 503
        assert answer.body["checks"]["database"] == "migrations are missing; run manage.py migrate"

        assert manage("migrate", "--verbosity=0", DATABASE_URL=url).returncode == 0
        assert server.ask("GET", "/readyz").body["checks"]["database"] == "ok"


def test_a_server_without_a_database_is_alive_and_not_ready(tmp_path: Path) -> None:
    with serving(DATABASE_URL=f"sqlite:///{tmp_path}/nowhere/secret.sqlite3") as server:
        assert server.ask("GET", "/healthz").status == 200
        answer = server.ask("GET", "/readyz")

    assert answer.status == 503
    assert answer.body["checks"]["database"] == "it doesn't answer (OperationalError)"
    assert "secret" not in str(answer.body)
