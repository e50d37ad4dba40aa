"""The list of executions: what it can be narrowed to, what can be searched, what that costs, and who sees which."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from executions.models import Execution
from tests.admin.conftest import SignIn
from tests.admin.lists import LIST, an_execution, failed, notes, shown, source, statements
from tests.admin.pages import words
from tests.factories import MembershipFactory, UserFactory, WorkflowFactory, WorkspaceFactory
from workflows.models import Workflow
from workspaces.models import Role, Workspace

pytestmark = pytest.mark.django_db


@pytest.fixture
def workspace() -> Workspace:
    workspace: Workspace = WorkspaceFactory.create(name="Ours")
    return workspace


@pytest.fixture
def workflow(workspace: Workspace) -> Workflow:
    workflow: Workflow = WorkflowFactory.create(workspace=workspace, name="Invoices")
    return workflow


@pytest.fixture
def mixed(workflow: Workflow) -> dict[str, Execution]:
    elsewhere = WorkflowFactory.create(name="Payroll")
    return {
        "completed": an_execution(workflow, 1),
        "failed": failed("no", workflow, minutes_ago=2),
        "timeout": an_execution(workflow, 3, status="TIMEOUT", trigger_type="webhook"),
        "cancelled": an_execution(elsewhere, 4, status="CANCELLED"),
        "running": an_execution(elsewhere, 5, status="RUNNING"),
        "pending": an_execution(workflow, 6, status="PENDING", trigger_type="webhook"),
        "dry": an_execution(workflow, 120, is_simulation=True),
        "old": failed("long ago", elsewhere, minutes_ago=60 * 24 * 20),
    }


NARROWED: list[tuple[dict[str, str], str]] = [
    ({"status": "COMPLETED"}, "completed dry"),
    ({"status": "FAILED"}, "failed old"),
    ({"status": "TIMEOUT"}, "timeout"),
    ({"status": "CANCELLED"}, "cancelled"),
    ({"status": "RUNNING"}, "running"),
    ({"status": "PENDING"}, "pending"),
    ({"status": "wrong"}, "failed timeout old"),
    ({"status": "unfinished"}, "running pending"),
    ({"workspace": "ours"}, "completed failed timeout pending dry"),
    ({"workspace": "ours", "status": "wrong"}, "failed timeout"),
    ({"workspace": "ours", "status": "unfinished"}, "pending"),
    ({"workspace": "ours", "status": "RUNNING"}, ""),
    ({"workspace": "ours", "status": "COMPLETED"}, "completed dry"),
    ({"workflow": "invoices"}, "completed failed timeout pending dry"),
    ({"workflow": "invoices", "status": "unfinished"}, "pending"),
    ({"workflow": "invoices", "status": "FAILED", "trigger": "webhook"}, ""),
    ({"workflow": "invoices", "trigger": "webhook"}, "timeout pending"),
    ({"workflow": "invoices", "simulation": "no"}, "completed failed timeout pending"),
    ({"workspace": "ours", "workflow": "payroll"}, ""),
    ({"trigger": "webhook"}, "timeout pending"),
    ({"trigger": "webhook", "status": "TIMEOUT"}, "timeout"),
    ({"simulation": "yes"}, "dry"),
    ({"simulation": "yes", "status": "FAILED"}, ""),
    ({"simulation": "yes", "trigger": "manual", "workspace": "ours"}, "dry"),
    ({"simulation": "no"}, "completed failed timeout cancelled running pending old"),
    ({"created": "1h"}, "completed failed timeout cancelled running pending"),
    ({"created": "24h"}, "completed failed timeout cancelled running pending dry"),
    ({"created": "30d", "status": "FAILED"}, "failed old"),
    ({"since": "-03:00", "until": "-01:00"}, "dry"),
    ({"since": "-03:00", "created": "1h"}, "completed failed timeout cancelled running pending"),
    ({"q": "invo"}, "completed failed timeout pending dry"),
    ({"q": "invo", "status": "FAILED"}, "failed"),
    ({"q": "long AGO"}, "old"),
    ({"q": "long ago", "workspace": "ours"}, ""),
    ({"q": "long ago", "status": "COMPLETED"}, ""),
]


@pytest.fixture
def owner(signed_in: SignIn, mixed: dict[str, Execution], workspace: Workspace) -> Client:
    """Of the staff, with a role in both workspaces."""
    client = signed_in(workspace, Role.OWNER)
    user = UserFactory._meta.model.objects.get(pk=client.session["_auth_user_id"])
    MembershipFactory.create(workspace=mixed["running"].workspace, user=user)
    return client


def query_of(asked: dict[str, str], mixed: dict[str, Execution]) -> dict[str, Any]:
    names = {
        "ours": mixed["completed"].workspace_id,
        "invoices": mixed["completed"].workflow_id,
        "payroll": mixed["old"].workflow_id,
        "-03:00": f"{timezone.now() - timedelta(hours=3):%Y-%m-%dT%H:%M:%S}",
        "-01:00": f"{timezone.now() - timedelta(hours=1):%Y-%m-%dT%H:%M:%S}",
    }
    return {name: names.get(value, value) for name, value in asked.items()}


@pytest.mark.parametrize(("asked", "expected"), NARROWED, ids=str)
def test_a_list_can_be_narrowed(
    admin_client: Client, owner: Client, mixed: dict[str, Execution], asked: dict[str, str], expected: str
) -> None:
    """The same for those who see everything, by other branches than for those who see two workspaces."""
    ids = [mixed[name].pk for name in expected.split()]

    assert shown(admin_client, **query_of(asked, mixed)) == ids
    assert shown(owner, **query_of(asked, mixed)) == ids


def test_who_has_more_workspaces_than_branches_sees_the_same(
    monkeypatch: pytest.MonkeyPatch, admin_client: Client, owner: Client, mixed: dict[str, Execution]
) -> None:
    monkeypatch.setattr("executions.admin.branches.MOST_WORKSPACES", 1)
    an_execution()  # nobody's of these

    for asked, expected in NARROWED:
        assert shown(owner, **query_of(asked, mixed)) == [mixed[name].pk for name in expected.split()], asked


@pytest.mark.parametrize("field", ["status", "workspace", "workflow", "simulation", "created", "since", "until"])
def test_what_is_not_understood_is_said_and_narrows_nothing(
    admin_client: Client, mixed: dict[str, Execution], field: str
) -> None:
    page = source(admin_client, **{field: "nonsense"})

    assert '<p class="t-problem" role="alert">' in page
    assert len(shown(admin_client, **{field: "nonsense"})) == len(mixed)


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_out_of_the_calendar_is_before_or_after_all(
    admin_client: Client, mixed: dict[str, Execution], moment: str
) -> None:
    numbers = [len(shown(admin_client, **{field: moment})) for field in ("since", "until")]

    assert sorted(numbers) == [0, len(mixed)]
    assert (numbers[0] == 0) == moment.startswith("9999")


def test_other_lookups_than_those_of_the_form_do_nothing(admin_client: Client, mixed: dict[str, Execution]) -> None:
    """A list that took any would tell, letter by letter, what isn't shown."""
    assert len(shown(admin_client, error__contains="pay_the_bill", variables="x", all="")) == len(mixed)


