"""Cancelling and running again several at once: asked first, each by itself, and told for each what happened."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from executions import services
from executions.models import Execution
from tests.admin.bulk import AGAIN, CANCEL, asked, confirmed, post, statuses, user_of
from tests.admin.lists import LIST
from tests.admin.pages import attribute, words
from tests.factories import ExecutionFactory, WorkflowFactory, WorkspaceFactory
from workflows import services as workflows
from workflows.models import Workflow, WorkflowStatus
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def workspace() -> Workspace:
    workspace: Workspace = WorkspaceFactory.create()
    return workspace


@pytest.fixture
def workflow(workspace: Workspace) -> Workflow:
    workflow: Workflow = WorkflowFactory.create(workspace=workspace)
    return workflow


def test_it_asks_first_and_says_how_many(admin_client: Client, workflow: Workflow) -> None:
    first, second, ended = ExecutionFactory.create_batch(3, workflow=workflow)
    services.cancel(execution=ended)
    page = asked(admin_client, CANCEL, [first, second, ended])

    assert "Cancel 2 executions?" in words(page)
    assert "1 has already ended, and will be left as it is" in words(page)
    assert "It had already ended as CANCELLED." in words(page)
    assert statuses(first, second) == ["PENDING", "PENDING"]


def test_what_the_page_sends_back_is_done(admin_client: Client, workflow: Workflow) -> None:
    execution = ExecutionFactory.create(workflow=workflow)
    page = asked(admin_client, CANCEL, [execution])
    token = attribute(page[page.index('name="once"') :], "value")

    assert page.count(f'name="_selected_action" value="{execution.pk}"') == 1
    assert f'name="action" value="{CANCEL}"' in page
    assert "Cancelled: 1 of 1" in confirmed(admin_client, CANCEL, [execution], once=token)


def test_each_is_cancelled_or_is_said_to_have_ended(admin_client: Client, workflow: Workflow) -> None:
    """Also one that ends while somebody reads the question."""
    first, second, ended = ExecutionFactory.create_batch(3, workflow=workflow)
    asked(admin_client, CANCEL, [first, second, ended])
    services.run(execution=ended)
    page = confirmed(admin_client, CANCEL, [first, second, ended])

    assert statuses(first, second, ended) == ["CANCELLED", "CANCELLED", "COMPLETED"]
    assert "Cancelled: 2 of 3" in page
    assert f"{ended.pk} Completed Workspace It had already ended as COMPLETED." in page
    assert f"{first.pk} Cancelled Workspace Cancelled." in page


def test_each_is_cancelled_in_a_transaction_of_its_own(
    admin_client: Client, workflow: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    depths: list[int] = []
    cancel = services.cancel

    def observed(**given: Any) -> Execution:
        depths.append(len(connection.savepoint_ids))
        return cancel(**given)

    monkeypatch.setattr(services, "cancel", observed)
    confirmed(admin_client, CANCEL, ExecutionFactory.create_batch(3, workflow=workflow))

    assert depths == [0, 0, 0]  # pytest's own transaction apart


def test_who_cancelled_is_in_the_log_and_in_the_error(admin_client: Client, workflow: Workflow) -> None:
    execution, ended = ExecutionFactory.create_batch(2, workflow=workflow)
    services.run(execution=ended)
    confirmed(admin_client, CANCEL, [execution, ended])
    entry = LogEntry.objects.get()

    assert (entry.user, entry.object_id, entry.action_flag) == (user_of(admin_client), str(execution.pk), CHANGE)
    assert entry.get_change_message() == "Cancelled."
    assert Execution.objects.get(pk=execution.pk).error["message"] == "Cancelled by admin."


def test_each_is_run_again_with_its_data(admin_client: Client, workflow: Workflow) -> None:
    executions = [services.start(workflow=workflow, trigger_data={"number": number}) for number in range(3)]
    page = confirmed(admin_client, AGAIN, executions)
    again = Execution.objects.exclude(pk__in=[execution.pk for execution in executions])

    assert "Started again: 3 of 3" in page
    assert sorted(execution.trigger_data["number"] for execution in again) == [0, 1, 2]
    assert {execution.triggered_by for execution in again} == {user_of(admin_client)}
    assert set(LogEntry.objects.values_list("object_id", "action_flag")) == {(str(each.pk), ADDITION) for each in again}


def test_the_outcome_links_to_what_was_started(admin_client: Client, workflow: Workflow) -> None:
    execution = ExecutionFactory.create(workflow=workflow)
    confirmed(admin_client, AGAIN, [execution])
    again = Execution.objects.exclude(pk=execution.pk).get()

    outcome = admin_client.get(reverse("admin:executions_execution_outcome")).content.decode()
    assert f'href="{reverse("admin:executions_execution_change", args=[again.pk])}">Open the new one' in outcome


@pytest.mark.parametrize(("latest", "number"), [("0", 1), ("1", 2)])
def test_of_the_version_that_is_wished_for(admin_client: Client, workflow: Workflow, latest: str, number: int) -> None:
    execution = ExecutionFactory.create(workflow=workflow)
    workflows.change(workflow=workflow, definition={"actions": [{"type": "wait", "config": {"durationMs": 7}}]})
    confirmed(admin_client, AGAIN, [execution], latest=latest)

    assert Execution.objects.exclude(pk=execution.pk).get().version.number == number


def test_what_is_not_active_is_not_run_again(admin_client: Client, workflow: Workflow) -> None:
    execution, other = ExecutionFactory.create(workflow=workflow), ExecutionFactory.create()
    workflows.set_status(workflow=workflow, status=WorkflowStatus.INACTIVE)

    assert "1 won't, since its workflow isn't active" in words(asked(admin_client, AGAIN, [execution, other]))
    page = confirmed(admin_client, AGAIN, [execution, other])
    assert "Started again: 1 of 2" in page
    assert "Its workflow is INACTIVE." in page


def test_a_confirmation_counts_once(admin_client: Client, workflow: Workflow) -> None:
    """However often it is sent: nobody pays twice for a double click."""
    execution = ExecutionFactory.create(workflow=workflow)
    token = uuid4()
    confirmed(admin_client, AGAIN, [execution], once=token)

    assert "wasn't done again" in confirmed(admin_client, AGAIN, [execution], once=token)
    assert Execution.objects.count() == 2


# Many


def test_the_whole_list_is_taken_up_to_a_number(
    admin_client: Client, workflow: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what is listed at this address, not of everything."""
    monkeypatch.setattr("executions.admin.changelist.AT_ONCE", 3)
    ExecutionFactory.create()
    executions = ExecutionFactory.create_batch(5, workflow=workflow)
    fields = {"index": "0", "select_across": "1"}
    answer = post(admin_client, CANCEL, executions[:1], f"{LIST}?workflow={workflow.pk}", **fields)
    page = answer.content.decode()

    assert "Cancel 3 executions?" in words(page)
    assert [f'value="{execution.pk}"' in page for execution in executions] == [False, False, True, True, True]


