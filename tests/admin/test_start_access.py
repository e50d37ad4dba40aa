"""Who sees what of the start page, and what it says to those for whom there is nothing yet."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from executions.states import WaitingFor
from tests.admin.conftest import SignIn
from tests.admin.running import asleep, at_work, due, ended, page, section
from tests.factories import WorkflowFactory, WorkspaceFactory
from workflows.models import Workflow
from workspaces.models import Role, Workspace

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def workflow() -> Workflow:
    return WorkflowFactory.create(name="Invoices", workspace__name="Ours")


def test_staff_see_what_is_in_their_workspaces_alone(signed_in: SignIn, workflow: Workflow) -> None:
    theirs = WorkflowFactory.create(name="Payroll of theirs")
    for each in (workflow, theirs):
        at_work(each)
        asleep(each, WaitingFor.TIMER, hours=1)
        due(each, seconds=40)
        ended(each, "FAILED")

    html = page(signed_in(workflow.workspace, Role.GUEST))

    assert "Payroll" not in html
    assert (section(html, "running-count"), section(html, "failed-count")) == ("2", "1")
    assert "One execution has been due" in section(html, "executors")
    assert "1 failed" in section(html, "throughput")


def test_who_has_no_role_is_told_how_to_come_by_one(signed_in: SignIn, workflow: Workflow) -> None:
    at_work(workflow)

    html = page(signed_in(None, Role.GUEST))

    assert "You have no role in a workspace yet" in html
    assert "Invoices" not in html


def test_where_there_is_no_workflow_it_says_how_to_begin(admin_client: Client, settings: Any) -> None:
    settings.DEBUG = True
    html = page(admin_client)

    assert "Nothing runs here yet" in html
    assert "manage.py demo" in html
    assert reverse("admin:workspaces_workspace_add") in html
    assert reverse("admin:workflows_workflow_add") not in html
    WorkspaceFactory.create()
    assert reverse("admin:workflows_workflow_add") in page(admin_client)


def test_the_demo_is_not_offered_where_it_would_refuse(admin_client: Client, settings: Any) -> None:
    settings.DEBUG = False

    assert "manage.py demo" not in page(admin_client)


def test_who_may_not_make_workflows_is_not_asked_to(signed_in: SignIn) -> None:
    workspace: Workspace = WorkspaceFactory.create()

    assert reverse("admin:workflows_workflow_add") not in page(signed_in(workspace, Role.MEMBER))
    assert reverse("admin:workflows_workflow_add") in page(signed_in(workspace, Role.ADMIN))


def test_its_script_gets_the_changing_part_alone(admin_client: Client, workflow: Workflow) -> None:
    at_work(workflow)

    part, whole = page(admin_client, part="overview"), page(admin_client)

    assert "Invoices" in part
    assert "<html" not in part
    assert 'data-source="?part=overview"' in whole


@pytest.mark.parametrize("query", [{}, {"part": "overview"}])
def test_nobody_else_gets_any_of_it(client: Client, workflow: Workflow, query: dict[str, str]) -> None:
    client.force_login(User.objects.create_user("nobody"))

    response = client.get(reverse("admin:index"), query)

    assert (response.status_code, response["Location"].startswith(reverse("admin:login"))) == (302, True)


def test_names_and_errors_are_shown_as_text(admin_client: Client) -> None:
    hostile = WorkflowFactory.create(name=HOSTILE, workspace__name=HOSTILE)
    at_work(hostile)
    due(hostile, seconds=40)
    ended(hostile, "FAILED", error={"code": HOSTILE, "message": HOSTILE})

    html = page(admin_client)

    assert HOSTILE not in html
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 7
