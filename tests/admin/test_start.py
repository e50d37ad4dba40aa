"""The start page: what runs, what has failed, how much gets done, and whether somebody carries on what is due."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from executions import services
from executions.admin import overview
from executions.states import WaitingFor
from tests.admin.running import altered, asleep, at_work, due, ended, left_behind, page, section
from tests.factories import WorkflowFactory, definition
from workflows.documents import Json
from workflows.models import Workflow

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>"
NAP: Json = {"type": "wait", "config": {"durationMs": 0}}


@pytest.fixture
def workflow() -> Workflow:
    return WorkflowFactory.create(name="Invoices", workspace__name="Ours", definition=definition(NAP, NAP))


def test_what_is_at_work_is_listed_with_its_progress(admin_client: Client, workflow: Workflow) -> None:
    execution = at_work(workflow)

    running = section(page(admin_client), "running")

    assert "Invoices" in running
    assert "Running" in running
    assert "50 %" in running
    assert reverse("admin:executions_execution_change", args=[execution.pk]) in page(admin_client)


def test_so_is_what_sleeps_with_what_it_waits_for(admin_client: Client, workflow: Workflow) -> None:
    asleep(workflow, WaitingFor.TIMER, hours=2)
    asleep(workflow, WaitingFor.RETRY, minutes=3)

    html = page(admin_client)

    assert "waits, for 1 h 59 min more" in section(html, "running") or "2 h 00 min more" in section(html, "running")
    assert "will try again" in section(html, "running")
    assert "1 until a time, 1 to try again" in html
    assert section(html, "running-count") == "2"


def test_so_is_how_many_a_limit_holds(admin_client: Client, workflow: Workflow) -> None:
    Workflow.objects.filter(pk=workflow.pk).update(max_running=1)
    for _ in range(2):  # both are held until the test's transaction would commit
        services.start(workflow=workflow)

    assert "0 until a time, 0 to try again, 2 held by a limit" in page(admin_client)


def test_those_at_work_come_before_those_asleep_and_the_newest_first(admin_client: Client, workflow: Workflow) -> None:
    made = [at_work(workflow), asleep(workflow, WaitingFor.TIMER, hours=1), at_work(workflow)]
    for number, execution in enumerate(made):
        altered(execution, created_at=timezone.now() - timedelta(minutes=9 - number))

    links = re.findall(r"/executions/execution/([0-9a-f-]{36})/change/", page(admin_client))

    assert links == [str(made[number].pk) for number in (2, 0, 1)]


def test_ten_are_listed_and_all_are_counted(admin_client: Client, workflow: Workflow) -> None:
    for _ in range(12):
        at_work(workflow)

    html = page(admin_client)

    assert section(html, "running-count") == "12"
    assert html.count("t-line-main") == 10


def test_all_is_well_while_what_is_due_has_been_so_for_a_moment_only(admin_client: Client, workflow: Workflow) -> None:
    due(workflow, seconds=1)

    assert "All due work is picked up." in section(page(admin_client), "executors")


@pytest.mark.parametrize(
    ("number", "says"),
    [(1, "One execution has been due for 40.0 s"), (3, "3 executions have been due for up to 42.0 s")],
)
def test_what_nobody_picks_up_is_said_to_wait_for_an_executor(
    admin_client: Client, workflow: Workflow, number: int, says: str
) -> None:
    executions = [due(workflow, seconds=40 + second) for second in range(number)]

    html = page(admin_client)

    said = section(html, "executors")
    assert re.sub(r"\.\d s", ".0 s", said).startswith(f"Executors {says}: no executor seems to run.")
    assert reverse("admin:executions_execution_change", args=[executions[-1].pk]) in html


def test_executors_that_have_too_much_to_do_are_said_to_be_busy(admin_client: Client, workflow: Workflow) -> None:
    due(workflow, seconds=40)
    at_work(workflow)

    said = section(page(admin_client), "executors")

    assert "the executors are busy, or some of them have stopped" in said
    assert "1 at work now" in said


def test_what_a_dead_process_left_behind_is_said_to_be_that(admin_client: Client, workflow: Workflow) -> None:
    left_behind(workflow)

    assert "1 left behind by a process that died" in section(page(admin_client), "executors")


def test_it_says_whether_this_process_has_an_executor(admin_client: Client, workflow: Workflow) -> None:
    assert "none runs in this process" in section(page(admin_client), "executors")


@pytest.mark.parametrize("status", ["FAILED", "TIMEOUT"])
def test_what_failed_is_listed_with_its_error(admin_client: Client, workflow: Workflow, status: str) -> None:
    ended(workflow, status, error={"code": "HTTP_ERROR", "message": "The service answered 503."})

    html = page(admin_client)

    assert section(html, "failed-count") == "1"
    assert "HTTP_ERROR: The service answered 503." in section(html, "failed")
    assert "1 of 1" in section(html, "worst")


def test_what_failed_longer_ago_or_in_a_dry_run_is_not(admin_client: Client, workflow: Workflow) -> None:
    ended(workflow, "FAILED", timedelta(hours=25))
    ended(workflow, "FAILED", is_simulation=True)
    ended(workflow, "COMPLETED")

    html = page(admin_client)

    assert section(html, "failed-count") == "0"
    assert "Nothing has failed." in section(html, "failed")


def test_the_latest_failure_comes_first(admin_client: Client, workflow: Workflow) -> None:
    for minutes in (5, 1, 3):
        ended(workflow, "FAILED", timedelta(minutes=minutes), error={"code": f"AGO_{minutes}", "message": ""})

    assert re.findall(r"AGO_(\d)(?=</span>)", page(admin_client)) == ["1", "3", "5"]


def test_the_workflows_that_fail_most_are_named(admin_client: Client, workflow: Workflow) -> None:
    other = WorkflowFactory.create(name="Payroll", workspace=workflow.workspace)
    for status in ("FAILED", "COMPLETED", "COMPLETED", "COMPLETED"):
        ended(workflow, status)
    for status in ("FAILED", "TIMEOUT", "CANCELLED"):
        ended(other, status)

    worst = section(page(admin_client), "worst")

    assert worst.endswith("Payroll 2 of 3 Invoices 1 of 4")


def test_what_ended_is_drawn_hour_by_hour_and_said_in_numbers(admin_client: Client, workflow: Workflow) -> None:
    hour = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    for status in ("COMPLETED", "COMPLETED", "FAILED"):
        altered(ended(workflow, status), completed_at=hour + timedelta(minutes=59, seconds=59))
    altered(ended(workflow, "CANCELLED"), completed_at=hour)

    html = page(admin_client)

    said = f"{hour:%H:%M} to {hour + timedelta(hours=1):%H:%M}: 2 completed, 1 failed, 1 cancelled"
    assert f"<title>{said}</title>" in html
    assert f"<li>{said}</li>" in html
    assert html.count("<title>") == 1 + 24
    assert "2 completed 1 failed 0 timed out 1 cancelled" in section(html, "throughput")


def test_bars_are_as_high_as_their_numbers(admin_client: Client, workflow: Workflow) -> None:
    for status in ("COMPLETED", "COMPLETED", "COMPLETED", "FAILED"):
        ended(workflow, status, timedelta(0))

    pieces = re.findall(
        r't-piece t-is-(\w+)" x="[\d.]+%" y="([\d.]+)%" width="[\d.]+%" height="([\d.]+)%"', page(admin_client)
    )

    assert pieces == [("completed", "40.0", "60.0"), ("failed", "20.0", "20.0")], "of the five that the upper line is"


def test_more_than_are_looked_at_are_said_to_be_more(
    admin_client: Client, workflow: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "LOOKED_AT", 2)
    for _ in range(3):
        due(workflow, seconds=40)

    assert "2+ executions have been due" in section(page(admin_client), "executors")


@pytest.mark.parametrize(("minutes_ago", "words"), [(2, "60 minutes"), (0, "60 seconds")])
def test_where_too_much_ended_to_be_counted_a_shorter_time_is_shown(
    admin_client: Client, workflow: Workflow, monkeypatch: pytest.MonkeyPatch, minutes_ago: int, words: str
) -> None:
    monkeypatch.setattr(overview, "ENDED_AT_MOST", 3)
    for minutes in (minutes_ago, 70, 80, 90) if minutes_ago else (0, 0, 0, 0):
        ended(workflow, "FAILED", timedelta(minutes=minutes))

    html = page(admin_client)

    assert f"Failed in the last {words}" in section(html, "failed")
    assert "so it shows a shorter time" in section(html, "throughput")
    assert section(html, "failed-count") == ("1" if minutes_ago else "4")


def test_it_costs_the_same_for_many_as_for_few(
    admin_client: Client, workflow: Workflow, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    counts = []
    for number in (5, 45):
        for _ in range(number):
            at_work(workflow)
            due(workflow, seconds=40)
            ended(WorkflowFactory.create(workspace=workflow.workspace), "FAILED")
        with CaptureQueriesContext(connection) as queries, django_assert_max_num_queries(12):
            page(admin_client)
        counts.append(len(queries))

    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("dispatcher", "threads", "words"),
    [
        ("local", 0, "This server leaves it to workers"),
        ("local", 4, "none runs in this process"),
        ("celery", 0, "This server sends what is due to Celery&#x27;s workers"),
    ],
)
def test_what_this_server_does_for_executions_is_told(
    admin_client: Client, settings: Settings, dispatcher: str, threads: int, words: str
) -> None:
    settings.DISPATCHER, settings.EXECUTOR_THREADS = dispatcher, threads

    assert words in page(admin_client)
