"""Every query finds its rows by an index made for it, among a hundred thousand; and every index has such a query."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from executions.engine import journal, runner
from executions.engine.journal import Change, Claim
from executions.engine.plan import Finish, Sleep, StepRecord
from executions.models import Execution
from executions.states import ExecutionStatus, StepStatus, WaitingFor
from tests.executions import many_rows
from tests.executions.many_rows import BUSY
from tests.executions.plans import declared_indexes, indexes_of, plan_of, plans_of, rows_read
from tests.executions.queries import QUERIES, Query
from workflows.models import Workflow

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

SMALL = {"workspaces_workspace", "workspaces_organization", "auth_user"}
EXECUTION, STEPS = "executions_execution(id)", "executions_step(execution_id, path)"
WORKFLOW = "workflows_workflow(id)"
STEP = StepRecord("0", "one", "noop", "", StepStatus.RUNNING)
NEXT = replace(STEP, path="1", action_id="two")
ENDED = Change(replace(STEP, status=StepStatus.SUCCESS))

# Nobody runs ANALYZE on SQLite, so it has to find the way without statistics too.
STATISTICS = {"postgresql": ["gathered"], "sqlite": ["gathered", "none"]}


@pytest.fixture(scope="module")
def _rows(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock():
        many_rows.make()
        yield
        many_rows.remove()


@pytest.fixture(scope="module", params=STATISTICS[connection.vendor], autouse=True)
def _statistics(_rows: None, request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker) -> None:
    if request.param == "none":
        with django_db_blocker.unblock():
            many_rows.forget_statistics()


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_a_query_of_the_api_finds_its_rows_by_an_index(query: Query) -> None:
    plan = plan_of(query.rows())

    assert query.index in plan.indexes, plan.text
    assert plan.whole <= SMALL, plan.text
    assert plan.sorts == query.sorts, plan.text
    assert rows_read(query.rows()) <= query.reads


# What the engine does, and by which indexes it finds what it needs for that.


def _workflow() -> Workflow:
    return Workflow.objects.get(pk=BUSY)


def _start() -> Execution:
    workflow = Workflow(pk=BUSY, version_id=BUSY)
    execution = Execution(workspace_id=BUSY, workflow=workflow, version_id=workflow.version_id, total_steps=2)
    assert journal.start(execution)
    return execution


def _claim() -> Claim:
    """Without statements that it would rather not be asked about: what is measured comes after it."""
    claim = journal.claim(_start().pk)
    assert claim
    return claim


def _begun() -> Claim:
    claim = _claim()
    journal.commit(claim, [Change(STEP, is_new=True, new_attempt=True)])
    return claim


def _old(claim: Claim) -> Claim:
    return replace(claim, leased_at=claim.leased_at - 60)
