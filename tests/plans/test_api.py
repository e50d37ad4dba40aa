"""Every query finds its rows by an index made for it, among a hundred thousand; and every index has such a query."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from executions import history, services
from executions.engine import due, journal, limits, records
from executions.engine.journal import Change, Claim
from executions.engine.plan import Finish, Sleep, StepRecord
from executions.models import Execution
from executions.selection import COUNTED_UP_TO, Filters
from executions.states import ExecutionStatus, StepStatus, WaitingFor
from executions.statistics import statistics_json
from tests.plans import many_rows
from tests.plans.many_rows import BUSY
from tests.plans.plans import declared_indexes, indexes_of, plan_of, plans_of, rows_read, rows_read_by
from tests.plans.queries import QUERIES, Query
from workflows.models import Workflow

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

SMALL = {"workspaces_workspace", "workspaces_organization", "auth_user", "executions_pruned"}
EXECUTION, STEPS = "executions_execution(id)", "executions_step(execution_id, path)"
WORKFLOW = "workflows_workflow(id)"
STEP = StepRecord("0", "one", "noop", "", StepStatus.RUNNING)
NEXT = replace(STEP, path="1", action_id="two")
ENDED = Change(replace(STEP, status=StepStatus.SUCCESS))


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


def _looking_for_an_earlier_start() -> Callable[[], object]:
    execution = Execution(workflow_id=BUSY, idempotency_key="a key")
    return lambda: services._earlier(execution)


def _claiming() -> Callable[[], object]:
    return lambda: journal.claim(UUID(int=many_rows.ROWS))


def _claiming_what_is_due() -> Callable[[], object]:
    return lambda: journal.claim_due(4)


def _claiming_by_turns() -> Callable[[], object]:
    return lambda: journal.claim_by_turns(4, after=BUSY)


def _asking_whose_turn_it_is() -> Callable[[], object]:
    return lambda: due.elsewhere(BUSY)


def _admitting() -> Callable[[], object]:
    Workflow.objects.filter(pk=BUSY).update(max_running=2)
    _starting()()
    return lambda: limits.admit(BUSY)


def _sweeping() -> Callable[[], object]:
    return limits.sweep


def _looking_when_something_is_due() -> Callable[[], object]:
    return due.seconds_until


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
    (_looking_for_an_earlier_start, {"executions_execution(workflow_id, idempotency_key)"}),
    (_claiming, {EXECUTION, WORKFLOW}),
    (_claiming_what_is_due, {"execution_due", EXECUTION, WORKFLOW}),
    (_claiming_by_turns, {"execution_due_in", EXECUTION, WORKFLOW}),
    (_asking_whose_turn_it_is, {"execution_due_in"}),
    (_admitting, {"execution_due_in", "execution_due_of"}),
    (_sweeping, set()),  # by either index that begins or ends with the time
    (_looking_when_something_is_due, {"execution_due"}),
    (_reading_what_is_recorded, {STEPS}),
    (_committing_a_step, {EXECUTION, STEPS}),
    (_going_to_sleep, {EXECUTION, STEPS}),
    (_finishing, {EXECUTION, STEPS, WORKFLOW}),
    (_beating, {EXECUTION}),
    (_releasing, {EXECUTION}),
    (_cancelling, {EXECUTION, STEPS, STEP_ROW, WORKFLOW}),
    (_giving_up, {EXECUTION, STEPS, STEP_ROW, WORKFLOW}),
]


@pytest.mark.parametrize(("prepared", "indexes"), ENGINE, ids=lambda value: getattr(value, "__name__", ""))
def test_the_engine_finds_its_rows_by_an_index(prepared: Callable[[], Callable[[], object]], indexes: set[str]) -> None:
    """Of the very statements that it sends."""
    plans = plans_of(prepared())

    assert indexes <= {index for plan in plans for index in plan.indexes}, [plan.text for plan in plans]
    assert not [plan.text for plan in plans if plan.whole - SMALL]


# What a history reads: pages as the API asks for them, of a workflow with 60,000 executions.


def _reading(filters: Filters | None = None, **options: Any) -> Callable[[], object]:
    workflow = Workflow.objects.get(pk=BUSY)
    return lambda: history.page(workflow, filters, **options)


def _reading_on(offset: int, filters: Filters | None = None, **options: Any) -> Callable[[], object]:
    workflow = Workflow.objects.get(pk=BUSY)
    cursor = history.page(workflow, filters, offset=offset, **options).next_cursor
    assert cursor
    return lambda: history.page(workflow, filters, cursor=cursor, **options)


def _month(*statuses: str, **fields: Any) -> Filters:
    to = timezone.now() - timedelta(days=10)
    return Filters(statuses, to - timedelta(days=30), to, **fields)


@dataclass(frozen=True)
class Reading:
    """`covered`: the index that is read alone, without its table. `reads` as in Query."""

    name: str
    prepared: Callable[[], Callable[[], object]]
    index: str
    reads: int = 200
    covered: str | None = None


UNSTARTED = 300
"""As many haven't started in `many_rows`: where these stand first or last, all of them are looked at."""
CAPPED = COUNTED_UP_TO + 1