def test_what_there_is_to_choose_from_is_in_reach(signed_in: SignIn, workspace: Workspace, workflow: Workflow) -> None:
    WorkflowFactory.create(name="Payroll of theirs", workspace__name="Theirs")
    page = words(source(signed_in(workspace, Role.GUEST)))

    assert "Invoices" in page
    assert "Payroll of theirs" not in page
    assert "Theirs" not in page


# Search


def test_an_id_finds_its_execution_whatever_the_filters(admin_client: Client, mixed: dict[str, Execution]) -> None:
    wanted = mixed["failed"]
    page = source(admin_client, q=f" {str(wanted.pk).upper()} ", status="COMPLETED")

    assert shown(admin_client, q=wanted.pk) == shown(admin_client, q=wanted.pk.hex) == [wanted.pk]
    assert "Filters don't apply to an id." in notes(page)


def test_the_beginning_of_an_id_finds_all_that_have_it(admin_client: Client, mixed: dict[str, Execution]) -> None:
    beginning = str(mixed["old"].pk)[:13]
    expected = [each.pk for each in mixed.values() if str(each.pk).startswith(beginning)]

    assert shown(admin_client, q=beginning) == expected


def test_what_looks_like_an_id_may_be_a_name_or_in_an_error(admin_client: Client) -> None:
    named = an_execution(WorkflowFactory.create(name="deadbeef"))
    erring = failed("lost cafebabe somewhere")

    assert shown(admin_client, q="deadbeef") == [named.pk]
    assert shown(admin_client, q="cafebabe") == [erring.pk]


