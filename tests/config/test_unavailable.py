"""While the database is away, whoever asks is told so, and when to come again; once it is back, all goes on."""

import json
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import InterfaceError, OperationalError, connection
from django.test import Client

from config import outages
from executions import history
from tests.api.clients import with_token
from tests.api.documents import new
from tests.api.house import House
from tests.config.clusters import Cluster, cluster
from tests.config.processes import manage
from tests.config.servers import Reply, Server, serving
from tests.config.servers import reply as answer_to
from tests.executions.programs.children import eventually
from workspaces.models import Task

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
PATHS = [
    "/api/workspaces",
    "/api/workspaces/sales",
    "/api/workspaces/sales/workflows",
    "/api/workspaces/sales/workflows/executions/stream",
    "/api/action-types",
]


def check_problem(reply: Reply, *, changing: bool = False) -> None:
    assert (reply.status, reply.headers["Content-Type"]) == (503, "application/problem+json"), reply.body
    assert reply.headers["Retry-After"] == "5"
    assert (reply.body["status"], reply.body["error"], reply.body["title"]) == (
        503,
        "UNAVAILABLE",
        "Service Unavailable",
    )
    assert reply.body["detail"] == reply.body["message"] == (outages.UNKNOWN if changing else outages.MESSAGE)


def check_page(reply: Reply) -> None:
    assert (reply.status, reply.headers["Content-Type"]) == (503, "text/html; charset=utf-8"), reply.body
    assert reply.headers["Retry-After"] == "5"
    assert b"Not available just now" in reply.body
    assert b"Traceback" not in reply.body


@pytest.fixture
def house(db: None) -> House:
    return House()


# PostgreSQL


@pytest.fixture(scope="module")
def postgres() -> Iterator[Cluster]:
    with cluster() as made:
        assert manage("migrate", "--verbosity=0", DATABASE_URL=made.url).returncode == 0
        yield made


@pytest.fixture(scope="module")
def token(postgres: Cluster) -> str:
    """Opens the workspace `sales` there; made by the commands."""
    return _prepare(postgres.url)


@pytest.fixture(scope="module", params=["true", "false"], ids=["debug", "production"])
def served(request: pytest.FixtureRequest, postgres: Cluster, token: str) -> Iterator[tuple[Cluster, Server, str]]:
    """A server, and a token that opens a workspace there."""
    url = postgres.url
    variables = {
        "DEBUG": request.param,
        "SECRET_KEY": "of a test " * 5,
        "HTTPS_ONLY": "false",
        "ALLOWED_HOSTS": "127.0.0.1",
    }
    with serving(DATABASE_URL=url, LOG_FORMAT="plain", **variables) as server:
        yield postgres, server, token


