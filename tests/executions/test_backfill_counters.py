"""The migration that fills the counters and the trigger's type of workflows that were there before these columns."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test.utils import CaptureQueriesContext

from executions.engine import journal
from executions.engine.plan import Finish
from executions.states import ExecutionStatus
from tests.executions.claims import claimed, started
from tests.executions.counters import COUNTERS, counted, kept
from tests.executions.orm_journal import HeldClock, held_clock
from tests.factories import WorkflowFactory, definition
from workflows import services as workflows
from workflows.documents import Json
from workflows.models import Workflow

pytestmark = pytest.mark.django_db(transaction=True)

WEBHOOK: Json = {"type": "webhook", "path": "/orders"}


@pytest.fixture
def held() -> Iterator[HeldClock]:
    with held_clock() as held:
        yield held


def with_a_past(held: HeldClock, *, executions: int = 1) -> Workflow:
    """With `executions` of every kind, each end of its own duration."""
    workflow = WorkflowFactory.create()
    for _ in range(executions):
        for is_simulation in (False, False, True):
            started(workflow=workflow, is_simulation=is_simulation)
            claimed(workflow=workflow, is_simulation=is_simulation)
            journal.cancel(started(workflow=workflow, is_simulation=is_simulation).pk, error=None)
            for number, status in enumerate(("COMPLETED", "FAILED", "TIMEOUT", "CANCELLED")):
                claim = claimed(workflow=workflow, is_simulation=is_simulation)
                held.advance(0.001 + number)
                if status == "CANCELLED":
                    journal.cancel(claim.execution_id, error=None)
                else:
                    journal.commit(claim, finish=Finish(ExecutionStatus(status)))
    return workflow


def forget(**wrong: Any) -> None:
    """As the columns are when they are new, or as somebody has spoilt them."""
    Workflow.objects.update(**{**dict.fromkeys(COUNTERS, 0), "trigger_type": "manual", **wrong})


def backfill() -> int:
    """Gives how many statements it took."""
    migration = import_module("executions.migrations.0003_backfill_counters")
    with CaptureQueriesContext(connection) as captured, connection.schema_editor() as editor:
        migration.backfill(apps, editor)
    return len(captured)


@pytest.mark.parametrize("wrong", [{}, {"success_count": 7, "total_duration_ms": -1}])
def test_the_counters_are_what_the_rows_say(held: HeldClock, wrong: dict[str, int]) -> None:
    past, other, new = with_a_past(held), with_a_past(held, executions=2), WorkflowFactory.create()
    expected = {workflow.pk: kept(workflow) for workflow in (past, other, new)}
    assert expected[past.pk] == {
        "execution_count": 14, "success_count": 2, "failure_count": 4, "timeout_count": 2, "cancelled_count": 4,
        "simulation_count": 7, "total_duration_ms": 2 * (1 + 1_001 + 2_001),
    }  # fmt: skip
    forget(**wrong)

    backfill()

    for workflow in (past, other, new):
        assert kept(workflow) == counted(workflow) == expected[workflow.pk]


def test_the_rest_of_a_workflow_stays_as_it_is(held: HeldClock) -> None:
    workflow = with_a_past(held)
    before = Workflow.objects.values().get()
    forget()

    backfill()

    assert Workflow.objects.values().get(pk=workflow.pk) == before


def test_the_triggers_type_is_that_of_the_current_version() -> None:
    plain = WorkflowFactory.create()
    changed = WorkflowFactory.create(definition=definition(trigger={"type": "schedule"}))
    workflows.change(workflow=changed, definition=definition(trigger=WEBHOOK))
    untyped = WorkflowFactory.create(definition=definition(trigger={"note": "by hand"}))
    empty = Workflow.objects.create(workspace=plain.workspace, name="Without a version")
    forget(trigger_type="wrong")

    backfill()

    types = dict(Workflow.objects.values_list("pk", "trigger_type"))
    assert types == {plain.pk: "manual", changed.pk: "webhook", untyped.pk: "manual", empty.pk: "manual"}


def test_its_statements_do_not_grow_with_the_executions(held: HeldClock) -> None:
    with_a_past(held)
    forget()
    few = backfill()
    assert backfill() == few - 1, "a workflow that is right isn't written"
    with_a_past(held, executions=20)

    assert backfill() == few - 1
    forget()
    assert backfill() == few + 1, "one for each workflow"


def test_it_runs_when_the_database_is_migrated(held: HeldClock) -> None:
    """There and back again, with the models as they were then."""
    workflow = with_a_past(held)
    expected = kept(workflow)
    MigrationExecutor(connection).migrate([("executions", "0002_idempotency_key")])
    assert kept(workflow) == expected, "back it leaves them alone"
    forget()

    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())

    assert kept(workflow) == expected