def test_an_id_out_of_reach_finds_nothing(signed_in: SignIn, workspace: Workspace, workflow: Workflow) -> None:
    theirs = an_execution()
    client = signed_in(workspace, Role.OWNER)

    assert shown(client, q=theirs.pk) == []
    assert shown(client, workflow=theirs.workflow_id) == []
    assert shown(client, workspace=theirs.workspace_id) == []
    assert shown(client, q=theirs.workflow.name) == []


def test_a_name_goes_before_errors_and_the_page_says_so(admin_client: Client, workflow: Workflow) -> None:
    named, erring = an_execution(workflow), failed("no such invoices")
    page = source(admin_client, q="invoices")

    assert shown(admin_client, q="invoices") == [named.pk]
    assert "executions of the workflow Invoices. Search errors for it instead" in notes(page)
    assert shown(admin_client, q="invoices", errors_only="on") == [erring.pk]


def test_of_many_names_the_newest_are_taken_and_the_page_says_so(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("executions.admin.branches.MOST_NAMED", 2)
    _, second, third = (an_execution(WorkflowFactory.create(name=f"Report {number}")) for number in range(3))
    page = source(admin_client, q="report")

    assert set(shown(admin_client, q="report")) == {second.pk, third.pk}
    assert "of which there are more" in notes(page)


@pytest.mark.parametrize("text", ['He said "no"', "back\\slash", "100 %", "under_score", "Grüße", "tab\there"])
def test_an_error_is_found_by_any_text(admin_client: Client, text: str) -> None:
    found = failed(f"It was: {text}!")
    failed("It was something else")

    assert shown(admin_client, q=text) == [found.pk]


def test_a_traceback_is_not_searched(admin_client: Client) -> None:
    failed("no")

    assert shown(admin_client, q="pay_the_bill") == []
    assert shown(admin_client, q="ON_PURPOSE") != []


# Costs


def test_more_rows_need_no_more_queries(admin_client: Client, owner: Client, workflow: Workflow) -> None:
    for query in ({}, {"status": "wrong"}, {"q": "invoices"}, {"q": "no"}, {"trigger": "webhook"}):
        few = len(statements(owner, **query))
        for _ in range(45):
            failed("no", workflow, trigger_type="webhook", triggered_by=UserFactory.create())
        assert len(statements(owner, **query)) == few
        assert len(statements(admin_client, **query)) <= 8


@pytest.mark.parametrize("query", [{}, {"status": "wrong"}, {"trigger": "manual"}, {"q": "no"}, {"before": True}])
def test_nothing_is_counted_or_skipped(owner: Client, mixed: dict[str, Execution], query: dict[str, Any]) -> None:
    """What is looked through is counted, in a subquery that ends."""
    query = query | ({"before": mixed["failed"].pk} if "before" in query else {})

    for sql in statements(owner, **query):
        assert "OFFSET" not in sql
        assert "COUNT(" not in sql or "LIMIT 10000) subquery" in sql


def test_large_documents_stay_where_they_are(admin_client: Client, mixed: dict[str, Execution]) -> None:
    for sql in statements(admin_client):
        for column in ("trigger_data", "variables", "definition"):
            assert column not in sql


def test_who_has_no_workspace_gets_no_list(signed_in: SignIn) -> None:
    assert signed_in(None, Role.OWNER).get(LIST).status_code == 403
