"""Who may read the metrics, and what they say of requests and of the database."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from executions import services
from executions.engine import clock, journal, runner
from executions.engine.metrics import REGISTRY
from executions.engine.statements import DatabaseNow
from executions.models import Execution
from executions.monitoring import backlog, serving
from executions.monitoring.backlog import Backlog, Seen
from executions.states import WaitingFor
from tests.config import servers
from tests.executions.scenes import started

TOKEN = "a token of this test"
SEEN = Seen({"pending": 1}, 0.5)
HELD_UNTIL = timezone.now() + timedelta(days=365)

type Ask = Callable[..., tuple[int, str]]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[Seen]:
    """In the place of the database's answer; with an entry for each time that it is asked."""
    made: list[Seen] = []

    def look() -> Seen:
        made.append(SEEN)
        return SEEN

    monkeypatch.setattr(backlog, "look", look)
    return made


def refused(answer: Any) -> tuple[int, str]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = json.loads(answer.content)
    assert body["status"] == answer.status_code
    return answer.status_code, body["error"]


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_whoever_is_on_this_machine_may_read_them(client: Client, looks: list[Seen], address: str) -> None:
    answer = client.get("/metrics", REMOTE_ADDR=address)

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert "trilith_executor_threads" in answer.text


@pytest.mark.parametrize("address", ["192.0.2.1", "10.0.0.1", "::ffff:192.0.2.1", "fe80::1", "", "localhost"])
def test_nobody_else_may_without_a_token(client: Client, address: str) -> None:
    assert refused(client.get("/metrics", REMOTE_ADDR=address)) == (403, "FORBIDDEN")


@pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via"])
def test_behind_a_proxy_nobody_counts_as_local(client: Client, header: str) -> None:
    assert refused(client.get("/metrics", headers={header: "127.0.0.1"})) == (403, "FORBIDDEN")


@pytest.mark.parametrize("shown", [None, "", "Bearer", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer \xff", TOKEN])
def test_with_a_token_set_it_has_to_be_shown(client: Client, settings: LazySettings, shown: str | None) -> None:
    settings.METRICS_TOKEN = TOKEN
    headers = {} if shown is None else {"Authorization": shown}

    answer = client.get("/metrics", headers=headers)

    assert refused(answer) == (401, "UNAUTHORIZED")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_who_shows_the_token_may_come_from_anywhere(client: Client, settings: LazySettings, looks: list[Seen]) -> None:
    settings.METRICS_TOKEN = TOKEN
    headers = {"Authorization": f"bearer {TOKEN}", "X-Forwarded-For": "192.0.2.1"}

    assert client.get("/metrics", REMOTE_ADDR="192.0.2.2", headers=headers).status_code == 200


def test_they_are_read_only_and_not_redirected(client: Client, settings: LazySettings, looks: list[Seen]) -> None:
    settings.SECURE_SSL_REDIRECT = True

    assert refused(client.post("/metrics")) == (405, "METHOD_NOT_ALLOWED")
    assert client.get("/metrics").status_code == 200


def test_a_scraper_that_asks_for_openmetrics_gets_it(client: Client, looks: list[Seen]) -> None:
    answer = client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})

    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def requests(method: str, route: str, status: int) -> float:
    labels = {"method": method, "route": route, "status": str(status)}
    return REGISTRY.get_sample_value("trilith_http_requests_total", labels) or 0.0


@pytest.mark.django_db
def test_requests_are_counted_by_route_never_by_path(client: Client) -> None:
    route = "/api/workspaces/<str:workspace>/workflows/<uuid:pk>"
    before = requests("GET", route, 401), requests("GET", "none", 404), requests("other", "/healthz", 200)

    for number in (1, 2):
        client.get(f"/api/workspaces/somewhere/workflows/00000000-0000-0000-0000-00000000000{number}")
        client.get(f"/nothing/{number}")
        client.generic(f"MADE{number}", "/healthz")

    assert requests("GET", "none", 404) == before[1] + 2
    assert requests("other", "/healthz", 200) == before[2] + 2
    routes = {sample.labels.get("route", "") for family in REGISTRY.collect() for sample in family.samples}
    assert not [route for route in routes if "somewhere" in route or "0000" in route]


def test_two_scrapes_are_one_look_at_the_database(looks: list[Seen]) -> None:
    seen = Backlog()

    assert values(seen) == values(seen)
    assert len(looks) == 1


