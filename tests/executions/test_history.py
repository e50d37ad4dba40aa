"""Pages of a workflow's executions: each once, in the order of the whole list, however one walks through it."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from executions import history
from executions.history import Page, pagination_json
from executions.models import Execution, Step
from executions.representation import execution_json
from executions.selection import Filters
from tests.executions.histories import NOON, an_execution, by_cursor, by_offset, save, save_many, walk_through, whole
from tests.executions.scenes import ran
from tests.factories import WorkflowFactory
from workflows.models import Workflow

pytestmark = pytest.mark.django_db

ORDERS = [{"sort_by": name, "descending": descending} for name in history.COLUMNS for descending in (True, False)]
FILTERS = [
    Filters(),
    Filters(("COMPLETED",)),
    Filters(("FAILED", "PENDING", "COMPLETED")),
    Filters(trigger_type="webhook"),
    Filters(started_from=NOON + timedelta(minutes=2), started_to=NOON + timedelta(minutes=5)),
    Filters(("COMPLETED", "FAILED"), started_from=NOON + timedelta(minutes=2)),
]


@pytest.fixture
def workflow() -> Workflow:
    return WorkflowFactory.create()


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_what_has_not_started_counts_as_the_latest_and_ids_decide_between_equals(
    workflow: Workflow, order: dict[str, Any]
) -> None:
    saved = save_many(workflow, seed=0)

    def rank(execution: Execution) -> tuple[datetime, str]:
        time = getattr(execution, history.COLUMNS[order["sort_by"]])
        return time or datetime.max.replace(tzinfo=UTC), execution.pk.hex

    assert whole(workflow, **order) == sorted(saved, key=rank, reverse=order["descending"])


@pytest.mark.usefixtures("_few_equals")
@pytest.mark.parametrize("walk", [by_cursor, by_offset])
@pytest.mark.parametrize("order", ORDERS, ids=str)
@pytest.mark.parametrize("filters", FILTERS, ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_every_walk_meets_each_execution_once_in_the_order_of_the_whole_list(
    workflow: Workflow, walk: Callable[..., list[Execution]], order: dict[str, Any], filters: Filters, seed: int
) -> None:
    save_many(workflow, seed)

    walked = walk(workflow, filters, **order)

    assert walked == whole(workflow, filters, **order)
    assert {execution.pk for execution in walked} == {execution.pk for execution in _passed(workflow, filters)}


def _passed(workflow: Workflow, filters: Filters) -> Iterable[Execution]:
    """The filters as Python understands them."""
    first, last = filters.started_from or NOON, filters.started_to or NOON + timedelta(days=1)
    for execution in Execution.objects.filter(workflow=workflow):
        if (
            (not filters.statuses or execution.status in filters.statuses)
            and filters.trigger_type in {None, execution.trigger_type}
            and (not filters.by_start or (execution.started_at and first <= execution.started_at <= last))
        ):
            yield execution


@pytest.mark.usefixtures("_few_equals")
@pytest.mark.parametrize("walk", [by_cursor, by_offset])
@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_it_does_not_matter_who_wrote_the_times(
    workflow: Workflow, walk: Callable[..., list[Execution]], order: dict[str, Any]
) -> None:
    """On SQLite they are text, and the journal writes milliseconds where Django writes microseconds or none."""
    save_many(workflow, seed=1)
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            for column in history.COLUMNS.values():
                text = f"STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', {column})"
                cursor.execute(f"UPDATE executions_execution SET {column} = {text} WHERE status <> 'FAILED'", ())

    assert walk(workflow, **order) == whole(workflow, **order)
    assert len(whole(workflow, **order)) == 60


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_what_starts_meanwhile_neither_repeats_nor_hides_anything(workflow: Workflow, order: dict[str, Any]) -> None:
    before = [execution.pk for execution in save_many(workflow, seed=2)]

    def page(latest: Page | None) -> Page:
        save(workflow, [an_execution(workflow, 9, 9), an_execution(workflow, 9, None, status="PENDING")])
        return history.page(workflow, limit=7, cursor=latest.next_cursor if latest else None, **order)

    walked = [execution.pk for execution in walk_through(page)]

    assert len(set(walked)) == len(walked)
    assert set(before) <= set(walked)


def test_an_offset_moves_with_what_starts_meanwhile_as_the_twin_of_the_cursor(workflow: Workflow) -> None:
    save_many(workflow, seed=2)
    first = history.page(workflow, limit=7)
    save(workflow, [an_execution(workflow, created=9)])

    assert history.page(workflow, limit=7, offset=7).executions[0] == first.executions[-1]
    assert history.page(workflow, limit=7, cursor=first.next_cursor).executions[0] != first.executions[-1]


def test_executions_of_other_workflows_are_no_part_of_it(workflow: Workflow) -> None:
    mine = save(workflow, [an_execution(workflow)])
    other = WorkflowFactory.create()
    save(other, [an_execution(other)])

    assert whole(workflow) == mine


def test_it_sorts_by_what_it_filters(workflow: Workflow) -> None:
    early, late = save(workflow, [an_execution(workflow, 1, 5), an_execution(workflow, 2, 4)])

    assert whole(workflow) == [late, early]
    assert whole(workflow, Filters(started_from=NOON)) == [early, late]
    assert whole(workflow, Filters(started_from=NOON), sort_by="createdAt") == [late, early]


@pytest.mark.django_db(transaction=True)
def test_the_bounds_of_a_range_are_in_it() -> None:
    execution = ran()
    started, instant = execution.started_at, timedelta(microseconds=1)
    assert started

    def found(start: datetime | None, end: datetime | None) -> bool:
        return bool(whole(execution.workflow, Filters((), start, end)))

    assert found(started, started)
    assert found(started, None)
    assert found(None, started)
    assert not found(started + instant, None)
    assert not found(None, started - instant)


@pytest.mark.parametrize("microseconds", [0, 500_000, 123_000, 123_456])
def test_they_are_for_times_of_any_number_of_digits(workflow: Workflow, microseconds: int) -> None:
    started = timedelta(microseconds=microseconds)
    save(workflow, [an_execution(workflow, 0, started / timedelta(minutes=1))])

    assert whole(workflow, Filters((), NOON + started, NOON + started))


# The page itself


def test_it_says_whether_there_are_more_and_where_they_begin(workflow: Workflow) -> None:
    save(workflow, [an_execution(workflow, minute) for minute in range(5)])

    page = history.page(workflow, limit=2)
    rest = history.page(workflow, limit=3, cursor=page.next_cursor)

    assert pagination_json(page) == {
        "total": 5, "offset": 0, "limit": 2, "hasMore": True, "nextCursor": page.next_cursor,
    }  # fmt: skip
    assert pagination_json(rest) == {"total": 5, "offset": 2, "limit": 3, "hasMore": False, "nextCursor": None}
    assert page.next_cursor
    assert set(page.next_cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@pytest.mark.parametrize("offset", [4, 5, 6, 1_000])
def test_behind_the_last_there_is_nothing(workflow: Workflow, offset: int) -> None:
    save(workflow, [an_execution(workflow, minute) for minute in range(5)])

    page = history.page(workflow, offset=offset)

    assert len(page.executions) == (1 if offset == 4 else 0)
    assert (page.has_more, page.next_cursor, page.offset, page.total) == (False, None, offset, 5)


def test_a_workflow_that_has_run_nothing_has_an_empty_page(workflow: Workflow) -> None:
    page = history.page(workflow)

    assert (page.executions, page.total, page.has_more) == ([], 0, False)


def test_a_hundred_with_their_steps_and_their_total_take_three_queries(
    workflow: Workflow, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    saved = save(workflow, [an_execution(workflow, minute) for minute in range(101)])
    Step.objects.bulk_create(
        Step(execution=execution, path="0", action_id="a", action_type="wait", status="success", position=1)
        for execution in saved
    )

    with django_assert_num_queries(3):
        page = history.page(workflow, limit=100)
        told = [execution_json(execution) for execution in page.executions]

    assert [len(each["steps"]) for each in told] == [1] * 100  # type: ignore[arg-type]


@pytest.mark.usefixtures("_few_equals", "_few_counted")
def test_no_page_takes_more_than_five(workflow: Workflow, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    """The total, its estimate, the time at the offset, the executions, their steps."""
    save_many(workflow, seed=0)
    filters = Filters(("COMPLETED", "FAILED", "PENDING"), trigger_type="webhook")

    with django_assert_num_queries(5):
        page = history.page(workflow, filters, offset=20, limit=2, sort_by="startedAt", descending=False)

    assert page.total_is_estimate


def test_a_page_does_not_read_the_definitions(workflow: Workflow) -> None:
    save(workflow, [an_execution(workflow)])

    (execution,) = whole(workflow)

    assert execution.version.get_deferred_fields() == {"definition"}
