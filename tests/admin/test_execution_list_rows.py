"""A row of the list of executions: how it fared, in words, and whatever it is called, as text."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.admin.lists import an_execution, failed, shown, source
from tests.admin.pages import words
from tests.factories import UserFactory, WorkflowFactory, WorkspaceFactory
from workflows.models import Workflow
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def workspace() -> Workspace:
    workspace: Workspace = WorkspaceFactory.create(name="Ours")
    return workspace


@pytest.fixture
def workflow(workspace: Workspace) -> Workflow:
    workflow: Workflow = WorkflowFactory.create(workspace=workspace, name="Invoices")
    return workflow


def test_a_row_says_how_it_fared(admin_client: Client, workflow: Workflow) -> None:
    began = timezone.now() - timedelta(hours=1)
    an_execution(
        workflow,
        triggered_by=UserFactory.create(username="ann"),
        trigger_type="webhook",
        successful_steps=4,
        started_at=began,
        completed_at=began + timedelta(seconds=90),
    )
    page = source(admin_client)

    for word in ("Completed", "Invoices", "Ours", "webhook ann", f"{began:%d %b %H:%M:%S}", "1 min 30 s", "4/4"):
        assert word in words(page)
    assert '<rect width="100" height="10"/>' in page
    assert f'<time datetime="{began.isoformat()}"' in page


def test_of_a_failed_one_it_says_why_and_how_far_it_got(admin_client: Client, workflow: Workflow) -> None:
    failed("The shop is closed", workflow, successful_steps=1, failed_steps=1)
    page = source(admin_client)

    assert "The shop is closed" in words(page)
    assert '<rect width="50" height="10"/>' in page
    assert "pay_the_bill" not in page


def test_of_one_that_waits_it_says_so(admin_client: Client, workflow: Workflow) -> None:
    an_execution(workflow, status="RUNNING", waiting_for="timer")

    assert 'data-status="WAITING"' in source(admin_client)
    assert "so far" in words(source(admin_client))


def test_of_one_that_has_not_started_it_says_since_when_it_waits(admin_client: Client, workflow: Workflow) -> None:
    pending = an_execution(workflow, status="PENDING")

    assert f"{pending.created_at:%d %b %H:%M:%S} asked for" in words(source(admin_client))


def test_a_dry_run_is_marked(admin_client: Client, workflow: Workflow) -> None:
    an_execution(workflow)
    assert "t-mark" not in source(admin_client)

    an_execution(workflow, is_simulation=True)
    assert '<span class="t-mark">Dry run</span>' in source(admin_client)


def test_the_newest_is_first_whatever_order_is_asked_for(admin_client: Client, workflow: Workflow) -> None:
    middle, newest, oldest = (an_execution(workflow, minutes_ago=minutes) for minutes in (5, 1, 9))
    newest_first = [newest.pk, middle.pk, oldest.pk]

    assert shown(admin_client) == newest_first
    assert shown(admin_client, o="1") == newest_first


def test_html_is_shown_as_text(admin_client: Client, workspace: Workspace) -> None:
    evil = WorkflowFactory.create(workspace=workspace, name=EVIL)
    workspace.__class__.objects.update(name=EVIL)
    failed(EVIL, evil, trigger_type=EVIL, triggered_by=UserFactory.create(username=EVIL))

    for query in ({}, {"q": EVIL}, {"q": EVIL, "errors_only": "on"}, {"trigger": EVIL}, {"status": EVIL}):
        page = source(admin_client, **query)
        assert EVIL not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
