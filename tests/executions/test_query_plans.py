"""Every query finds its rows by an index made for it, among a hundred thousand; and every index has such a query."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from executions.engine import journal, records
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

# On SQLite nobody may have run ANALYZE: it has to find the way without statistics too.
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


# What the engine does: each gives what is to be measured, and makes what that needs before.


def _claim() -> Claim:
    workflow = Workflow(pk=BUSY, version_id=BUSY)
    execution = Execution(workspace_id=BUSY, workflow=workflow, version_id=BUSY, total_steps=2)
    assert journal.start(execution)
    claim = journal.claim(execution.pk)
    assert claim
    return claim


def _begun() -> Claim:
    claim = _claim()
    journal.commit(claim, [Change(STEP, is_new=True, new_attempt=True)])
    return claim


def _starting() -> Callable[[], object]:
    workflow = Workflow(pk=BUSY, version_id=BUSY)
    return lambda: journal.start(Execution(workspace_id=BUSY, workflow=workflow, version_id=BUSY))


def _claiming() -> Callable[[], object]:
    return lambda: journal.claim(UUID(int=many_rows.ROWS))


def _claiming_what_is_due() -> Callable[[], object]:
    return lambda: journal.claim_due(4)


def _looking_when_something_is_due() -> Callable[[], object]:
    return journal.seconds_until_due


def _reading_what_is_recorded() -> Callable[[], object]:
    claim = _begun()
    return lambda: records.recorded(claim)


def _committing_a_step() -> Callable[[], object]:
    claim = _begun()
    return lambda: journal.commit(claim, [ENDED, Change(NEXT, is_new=True, new_attempt=True)])


def _going_to_sleep() -> Callable[[], object]:
    claim = _begun()
    sleep = Sleep(claim.clock() + timedelta(hours=1), WaitingFor.TIMER)
    return lambda: journal.commit(claim, [Change(STEP)], sleep=sleep)


def _finishing() -> Callable[[], object]:
    claim = _begun()
    return lambda: journal.commit(claim, [ENDED], finish=Finish(ExecutionStatus.COMPLETED))


def _beating() -> Callable[[], object]:
    claim = _begun()
    old = replace(claim, leased_at=claim.leased_at - 60)

    def beat() -> None:
        journal.heartbeat(claim)
        journal.heartbeat(old)

    return beat


def _releasing() -> Callable[[], object]:
    claim = _begun()
    return lambda: journal.release(claim)


def _cancelling() -> Callable[[], object]:
    claim = _begun()
    return lambda: journal.cancel(claim.execution_id, error=None)


def _giving_up() -> Callable[[], object]:
    claim = _begun()
    return lambda: journal.give_up(claim, error=None)


STEP_ROW = "executions_step(id)"
ENGINE: list[tuple[Callable[[], Callable[[], object]], set[str]]] = [
    (_starting, set()),  # the workflow is found by its own id, or by its version's
    (_claiming, {EXECUTION, WORKFLOW}),
    (_claiming_what_is_due, {"execution_due", EXECUTION, WORKFLOW}),
    (_looking_when_something_is_due, {"execution_due"}),
    (_reading_what_is_recorded, {STEPS}),
    (_committing_a_step, {EXECUTION, STEPS}),
    (_going_to_sleep, {EXECUTION, STEPS}),
    (_finishing, {EXECUTION, STEPS, WORKFLOW}),
    (_beating, {EXECUTION}),
    (_releasing, {EXECUTION}),
    (_cancelling, {EXECUTION, STEPS, STEP_ROW}),
    (_giving_up, {EXECUTION, STEPS, STEP_ROW, WORKFLOW}),
]


@pytest.mark.parametrize(("prepared", "indexes"), ENGINE, ids=lambda value: getattr(value, "__name__", ""))
def test_the_engine_finds_its_rows_by_an_index(prepared: Callable[[], Callable[[], object]], indexes: set[str]) -> None:
    """Of the very statements that it sends."""
    plans = plans_of(prepared())

    assert indexes <= {index for plan in plans for index in plan.indexes}, [plan.text for plan in plans]
    assert not [plan.text for plan in plans if plan.whole]


def test_every_index_has_a_query_that_needs_it() -> None:
    needed = {query.index for query in QUERIES}.union(*(indexes for _, indexes in ENGINE))

    assert declared_indexes() <= needed


def test_the_tables_that_the_engine_writes_have_no_other_index() -> None:
    """Each costs every start or step; a foreign key's own would be one more."""
    needed = {query.index for query in QUERIES}.union(*(indexes for _, indexes in ENGINE))

    assert indexes_of("executions_execution", "executions_step") <= needed


def test_without_its_index_a_query_reads_far_too_much() -> None:
    """The twin: the same assertions see it when an index is missing."""
    query = next(query for query in QUERIES if query.index == "execution_by_trigger")
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX execution_by_trigger")

    assert query.index not in plan_of(query.rows()).indexes
    assert rows_read(query.rows()) > query.reads
