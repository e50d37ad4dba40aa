"""What the page of an execution says, of each kind of them; and how many queries that takes."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from executions import services
from executions.models import Execution
from tests.admin import pages
from tests.admin.conftest import SignIn
from tests.admin.pages import attribute, read, source, step_in
from tests.executions.scenes import ran, started
from tests.factories import UserFactory, WorkflowFactory, definition
from workflows import services as workflows
from workflows.documents import Json
from workflows.models import Workflow
from workspaces.models import Notification, Role, Task, Workspace

pytestmark = pytest.mark.django_db(transaction=True)

MOST_QUERIES = 12
NUMBER: Json = {"type": "test_number"}
TASK: Json = {"type": "create_task", "config": {"title": "x"}}
ECHO: Json = {"type": "test_echo", "config": {"value": "{{ trigger }}"}}


# Its head


def test_a_completed_one(admin_client: Client) -> None:
    execution = ran(NUMBER, NUMBER, trigger={"who": "Ada"})
    page = source(admin_client, execution)

    assert f"✔ Completed · {execution.workflow.name} · Trilith" in read(admin_client, execution)
    assert (attribute(page, "data-status"), attribute(page, "data-state")) == ("COMPLETED", "COMPLETED")
    assert "2 of 2 steps" in read(admin_client, execution)
    assert '"who": "Ada"' in read(admin_client, execution)
    assert "data-ended" in page
    assert 'id="cancel"' not in page


def test_one_that_nobody_runs_yet(admin_client: Client) -> None:
    page = read(admin_client, started(NUMBER))

    assert "… 0 %" in page
    assert "Waits for an executor." in page
    assert "Nothing has begun yet." in page
    assert "Not run yet" in page


def test_one_that_a_limit_holds(admin_client: Client) -> None:
    workflow = WorkflowFactory.create(definition=definition(NUMBER))
    Workflow.objects.filter(pk=workflow.pk).update(max_running=1)
    Workspace.objects.filter(pk=workflow.workspace_id).update(max_running=4)
    _, held = services.start(workflow=workflow), services.start(workflow=workflow)

    page = read(admin_client, held)
    assert "Waits for another one to end: 1 of this workflow and 4 in this workspace may run at once." in page
    assert "7026" not in page, "the time until which it is held is none"


def test_one_that_waits_for_a_timer(admin_client: Client) -> None:
    execution = pages.waiting()
    assert execution.wake_at
    page = source(admin_client, execution)

    assert attribute(page, "data-title") == f"⏳ 33 % · {execution.workflow.name}"
    assert f"{execution.wake_at:%H:%M:%S} UTC: a timer of step Let it settle." in read(admin_client, execution)
    assert "Waiting Let it settle" in step_in(page, "1")
    assert f"Until {execution.wake_at:%H:%M:%S} UTC" in step_in(page, "1")
    assert "Not run yet" in step_in(page, "2")
    assert "t-over-wait" in page


def test_one_that_waits_for_its_next_try(admin_client: Client) -> None:
    page = source(admin_client, pages.between_tries())

    assert "UTC: the next try of step Ask the shop." in pages.words(page)
    assert "after: attempt 1 fails" in step_in(page, "0")
    assert "ON_PURPOSE attempt 1 fails" in step_in(page, "0")
    assert "t-over-backoff" in page


def test_one_whose_time_has_come_and_that_nobody_takes(admin_client: Client) -> None:
    execution = pages.waiting()
    Execution.objects.filter(pk=execution.pk).update(wake_at=timezone.now() - timedelta(minutes=5))

    assert "a timer of step Let it settle); no executor has taken it yet." in read(admin_client, execution)


def test_a_failed_one_says_why_and_where(admin_client: Client) -> None:
    execution = pages.failed()
    page = source(admin_client, execution)

    assert attribute(page, "data-title") == f"✘ Failed · {execution.workflow.name}"
    assert "ON_PURPOSE Step 'shop' failed: attempt 3 fails" in pages.words(page)
    assert '<a href="#step-1">Show the step</a>' in page
    assert "2 of 3 steps, 1 failed" in pages.words(page)
    assert [f"ON_PURPOSE attempt {number} fails" in step_in(page, "1") for number in (1, 2, 3)] == [True] * 3
    assert "Not run Never reached" in step_in(page, "2")
    assert page.count('class="t-attempt t-is-failed"') == 3


def test_a_cancelled_one(admin_client: Client) -> None:
    page = source(admin_client, pages.cancelled())

    assert "■ Cancelled" in attribute(page, "data-title")
    assert "Cancelled Let it settle" in step_in(page, "1")


def test_a_skipped_step_says_why(admin_client: Client) -> None:
    page = source(admin_client, ran({"type": "test_number", "conditions": "trigger.vip"}, trigger={"vip": False}))

    assert "Skipped" in step_in(page, "0")
    assert "Since its conditions aren't met" in step_in(page, "0")


def test_a_dry_run_is_marked(admin_client: Client) -> None:
    assert "Dry run" in read(admin_client, ran(NUMBER, dry_run=True))
    assert "Dry run" not in read(admin_client, ran(NUMBER))


def test_who_started_it_and_how(admin_client: Client) -> None:
    grace = UserFactory.create(username="grace")
    execution = services.start(
        workflow=WorkflowFactory.create(), triggered_by=grace, trigger_type="webhook", idempotency_key="order-7"
    )

    page = read(admin_client, execution)
    assert "Started by grace trigger: webhook" in page
    assert "Idempotency key order-7" in page


def test_the_version_that_it_is_pinned_to(admin_client: Client) -> None:
    execution = started(NUMBER)
    assert "Version 1 , the latest" in read(admin_client, execution)

    workflows.change(workflow=execution.workflow, definition=definition())

    assert "Version 1 ; the latest is 2" in read(admin_client, execution)


# Its steps


def test_a_step_shows_all_that_it_was_and_made(admin_client: Client) -> None:
    echo: Json = {"type": "test_echo", "id": "say", "name": "Say it", "config": {"value": {"said": "{{ trigger }}"}}}
    page = source(admin_client, ran(echo, trigger="hello"))

    row = step_in(page, "0")
    assert row.startswith("Success Say it say 0 test_echo 1 attempt")
    assert 'Input Copy JSON { "value": { "said": "hello" } }' in row
    assert 'Output Copy JSON { "said": "hello" }' in row
    assert row.endswith("ms echoing")


def test_the_steps_are_in_the_order_of_the_definition(admin_client: Client) -> None:
    page = source(admin_client, ran(*[NUMBER] * 12))

    steps = [f'data-step="{number}"' for number in range(12)]
    assert [page.index(step) for step in steps] == sorted(page.index(step) for step in steps)


def test_of_many_attempts_the_last_ones_are_shown(admin_client: Client) -> None:
    many: Json = {**pages.FAILS, "onError": "retry", "retryConfig": {"maxRetries": 30, "delayMs": 0}}
    execution = ran(many)

    row = step_in(source(admin_client, execution), "0")
    assert "The last 20; 10 more are in all of them" in row
    assert "attempt 11 fails" in row
    assert "attempt 10 fails" not in row
    everything = admin_client.get(pages.address(execution, "step_document", "0", "attempts")).json()
    assert [attempt["attempt"] for attempt in everything] == [*range(1, 31)]


def test_a_large_document_is_shown_as_far_as_there_is_room_and_there_is_a_way_to_all_of_it(
    admin_client: Client,
) -> None:
    text = "x" * 500_000 + "the end"
    execution = ran(ECHO, trigger=text)

    page = source(admin_client, execution)
    assert "The beginning of 500009 characters" in step_in(page, "0")
    assert "the end" not in page
    assert len(page) < 300_000
    for part in (("document", "trigger"), ("step_document", "0", "output")):
        assert admin_client.get(pages.address(execution, *part)).json() == text


def test_a_page_of_the_most_and_largest_steps_is_bounded(admin_client: Client) -> None:
    execution = ran(*[ECHO] * 300, trigger="x" * 3_000)

    assert len(source(admin_client, execution)) < 3_000_000


# What it made for people


def test_what_it_made_is_linked(admin_client: Client) -> None:
    execution = ran({"type": "create_task", "config": {"title": "Call Ada"}})
    notification = Notification.objects.create(
        workspace=execution.workspace, recipient=UserFactory.create(), title="Hello", execution_id=execution.pk
    )

    page = source(admin_client, execution)
    assert f"/admin/workspaces/task/{Task.objects.get().pk}/change/" in page
    assert f"/admin/workspaces/notification/{notification.pk}/change/" in page
    assert "Call Ada Todo, of step 0" in pages.words(page)


def test_what_another_execution_made_is_not(admin_client: Client) -> None:
    ran({"type": "create_task", "config": {"title": "Of another"}})

    assert "Of another" not in source(admin_client, ran(NUMBER))


# Queries


@pytest.mark.parametrize("role", [None, Role.MEMBER])
def test_the_number_of_queries_does_not_depend_on_that_of_the_steps(
    admin_client: Client, signed_in: SignIn, role: Role | None
) -> None:
    def queries(steps: int) -> int:
        execution = ran(*[TASK] * steps)
        client = admin_client if role is None else signed_in(execution.workspace, role)
        source(client, execution)
        with CaptureQueriesContext(connection) as captured:
            source(client, execution)
        return len(captured)

    few, many = queries(5), queries(50)
    assert few == many <= MOST_QUERIES


def test_so_it_is_with_what_changes_while_it_runs(admin_client: Client) -> None:
    def queries(steps: int) -> int:
        execution = pages.carried_on(*[NUMBER] * steps, {"type": "wait", "config": {"seconds": 600}})
        source(admin_client, execution)
        with CaptureQueriesContext(connection) as captured:
            source(admin_client, execution, fragment=1, since=3)
        return len(captured)

    few, many = queries(5), queries(50)
    assert few == many <= MOST_QUERIES
