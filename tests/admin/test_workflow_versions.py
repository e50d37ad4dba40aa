"""The versions of a workflow: each as it was saved, beside any other."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.admin.conftest import SignIn
from tests.factories import WorkflowFactory, definition
from tests.workflows.definitions import notify
from workflows import services
from workflows.models import Workflow, WorkflowVersion
from workspaces.models import Role

pytestmark = pytest.mark.django_db

LIST = "admin:workflows_workflowversion_changelist"


@pytest.fixture
def workflow() -> Workflow:
    """Of three versions, which greet, tell, and tell louder."""
    workflow: Workflow = WorkflowFactory.create(definition=definition(notify("greet")))
    for name in ("tell", "shout"):
        services.change(workflow=workflow, definition=definition(notify(name)))
    return workflow


def address(number: int) -> str:
    version = WorkflowVersion.objects.get(number=number)
    return reverse("admin:workflows_workflowversion_change", args=[version.pk])


def test_a_version_is_shown_with_what_it_changed(admin_client: Client, workflow: Workflow) -> None:
    page = admin_client.get(address(2))

    assert [(row.mark, row.text.strip()) for row in page.context["rows"] if row.mark] == [
        ("-", '"id": "greet",'),
        ("+", '"id": "tell",'),
    ]
    assert "From version 1 to version 2" in page.content.decode()
    assert 'id="drawing"' in page.content.decode()
    assert "readonly" in page.content.decode()


def test_it_is_compared_with_any_other(admin_client: Client, workflow: Workflow) -> None:
    page = admin_client.get(address(3), {"against": "1"})

    assert "From version 1 to version 3" in page.content.decode()
    assert page.context["numbers"] == [2, 1]


@pytest.mark.parametrize("against", ["", "x", "3", "99", "9" * 30, "-1", "²"])
def test_a_number_that_is_none_means_the_one_before(admin_client: Client, workflow: Workflow, against: str) -> None:
    assert admin_client.get(address(3), {"against": against}).context["other"].number == 2


def test_the_first_is_compared_with_the_latest_and_the_only_one_with_none(
    admin_client: Client, workflow: Workflow
) -> None:
    assert admin_client.get(address(1)).context["other"].number == 3
    WorkflowVersion.objects.filter(pk=workflow.versions.get(number=2).pk).delete()
    only = WorkflowFactory.create().version
    assert only is not None

    page = admin_client.get(reverse("admin:workflows_workflowversion_change", args=[only.pk]))

    assert 'id="difference"' not in page.content.decode()


def test_the_list_is_that_of_a_workflow(admin_client: Client, workflow: Workflow) -> None:
    WorkflowFactory.create(name="Another")

    page = admin_client.get(reverse(LIST), {"workflow__id__exact": str(workflow.pk)}).content.decode()

    assert "version 3" in page
    assert "Another" not in page


def test_the_list_and_a_page_cost_the_same_however_many_there_are(admin_client: Client, workflow: Workflow) -> None:
    def queries() -> list[int]:
        found = []
        for path in (reverse(LIST), address(2)):
            admin_client.get(path)
            with CaptureQueriesContext(connection) as captured:
                admin_client.get(path)
            found.append(len(captured))
        return found

    few = queries()
    for number in range(40):
        services.change(workflow=workflow, definition=definition(notify(f"other-{number}")))

    assert queries() == few
    assert max(few) <= 9


def test_versions_are_seen_in_ones_workspaces_alone(signed_in: SignIn, workflow: Workflow) -> None:
    guest = signed_in(workflow.workspace, Role.GUEST)
    stranger = signed_in(WorkflowFactory.create().workspace, Role.OWNER)

    assert guest.get(address(2)).status_code == 200
    assert stranger.get(address(2)).status_code == 302
    assert guest.post(address(2)).status_code == 403


def test_nobody_makes_changes_or_removes_one_by_hand(admin_client: Client, workflow: Workflow) -> None:
    assert admin_client.get(reverse("admin:workflows_workflowversion_add")).status_code == 403
    assert admin_client.post(address(2), {"number": 9}).status_code == 403
    version = WorkflowVersion.objects.get(number=2)
    assert admin_client.post(reverse("admin:workflows_workflowversion_delete", args=[version.pk])).status_code == 403
