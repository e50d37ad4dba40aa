"""Run now: one execution a press, with what was typed, for those who may."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from executions.models import Execution
from tests.admin.conftest import SignIn
from tests.admin.test_workflow_page import address
from tests.factories import WorkflowFactory
from workflows.models import Workflow, WorkflowStatus
from workspaces.models import Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def workflow() -> Workflow:
    workflow: Workflow = WorkflowFactory.create()
    return workflow


@pytest.fixture
def client(signed_in: SignIn, workflow: Workflow) -> Client:
    return signed_in(workflow.workspace, Role.MEMBER)


def run(client: Client, workflow: Workflow, trigger: str = "", **fields: str) -> Any:
    return client.post(address(workflow, "run"), {"trigger_data": trigger, "key": "a-key", **fields})


def test_it_starts_with_what_was_typed_and_leads_to_the_execution(client: Client, workflow: Workflow) -> None:
    response = run(client, workflow, '{"order":\r\n 1}', variables='{"limit": 2}')

    execution = Execution.objects.get()
    assert response["Location"] == reverse("admin:executions_execution_change", args=[execution.pk])
    assert (execution.trigger_data, execution.variables) == ({"order": 1}, {"limit": 2})
    assert (execution.is_simulation, execution.trigger_type) == (False, "manual")
    assert execution.triggered_by_id == int(client.session["_auth_user_id"])


def test_it_is_logged_with_the_execution_and_with_the_workflow(client: Client, workflow: Workflow) -> None:
    run(client, workflow)

    execution = Execution.objects.get()
    entries = {entry.object_id: entry for entry in LogEntry.objects.all()}
    assert entries[str(execution.pk)].get_change_message() == "Started from its workflow's page."
    assert entries[str(workflow.pk)].get_change_message() == f"Run: execution {execution.pk}."
    assert {entry.user_id for entry in entries.values()} == {execution.triggered_by_id}


def test_without_data_there_is_none(client: Client, workflow: Workflow) -> None:
    run(client, workflow, "  \n")

    assert Execution.objects.get().trigger_data is None


def test_a_form_that_is_sent_twice_starts_once(client: Client, workflow: Workflow) -> None:
    first, second = (run(client, workflow, "{}")["Location"] for _ in range(2))

    assert first == second
    assert Execution.objects.count() == 1
    assert LogEntry.objects.count() == 2


def test_a_form_that_is_sent_again_with_other_data_is_told_and_gets_another_key(
    client: Client, workflow: Workflow
) -> None:
    run(client, workflow, "1")

    page = run(client, workflow, "2")

    assert "has started an execution before" in page.context["run"].error
    assert page.context["run"].trigger_data == "2"
    run(client, workflow, "2", key=page.context["run"].key)
    assert Execution.objects.count() == 2


@pytest.mark.parametrize(
    ("field", "text", "line"),
    [
        ("trigger_data", '{\n"a": }', 2), ("trigger_data", '{"a": 1,\n"a": 2}', 2), ("trigger_data", "NaN", 1),
        ("trigger_data", '{"a":\n{"b": "\\ud800"}}', 2), ("trigger_data", "[" * 100_000, 1),
        ("variables", "[1]", 1), ("variables", "{", 1), ("variables", "null", 1),
    ],
)  # fmt: skip
def test_a_fault_stands_at_its_field_and_line_and_nothing_starts(
    client: Client, workflow: Workflow, field: str, text: str, line: int
) -> None:
    page = client.post(address(workflow, "run"), {"key": "k", field: text})

    form = page.context["run"]
    assert [fault.line for fault in form.faults[field]] == [line]
    assert getattr(form, field) == text
    assert f'data-line="{line}">Line {line}</a>' in page.content.decode()
    assert not Execution.objects.exists()


@pytest.mark.parametrize("key", ["", "é", "x" * 256, "a\nb"])
def test_a_key_that_is_none_is_replaced(client: Client, workflow: Workflow, key: str) -> None:
    assert run(client, workflow, key=key).status_code == 302
    assert str(Execution.objects.get().idempotency_key).startswith("admin-")


def test_a_dry_run_is_one(client: Client, workflow: Workflow) -> None:
    run(client, workflow, dry_run="1")

    assert Execution.objects.get().is_simulation
    assert "Started as a dry run from its workflow's page." in [
        entry.get_change_message() for entry in LogEntry.objects.all()
    ]


@pytest.mark.parametrize("status", [WorkflowStatus.DRAFT, WorkflowStatus.INACTIVE])
def test_what_isnt_active_starts_dry_only_and_says_so(client: Client, workflow: Workflow, status: str) -> None:
    Workflow.objects.update(status=status)

    refused = run(client, workflow)

    assert "activate it first, or ask for a dry run" in refused.context["run"].error
    assert f"This workflow is {status}, so only a dry run of it may start" in refused.content.decode()
    assert client.get(address(workflow)).context["run"].dry_run
    assert run(client, workflow, dry_run="1").status_code == 302


def test_what_is_archived_doesnt_start(client: Client, workflow: Workflow) -> None:
    Workflow.objects.update(status=WorkflowStatus.ARCHIVED)

    page = run(client, workflow, dry_run="1").content.decode()

    assert "An archived workflow can't be run." in page
    assert not Execution.objects.exists()


def test_a_guest_may_look_and_not_run(signed_in: SignIn, workflow: Workflow) -> None:
    client = signed_in(workflow.workspace, Role.GUEST)

    assert run(client, workflow).status_code == 403
    assert "takes a role that may execute workflows" in client.get(address(workflow)).content.decode()


def test_the_permission_to_execute_adds_to_the_role(signed_in: SignIn, workflow: Workflow) -> None:
    client = signed_in(workflow.workspace, Role.GUEST)
    User.objects.get(pk=client.session["_auth_user_id"]).user_permissions.add(
        Permission.objects.get(codename="execute_workflow")
    )

    assert run(client, workflow).status_code == 302
    assert run(client, WorkflowFactory.create()).status_code == 404


def test_charts_come_as_a_page_and_as_a_part_of_one(client: Client, workflow: Workflow) -> None:
    run(client, workflow)

    whole, part = (client.get(address(workflow, "charts"), query).content.decode() for query in ({}, {"fragment": ""}))

    assert "<html" in whole
    assert 'id="charts"' in whole
    assert "<html" not in part
    assert "1 pending" in part
    assert "<html" not in part


def test_of_a_workflow_that_hasnt_run_there_are_no_charts(client: Client, workflow: Workflow) -> None:
    assert "it hasn't run" in client.get(address(workflow, "charts")).content.decode()