def test_it_asks_with_as_many_queries_for_fifty_as_for_five(admin_client: Client, workflow: Workflow) -> None:
    numbers = []
    for executions in (ExecutionFactory.create_batch(number, workflow=workflow) for number in (5, 50)):
        with CaptureQueriesContext(connection) as captured:
            asked(admin_client, CANCEL, executions)
        numbers.append(len(captured))

    assert numbers[0] == numbers[1]


@pytest.mark.parametrize("selected", [["nonsense"], [], [str(UUID(int=7))]], ids=["nonsense", "none", "not there"])
def test_what_is_no_execution_breaks_nothing(admin_client: Client, selected: list[str]) -> None:
    answer = admin_client.post(LIST, {"action": CANCEL, "index": "0", "_selected_action": selected}, follow=True)

    assert answer.status_code == 200


@pytest.mark.parametrize("action", [CANCEL, AGAIN])
def test_html_is_shown_as_text(admin_client: Client, action: str) -> None:
    execution = ExecutionFactory.create(workflow__name=EVIL, workflow__workspace__name=EVIL)
    page = asked(admin_client, action, [execution])
    confirmed(admin_client, action, [execution])
    outcome = admin_client.get(reverse("admin:executions_execution_outcome")).content.decode()

    for html in (page, outcome):
        assert EVIL not in html
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