def _prepare(url: str) -> str:
    made = manage(
        "shell", "--no-imports", "--command",
        "from django.contrib.auth.models import User; User.objects.get_or_create(username='ada', is_superuser=True)",
        DATABASE_URL=url,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    manage("create_workspace", "sales", "--owner=ada", DATABASE_URL=url)
    token = manage("create_token", "ada", "--name=test", "--scope=read", "--scope=write", DATABASE_URL=url)
    assert token.returncode == 0, token.stderr
    return token.stdout.split()[-1]


@contextmanager
def stopped(database: Cluster) -> Iterator[None]:
    database.stop("immediate")
    try:
        yield
    finally:
        database.start()


@pytest.mark.slow
def test_a_database_that_stops_and_comes_back(served: tuple[Cluster, Server, str]) -> None:
    database, server, token = served
    bearer = {"Authorization": f"Bearer {token}"}
    assert server.ask("GET", "/api/workspaces/sales", **bearer).status == 200

    with stopped(database), ThreadPoolExecutor(8) as at_once:
        asked = [at_once.submit(server.ask, "GET", path, **bearer, **BROWSER) for path in PATHS]
        pages = [at_once.submit(server.ask, "GET", "/admin/", Cookie=f"sessionid={'a' * 32}", **BROWSER)]
        changing = [at_once.submit(server.ask, "POST", "/api/workspaces/sales/workflows", "{}", **bearer)]
        program = at_once.submit(server.ask, "GET", "/admin/", Cookie=f"sessionid={'a' * 32}", Accept="*/*")
        for reply in asked:
            check_problem(reply.result())
        for reply in changing:
            check_problem(reply.result(), changing=True)
        for reply in pages:
            check_page(reply.result())
        check_problem(program.result())
        assert server.ask("GET", "/healthz").status == 200
        assert server.ask("GET", "/admin/login/", **BROWSER).status in (200, 503)

    # The very first requests after it don't fail, nor do those that any of the threads has.
    with ThreadPoolExecutor(8) as at_once:
        replies = list(at_once.map(lambda path: server.ask("GET", path, **bearer), ["/api/workspaces/sales"] * 16))
    assert [reply.status for reply in replies] == [200] * 16
    eventually(lambda: server.ask("GET", "/readyz").status == 200)


@pytest.mark.slow
def test_who_asks_while_it_restarts_waits_for_it(served: tuple[Cluster, Server, str]) -> None:
    database, server, token = served
    with ThreadPoolExecutor(4) as at_once:
        database.stop("immediate")
        asked = [
            at_once.submit(server.ask, "GET", "/api/workspaces/sales", Authorization=f"Bearer {token}")
            for _ in range(4)
        ]
        database.start()
        assert [reply.result().status for reply in asked] == [200] * 4


@pytest.mark.slow
def test_connections_that_are_cut_are_made_anew(served: tuple[Cluster, Server, str]) -> None:
    database, server, token = served
    for _ in range(3):
        assert server.ask("GET", "/api/workspaces/sales", Authorization=f"Bearer {token}").status == 200
        assert database.cut_connections() > 0
    assert server.ask("GET", "/api/workspaces/sales", Authorization=f"Bearer {token}").status == 200


CUT_AT_COMMIT = """
CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON workflows_workflow DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION cut();
"""


@pytest.mark.slow
def test_a_connection_that_breaks_at_the_commit(served: tuple[Cluster, Server, str]) -> None:
    database, server, token = served
    path, bearer = "/api/workspaces/sales/workflows", {"Authorization": f"Bearer {token}"}
    workflow = json.dumps(new(name=f"Cut on port {server.port}"))
    with database.connect() as connected:
        connected.execute(CUT_AT_COMMIT)
    try:
        check_problem(server.ask("POST", path, workflow, **bearer), changing=True)
    finally:
        with database.connect() as connected:
            connected.execute("DROP FUNCTION cut CASCADE")

    assert server.ask("POST", path, workflow, **bearer).status == 201


@pytest.mark.slow
def test_the_log_has_a_line_for_each_and_no_traceback(postgres: Cluster, token: str) -> None:
    with serving(DATABASE_URL=postgres.url, LOG_FORMAT="plain", EXECUTOR_THREADS=0) as server:
        with stopped(postgres):
            program = server.send("GET", "/api/workspaces", Authorization=f"Bearer {token}")
            check_page(server.ask("GET", "/admin/", Cookie=f"sessionid={'a' * 32}", **BROWSER))
            check_problem(answer_to(program))
        server.process.terminate()
        _, log = server.process.communicate(timeout=60)

    said = [line for line in log.splitlines() if ": the database doesn't answer (" in line]
    assert [any(path in line for line in said) for path in ("GET /api/workspaces:", "GET /admin/:")] == [True, True], (
        log
    )
    assert len(said) == 2, log
    assert "Service Unavailable" not in log, log
    assert "Traceback" not in log, log


# SQLite, as it says so itself


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's own limits")
def test_a_disk_that_is_full(house: House, caplog: pytest.LogCaptureFixture) -> None:
    admin = house.admin
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")  # or what other tests have left would be room enough
        (pages,) = cursor.execute("PRAGMA page_count").fetchone()
        cursor.execute(f"PRAGMA max_page_count = {pages}")  # of this connection, which is closed by what fails
    answer = admin.ask("POST", f"{house.path}/workflows", new(description="x" * 600_000))

    assert (answer.status, answer.error, answer.headers["Retry-After"]) == (503, "UNAVAILABLE", "5")
    assert "Idempotency-Key" in answer.json["message"]
    (said,) = [record for record in caplog.records if record.name == outages.__name__]
    assert (said.levelname, said.exc_info) == ("WARNING", None)
    assert "full" in said.getMessage()
    assert admin.ask("POST", f"{house.path}/workflows", new(description="x" * 600_000)).status == 201


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's own limits")
def test_a_lock_that_another_program_holds(house: House) -> None:
    task, member = house.task, house.member
    assert member.get(house.path).status == 200  # notes that the token was used, once in a while
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 20")
    other = sqlite3.connect(connection.settings_dict["NAME"])
    other.execute("BEGIN IMMEDIATE")
    try:
        refused = member.ask("PATCH", f"{house.path}/tasks/{task.pk}", {"status": "DONE"})
    finally:
        other.rollback()
        other.close()

    assert (refused.status, refused.error) == (503, "UNAVAILABLE")
    assert member.ask("PATCH", f"{house.path}/tasks/{task.pk}", {"status": "DONE"}).status == 200
    assert Task.objects.get().status == "DONE"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with serving(DATABASE_URL=f"sqlite:///{tmp_path}/nowhere/db.sqlite3") as server:
        check_problem(server.ask("GET", "/api/workspaces", Authorization="Bearer tri_x"))
        check_page(server.ask("GET", "/admin/", Cookie=f"sessionid={'a' * 32}", **BROWSER))


# Where it may fail


@pytest.mark.django_db
@pytest.mark.parametrize("debug", [True, False])
def test_a_session_that_can_not_be_saved(
    house: House, monkeypatch: pytest.MonkeyPatch, settings: object, *, debug: bool
) -> None:
    """Which Django does after the view, in middleware."""
    vars(settings)  # asked for, so that it is put back
    client = Client(raise_request_exception=False, headers=BROWSER)
    house.people["owner"].set_password("secret")
    house.people["owner"].is_staff = True
    house.people["owner"].save()

    def fail(self: SessionStore, *_: object, **__: object) -> None:
        raise OperationalError("disk I/O error")

    monkeypatch.setattr(SessionStore, "save", fail)
    answer = client.post("/admin/login/", {"username": house.people["owner"].username, "password": "secret"})

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "Not available just now" in answer.content.decode()
    assert not Session.objects.exists()


def _made_from(driver: Exception, error: Exception) -> Exception:
    error.__cause__ = driver
    return error


def _sqlite(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("…")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (psycopg.OperationalError("the connection is closed"), True),
        (psycopg.errors.AdminShutdown("terminating connection"), True),
        (psycopg.errors.DiskFull("no space left"), True),
        (psycopg.errors.TooManyConnections("too many clients"), True),
        (psycopg.errors.ReadOnlySqlTransaction("cannot execute INSERT"), True),
        (_made_from(psycopg.OperationalError("gone"), OperationalError("gone")), True),
        (InterfaceError("connection already closed"), True),
        (_sqlite(sqlite3.SQLITE_BUSY), True),
        (_made_from(_sqlite(sqlite3.SQLITE_FULL), OperationalError("full")), True),
        (_sqlite(sqlite3.SQLITE_IOERR_FSYNC), True),
        (_made_from(_sqlite(sqlite3.SQLITE_ERROR), OperationalError("no such column: x")), False),
        (psycopg.errors.UndefinedColumn("no such column"), False),
        (psycopg.errors.UniqueViolation("twice"), False),
        (ConnectionError("of something else"), False),
        (ValueError("a mistake"), False),
    ],
    ids=str,
)
def test_what_counts_as_the_databases_absence(error: Exception, *, is_one: bool) -> None:
    assert outages.is_outage(error) is is_one


def _read_what_is_not_there(*_: Any, **__: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM no_such_table")


@pytest.mark.django_db
def test_a_mistake_in_the_code_is_no_absence(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"{house.path}/workflows/{house.workflow.pk}/executions"
    owner = with_token(house.people["owner"], raising=False)
    monkeypatch.setattr(history, "page", _read_what_is_not_there)

    answer = owner.ask("GET", path)

    assert (answer.status, answer.error) == (500, "INTERNAL_ERROR")
