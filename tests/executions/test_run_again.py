"""Running again: the same data, of the same version or of the latest, wherever a start is allowed."""

import pytest

from executions import services
from executions.engine import journal
from executions.models import Execution
from tests.executions.claims import heard
from tests.executions.counters import counted, kept
from tests.executions.orm_journal import held_clock, rows_of
from tests.executions.scenes import steps
from tests.factories import UserFactory, WorkflowFactory, definition
from workflows import services as workflows
from workflows.documents import Json
from workflows.models import Workflow, WorkflowStatus

pytestmark = pytest.mark.django_db(transaction=True)

ECHO: Json = {"type": "test_echo", "config": {"value": "{{ trigger.who }} by {{ variables.a }}, {{ variables.b }}"}}


@pytest.fixture
def workflow() -> Workflow:
    """With two variables, both of which may be given otherwise at a start."""
    workflow: Workflow = WorkflowFactory.create(definition=definition(ECHO, variables={"a": 1, "b": 2}, timeout=5_000))
    return workflow


def started(workflow: Workflow, *, dry_run: bool = False) -> Execution:
    return services.start(
        workflow=workflow, trigger_data={"who": "Ada"}, variables={"b": "given"}, trigger_type="api", dry_run=dry_run,
        triggered_by=UserFactory.create(), idempotency_key="once",
    )  # fmt: skip


def changed(workflow: Workflow) -> None:
    """Another step more, and other variables."""
    new = definition(ECHO, ECHO, variables={"a": "new", "b": 3, "c": 4}, timeout=9_000)
    workflows.change(workflow=workflow, definition=new)


def test_the_same_version_runs_with_the_same_data_and_variables(workflow: Workflow) -> None:
    first, user = services.run(execution=started(workflow)), UserFactory.create()
    changed(workflow)

    again = services.run_again(execution=first, latest=False, by=user)

    again.refresh_from_db()
    assert (again.status, again.trigger_type, again.triggered_by) == ("PENDING", "manual", user)
    assert (again.version, again.total_steps, again.timeout_ms) == (first.version, 1, 5_000)
    assert (again.trigger_data, again.variables) == (first.trigger_data, {"a": 1, "b": "given"})
    assert again.idempotency_key is None, "it is another one, whatever started the first once"
    services.run(execution=again)
    assert steps(again)[0].output == steps(first)[0].output == "Ada by 1, given"


def test_the_latest_version_runs_with_its_own_variables_but_for_those_that_were_given(workflow: Workflow) -> None:
    first = started(workflow)
    changed(workflow)

    again = services.run_again(execution=first, latest=True, by=None)

    again.refresh_from_db()
    assert (again.version.number, again.total_steps, again.timeout_ms) == (2, 2, 9_000)
    assert again.variables == {"a": "new", "b": "given", "c": 4}
    assert (again.trigger_data, again.triggered_by) == ({"who": "Ada"}, None)


def test_what_was_given_is_told_from_a_variable_that_only_python_takes_for_equal() -> None:
    workflow = WorkflowFactory.create(definition=definition(variables={"flag": 1}))
    first = services.start(workflow=workflow, variables={"flag": True})
    workflows.change(workflow=workflow, definition=definition(variables={"flag": 0}))

    assert services.run_again(execution=first, latest=True).variables == {"flag": True}


@pytest.mark.parametrize("latest", [False, True])
@pytest.mark.parametrize("dry", [False, True])
def test_it_is_a_dry_run_if_the_first_was_and_counted_as_a_start_is(
    workflow: Workflow, *, latest: bool, dry: bool
) -> None:
    again = services.run_again(execution=started(workflow, dry_run=dry), latest=latest)

    again.refresh_from_db()
    assert again.is_simulation is dry
    assert kept(workflow) == counted(workflow)


@pytest.mark.parametrize("latest", [False, True])
@pytest.mark.parametrize("status", ["INACTIVE", "ARCHIVED"])
def test_what_is_not_active_does_not_run_again(workflow: Workflow, status: str, *, latest: bool) -> None:
    first = started(workflow)
    workflows.set_status(workflow=workflow, status=WorkflowStatus(status))

    with pytest.raises(services.NotActive, match=f"is {status}; activate it first"):
        services.run_again(execution=first, latest=latest)

    assert Execution.objects.get() == first
    assert kept(workflow) == counted(workflow)


@pytest.mark.parametrize("latest", [False, True])
def test_a_dry_run_runs_again_until_its_workflow_is_archived(workflow: Workflow, *, latest: bool) -> None:
    first = started(workflow, dry_run=True)
    workflows.set_status(workflow=workflow, status=WorkflowStatus.INACTIVE)
    services.run_again(execution=first, latest=latest)
    workflows.set_status(workflow=workflow, status=WorkflowStatus.ARCHIVED)

    with pytest.raises(services.NotActive):
        services.run_again(execution=first, latest=latest)
    assert Execution.objects.count() == 2


@pytest.mark.parametrize("latest", [False, True])
def test_it_wakes_an_executor(workflow: Workflow, *, latest: bool) -> None:
    first = started(workflow)

    with heard() as wakes:
        again = services.run_again(execution=first, latest=latest)

    assert [(news.execution_id, news.is_due) for news in wakes] == [(again.pk, True)]


def test_a_pinned_start_writes_what_a_start_of_the_current_version_writes() -> None:
    mine, twin = WorkflowFactory.create(), WorkflowFactory.create()
    with held_clock():
        rows = [rows_of(_inserted(workflow, pinned=pinned).pk) for workflow, pinned in ((mine, True), (twin, False))]

    assert rows[0] == rows[1]
    assert rows[0]["workflow"]["execution_count"] == 1


def _inserted(workflow: Workflow, *, pinned: bool) -> Execution:
    execution = Execution(workspace_id=workflow.workspace_id, workflow=workflow, version_id=workflow.version_id)
    assert journal.start(execution, pinned=pinned)
    return execution