def test_what_takes_long_is_looked_at_less_often(monkeypatch: pytest.MonkeyPatch, looks: list[Seen]) -> None:
    now = [1_000.0]

    def slow_look() -> Seen:
        now[0] += 2
        looks.append(SEEN)
        return SEEN

    monkeypatch.setattr(clock, "monotonic", lambda: now[0])
    monkeypatch.setattr(backlog, "look", slow_look)
    seen = Backlog()

    for asked_at, expected in ((1_000.0, 1), (1_041.9, 1), (1_042.1, 2)):
        now[0] = asked_at
        values(seen)
        assert len(looks) == expected


@pytest.mark.parametrize("ails", ["it raises", "it hangs"])
def test_a_database_that_is_away_leaves_its_numbers_out_and_no_more(monkeypatch: pytest.MonkeyPatch, ails: str) -> None:
    answered = threading.Event()

    def look() -> Seen:
        if ails == "it hangs":
            answered.wait(60)
        raise OSError("the database is gone")

    monkeypatch.setattr(backlog, "look", look)
    monkeypatch.setattr(backlog, "ANSWER_SECONDS", 0.05)

    assert values(Backlog()) == {"trilith_database_up": 0.0}
    answered.set()


def values(asked: Backlog) -> dict[str, float]:
    return {
        "".join([sample.name, *sample.labels.values()]): sample.value
        for family in asked.collect()
        for sample in family.samples
    }


@pytest.mark.django_db(transaction=True)
def test_unfinished_executions_are_counted_by_what_they_wait_for() -> None:
    started()
    sleeping = started({"type": "wait", "config": {"seconds": 3_600}})
    failing = started({"type": "test_fail", "onError": "retry", "retryConfig": {"delayMs": 60_000}})
    for execution in (sleeping, failing):
        if claim := journal.claim(execution.pk):
            runner.run(claim)
    running, held, done = started(), started(), started()
    assert journal.claim(running.pk)
    Execution.objects.filter(pk=held.pk).update(waiting_for=WaitingFor.LIMIT, wake_at=HELD_UNTIL)
    services.cancel(execution=done)

    assert backlog.look().by_state == {
        "pending": 1,
        "running": 1,
        "waiting_timer": 1,
        "waiting_retry": 1,
        "waiting_limit": 1,
    }


@pytest.mark.django_db(transaction=True)
def test_the_lag_is_the_age_of_what_has_been_due_longest() -> None:
    assert backlog.look().lag_seconds == 0
    later, earlier = started(), started()
    Execution.objects.filter(pk=later.pk).update(wake_at=DatabaseNow() + timedelta(hours=1))
    assert 0 <= backlog.look().lag_seconds < 3_600
    Execution.objects.filter(pk=earlier.pk).update(wake_at=DatabaseNow() - timedelta(hours=1))

    assert 3_600 <= backlog.look().lag_seconds < 7_200


def test_a_server_without_a_database_is_scraped_all_the_same(tmp_path: Path) -> None:
    with servers.serving(DATABASE_URL=f"sqlite:///{tmp_path}/nowhere/db.sqlite3") as server:
        answer = server.ask("GET", "/metrics")

    assert answer.status == 200
    assert b"\ntrilith_database_up 0.0\n" in answer.body
    assert b"trilith_queue_lag_seconds" not in answer.body
    assert b"\ntrilith_executor_threads 4.0\n" in answer.body


@pytest.fixture
def ask(settings: LazySettings, caplog: pytest.LogCaptureFixture) -> Iterator[Ask]:
    """Asks a port of its own, as a worker has it, and gives the status and the content type."""
    settings.METRICS_PORT = 0
    with caplog.at_level("INFO", logger="executions"), serving.on_its_port():
        (root,) = [record.getMessage().split()[-1].removesuffix("/metrics") for record in caplog.records]

        def asked(path: str, **headers: str) -> tuple[int, str]:
            try:
                with urlopen(Request(f"{root}{path}", headers=headers), timeout=60) as answer:
                    return answer.status, answer.headers["Content-Type"]
            except HTTPError as error:
                with error:
                    return error.code, error.headers["Content-Type"]

        yield asked


def test_a_port_of_its_own_has_the_same_rules(settings: LazySettings, looks: list[Seen], ask: Ask) -> None:
    assert ask("/metrics") == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert ask("/") == (404, "application/problem+json")
    assert ask("/metrics", Via="1.1 proxy") == (403, "application/problem+json")
    settings.METRICS_TOKEN = TOKEN
    assert ask("/metrics") == (401, "application/problem+json")
    assert ask("/metrics", Authorization=f"Bearer {TOKEN}")[0] == 200