HISTORY = [
    Reading("the first page", _reading, "execution_of_workflow"),
    Reading("the oldest", lambda: _reading(descending=False), "execution_of_workflow"),
    Reading("a page in the middle, by cursor", lambda: _reading_on(30_000), "execution_of_workflow"),
    Reading("the last page, by cursor", lambda: _reading_on(59_960), "execution_of_workflow"),
    Reading(
        "a page in the middle, by offset",
        lambda: _reading(offset=30_000),
        "execution_of_workflow",
        reads=30_200,
        covered="execution_of_workflow",
    ),
    Reading(
        "a page towards the end, by offset",
        lambda: _reading(offset=59_000),
        "execution_of_workflow",
        reads=1_200,
        covered="execution_of_workflow",
    ),
    Reading("by start", lambda: _reading(sort_by="startedAt"), "execution_by_start", reads=UNSTARTED + 200),
    Reading("by start, back", lambda: _reading(sort_by="startedAt", descending=False), "execution_by_start"),
    Reading("by start, by cursor", lambda: _reading_on(30_000, sort_by="startedAt"), "execution_by_start"),
    Reading(
        "by start, back, by cursor",
        lambda: _reading_on(30_000, sort_by="startedAt", descending=False),
        "execution_by_start",
        reads=UNSTARTED + 200,
    ),
    Reading("of a rare status", lambda: _reading(Filters(["TIMEOUT"])), "execution_by_status", reads=300),
    Reading(
        "of two rare statuses",
        lambda: _reading(Filters(["TIMEOUT", "CANCELLED"])),
        "execution_by_status",
        reads=900,
        covered="execution_by_status",
    ),
    Reading(
        "of a status in a month",
        lambda: _reading(_month("FAILED")),
        "execution_by_status_start",
        reads=1_000,
        covered="execution_by_status_start",
    ),
    Reading(
        "of a month",
        lambda: _reading(_month()),
        "execution_by_start",
        reads=2 * CAPPED + 200,
        covered="execution_by_start",
    ),
    Reading(
        "by a rare trigger",
        lambda: _reading(Filters(trigger_type="webhook")),
        "execution_by_trigger",
        reads=300,
        covered="execution_by_trigger",
    ),
    Reading(
        "the statistics",
        lambda: _telling_how_it_fares,
        "execution_by_status_start",
        reads=UNSTARTED + 10,
        covered="execution_by_status_start",
    ),
]


def _telling_how_it_fares() -> None:
    statistics_json(Workflow(pk=BUSY))


@pytest.mark.parametrize("reading", HISTORY, ids=lambda reading: reading.name)
def test_a_page_of_history_finds_its_rows_by_an_index(reading: Reading) -> None:
    """Of all that it asks: the total, the executions, their steps."""
    work = reading.prepared()
    plans = plans_of(work)

    assert reading.index in {index for plan in plans for index in plan.indexes}, [plan.text for plan in plans]
    assert not [plan.text for plan in plans if plan.whole - SMALL]
    assert reading.covered in {None, *(index for plan in plans for index in plan.covering)}, [p.text for p in plans]
    assert rows_read_by(work) <= reading.reads


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
