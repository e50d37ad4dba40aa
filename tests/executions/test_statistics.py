"""A workflow's statistics: from its counters, dry runs left out, one moment's."""

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from executions import services
from executions.statistics import statistics_json
from tests.executions.counters import counted
from tests.factories import ExecutionFactory, WorkflowFactory
from workflows.models import Workflow

pytestmark = pytest.mark.django_db


def _workflow(**counters: int) -> Workflow:
    workflow = WorkflowFactory.create()
    Workflow.objects.filter(pk=workflow.pk).update(**counters)
    return workflow


def _by_status(statistics: dict[str, Any]) -> list[int]:
    assert list(statistics["byStatus"]) == ["PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED", "TIMEOUT"]
    return list(statistics["byStatus"].values())


def test_of_a_workflow_that_has_run_nothing_there_is_no_rate_and_no_average() -> None:
    statistics = statistics_json(_workflow())

    assert _by_status(statistics) == [0, 0, 0, 0, 0, 0]
    assert (statistics["total"], statistics["successRate"], statistics["averageDurationMs"]) == (0, None, None)


def test_they_are_what_the_counters_say() -> None:
    workflow = _workflow(
        execution_count=1_000_000, success_count=900_000, failure_count=79_000, timeout_count=19_000,
        cancelled_count=20_000, total_duration_ms=979_000 * 1_100 + 600_000,
    )  # fmt: skip

    statistics = statistics_json(workflow)

    assert statistics["total"] == 1_000_000
    assert _by_status(statistics) == [0, 1_000, 900_000, 60_000, 20_000, 19_000]
    assert statistics["successRate"] == 90.09, "of those that have ended, the cancelled among them"
    assert statistics["averageDurationMs"] == 1_101, "of those that ended by themselves, to the nearest"


def test_where_all_were_cancelled_the_rate_is_nothing_and_there_is_no_average() -> None:
    statistics = statistics_json(_workflow(execution_count=2, cancelled_count=2))

    assert (statistics["successRate"], statistics["averageDurationMs"]) == (0, None)


def test_what_waits_for_its_first_claim_is_counted_and_the_rest_runs() -> None:
    workflow = WorkflowFactory.create()
    ExecutionFactory.create_batch(3, workflow=workflow)
    ExecutionFactory.create(workflow=workflow, dry_run=True)
    workflow.executions.filter(pk=workflow.executions.filter(is_simulation=False).values("pk")[:1]).update(
        status="RUNNING"
    )

    statistics = statistics_json(workflow)

    assert statistics["total"] == 3
    assert _by_status(statistics) == [2, 1, 0, 0, 0, 0]


def test_other_workflows_have_statistics_of_their_own() -> None:
    ExecutionFactory.create()

    assert statistics_json(WorkflowFactory.create())["total"] == 0


@pytest.mark.django_db(transaction=True)
def test_they_say_what_became_of_the_executions() -> None:
    workflow = WorkflowFactory.create()
    for execution in ExecutionFactory.create_batch(3, workflow=workflow):
        services.run(execution=execution)
    services.run(execution=ExecutionFactory.create(workflow=workflow, dry_run=True))
    services.cancel(execution=ExecutionFactory.create(workflow=workflow))

    statistics = statistics_json(workflow)

    assert _by_status(statistics) == [0, 0, 3, 0, 1, 0]
    assert statistics["successRate"] == 75
    assert statistics["averageDurationMs"] == round(counted(workflow)["total_duration_ms"] / 3)


def test_they_take_one_query_and_so_are_of_one_moment(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    """Two might see an execution that ended between them in both figures, and RUNNING would be less than nothing."""
    workflow = ExecutionFactory.create().workflow

    with django_assert_num_queries(1):
        statistics_json(workflow)
