"""What a reading of a workspace gives, and what it costs."""

import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from executions import services
from executions.models import Execution
from executions.stream import boards, overview
from executions.stream.boards import Board
from executions.stream.overview import Sheet
from tests.factories import ExecutionFactory, WorkflowFactory
from workflows.models import Workflow

pytestmark = pytest.mark.django_db

HOUR = 3_600_000_000


@pytest.fixture
def workflow() -> Workflow:
    return WorkflowFactory.create()


@pytest.fixture
def board(workflow: Workflow) -> Board:
    board = Board(workflow.workspace_id)
    board.begin()
    return board


def pending(workflow: Workflow, count: int) -> list[Execution]:
    return [ExecutionFactory.create(workflow=workflow) for _ in range(count)]


def cancelled(workflow: Workflow, count: int) -> list[Execution]:
    return [services.cancel(execution=execution) for execution in pending(workflow, count)]


def keys(sheets: Iterable[Sheet]) -> list[UUID]:
    return [overview.mark_of(state)[0] for sheet in sheets for state in sheet.states]


def queries_of(sheets: Iterator[Sheet]) -> int:
    with CaptureQueriesContext(connection) as queries:
        list(sheets)
    return len(queries)


def an_hour_ago() -> int:
    return overview.latest_cursor() - HOUR


def test_a_reading_without_changes_costs_three_queries(workflow: Workflow) -> None:
    pending(workflow, 5)
    board = Board(workflow.workspace_id)
    board.begin()

    assert queries_of(board.read()) == 3


@pytest.mark.parametrize("count", [1, 30])
def test_a_reading_costs_four_however_much_has_changed(workflow: Workflow, board: Board, count: int) -> None:
    pending(workflow, count)
    cancelled(workflow, count)

    assert queries_of(board.read()) == 4


@pytest.mark.parametrize("count", [1, 30])
def test_an_opening_costs_five_however_much_there_is(workflow: Workflow, count: int) -> None:
    pending(workflow, count)
    cancelled(workflow, count)

    assert queries_of(overview.present(workflow.workspace_id, an_hour_ago())) == 5


def test_what_was_there_before_is_no_change_and_a_change_is_told_once(workflow: Workflow) -> None:
    (execution,) = pending(workflow, 1)
    board = Board(workflow.workspace_id)
    board.begin()

    assert keys(board.read()) == []
    services.cancel(execution=execution)
    assert keys(board.read()) == [execution.pk]
    assert keys(board.read()) == []


def test_an_end_that_was_committed_late_is_told_to_who_follows(workflow: Workflow) -> None:
    (execution,) = pending(workflow, 1)
    board = Board(workflow.workspace_id)
    board.begin()
    services.cancel(execution=execution)
    Execution.objects.update(completed_at=F("completed_at") - timedelta(hours=1))

    assert keys(board.read()) == [execution.pk]
    assert keys(board.read()) == []


def test_of_the_unfinished_the_newest_are_told(workflow: Workflow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, "UNFINISHED_AT_MOST", 2)
    _, *newest = pending(workflow, 3)

    assert set(keys(overview.present(workflow.workspace_id, an_hour_ago()))) == {each.pk for each in newest}


@pytest.mark.parametrize("at_once", [False, True])
def test_a_long_absence_is_told_in_sheets(
    workflow: Workflow,
    monkeypatch: pytest.MonkeyPatch,
    at_once: bool,  # noqa: FBT001
) -> None:
    monkeypatch.setattr(overview, "A_SHEET", 3)
    executions = cancelled(workflow, 10)
    for number, execution in enumerate(executions):
        moment = execution.created_at - timedelta(seconds=0 if at_once else 60 - number)
        Execution.objects.filter(pk=execution.pk).update(completed_at=moment)
    if at_once:
        Execution.objects.update(completed_at=executions[0].created_at)

    sheets = list(overview.present(workflow.workspace_id, an_hour_ago()))

    assert sorted(keys(sheets)) == sorted(execution.pk for execution in executions)
    assert max(len(sheet.states) for sheet in sheets) == 3
    cursors = [cursor for sheet in sheets for cursor in (sheet.since, sheet.cursor)]
    assert cursors == sorted(cursors)


def test_from_the_cursor_of_any_sheet_on_the_rest_is_told(workflow: Workflow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, "A_SHEET", 2)
    for number, execution in enumerate(cancelled(workflow, 9)):
        moment = execution.created_at - timedelta(minutes=20 - number)
        Execution.objects.filter(pk=execution.pk).update(completed_at=moment)
    pending(workflow, 1)
    sheets = list(overview.present(workflow.workspace_id, an_hour_ago()))
    everything = keys(sheets)

    for number, sheet in enumerate(sheets):
        had = keys(sheets[: number + 1])
        assert {*had, *keys(overview.present(workflow.workspace_id, sheet.cursor))} == {*everything}
        assert set(keys(overview.present(workflow.workspace_id, sheet.since))) >= {*everything} - {*had}


def test_it_is_read_five_times_a_second_at_most_and_once_at_least(board: Board) -> None:
    list(board.read())
    now = time.monotonic()

    assert not board.is_due(now + boards.LOOK_SECONDS / 2)
    assert board.touch()
    assert not board.touch(), "once is enough"
    assert not board.is_due(now)
    assert board.is_due(now + boards.LOOK_SECONDS / 2)
    list(board.read())
    assert board.is_due(time.monotonic() + 2 * boards.LOOK_SECONDS)
