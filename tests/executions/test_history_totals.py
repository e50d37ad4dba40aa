"""How many executions a list has: exactly, or as an estimate that says so."""

import pytest

from executions import history
from executions.history import pagination_json
from executions.selection import Filters
from tests.executions.histories import NOON, an_execution, by_offset, save
from tests.factories import WorkflowFactory
from workflows.models import Workflow

pytestmark = pytest.mark.django_db


@pytest.fixture
def workflow() -> Workflow:
    return WorkflowFactory.create()


def _total(workflow: Workflow, filters: Filters | None = None) -> tuple[int, bool]:
    page = history.page(workflow, filters, limit=1)
    return page.total, page.total_is_estimate


def _counters(workflow: Workflow, **counters: int) -> None:
    Workflow.objects.filter(pk=workflow.pk).update(**counters)


def test_the_total_of_all_is_what_the_counters_say_dry_runs_too(workflow: Workflow) -> None:
    _counters(workflow, execution_count=900_000, simulation_count=100_000)

    assert _total(workflow) == (1_000_000, False)


@pytest.mark.parametrize(
    ("statuses", "total"),
    [
        (["COMPLETED"], 700_000),
        (["FAILED"], 150_000),
        (["TIMEOUT"], 50_000),
        (["CANCELLED"], 30_000),
        (["COMPLETED", "TIMEOUT", "PENDING"], 750_003),
        (["RUNNING"], 0),
    ],
)
def test_so_is_that_of_a_status_but_for_what_has_not_ended(workflow: Workflow, statuses: list[str], total: int) -> None:
    save(workflow, [an_execution(workflow, status="PENDING", started=None) for _ in range(3)])
    _counters(
        workflow, execution_count=930_003, success_count=700_000, failure_count=200_000, timeout_count=50_000,
        cancelled_count=30_000,
    )  # fmt: skip

    assert _total(workflow, Filters(statuses)) == (total, False)


def test_where_there_are_dry_runs_too_those_of_the_status_are_counted(workflow: Workflow) -> None:
    save(workflow, [an_execution(workflow, is_simulation=True), an_execution(workflow)])

    assert _total(workflow, Filters(["COMPLETED"])) == (2, False)


@pytest.mark.usefixtures("_few_counted")
def test_it_is_exact_as_far_as_it_is_counted(workflow: Workflow) -> None:
    save(workflow, [an_execution(workflow, trigger_type=kind) for kind in ["webhook"] * 10 + ["manual"] * 10])

    assert _total(workflow, Filters(trigger_type="webhook")) == (10, False)
    assert _total(workflow, Filters(["COMPLETED", "FAILED"], trigger_type="webhook")) == (10, False)


@pytest.mark.usefixtures("_few_counted")
@pytest.mark.parametrize("filters", [Filters(trigger_type="manual"), Filters(["FAILED"], started_from=NOON)])
def test_beyond_that_it_is_an_estimate_and_says_so(workflow: Workflow, filters: Filters) -> None:
    save(workflow, [an_execution(workflow, minute, minute, status="FAILED") for minute in range(100)])

    total, is_estimate = _total(workflow, filters)

    assert is_estimate
    assert 90 <= total <= 100
    assert pagination_json(history.page(workflow, filters))["totalIsEstimate"] is True


@pytest.mark.usefixtures("_few_counted")
@pytest.mark.parametrize(
    "minutes", [[0] * 30, [*range(20), *[20] * 11], [0, *[1_000_000] * 10, 1_000_001]], ids=["one", "late", "apart"]
)
def test_an_estimate_is_more_than_what_is_counted_and_no_more_than_there_can_be(
    workflow: Workflow, minutes: list[float]
) -> None:
    save(workflow, [an_execution(workflow, minute) for minute in minutes])

    total, is_estimate = _total(workflow, Filters(trigger_type="manual"))

    assert is_estimate
    assert 11 <= total <= len(minutes)


@pytest.mark.usefixtures("_few_counted", "_few_equals")
def test_an_estimated_list_ends_where_it_ends(workflow: Workflow) -> None:
    """Whatever the estimate is, the last page has the last execution, and behind it there is none."""
    save(workflow, [an_execution(workflow, minute) for minute in range(30)])
    manual = Filters(trigger_type="manual")

    assert len(by_offset(workflow, manual)) == 30
    assert [len(history.page(workflow, manual, offset=offset).executions) for offset in (29, 30, 31, 90)] == [
        1,
        0,
        0,
        0,
    ]
