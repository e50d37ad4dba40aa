"""Retention finds what it deletes by an index among a hundred thousand executions, and reads little more than that."""

from uuid import UUID

import pytest
from django.db import transaction
from django.db.models import Max

from executions import retention
from executions.models import Execution, Step
from executions.retention import Rule
from tests.plans.many_rows import BUSY
from tests.plans.plans import plans_of, rows_read_by
from workspaces.models import Workspace

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

QUIET = UUID(int=77)
RULES = {"days": Rule(days=60, count=0), "count": Rule(days=0, count=1_000), "nothing": Rule(days=3_650, count=0)}


@pytest.mark.parametrize("workspace_id", [BUSY, QUIET], ids=["busy", "quiet"])
@pytest.mark.parametrize("name", RULES)
def test_what_a_batch_deletes_is_found_by_an_index(name: str, workspace_id: UUID) -> None:
    workspace, rule = Workspace.objects.get(pk=workspace_id), RULES[name]

    def work() -> None:
        with transaction.atomic():
            retention.prune(workspace=workspace, rule=rule, rest=lambda _: True)
            transaction.set_rollback(True)

    executions, steps = Execution.objects.count(), Step.objects.count()
    plans = [plan for plan in plans_of(work) if "executions_" in plan.text]

    assert plans
    for plan in plans:
        assert not plan.whole - {"executions_pruned"}, plan.text
    assert any("execution_by_end" in plan.indexes for plan in plans)
    assert (Execution.objects.count(), Step.objects.count()) == (executions, steps)


@pytest.mark.parametrize("workspace_id", [BUSY, QUIET], ids=["busy", "quiet"])
def test_the_oldest_that_a_number_keeps_is_told_by_the_index_alone(workspace_id: UUID) -> None:
    workspace = Workspace.objects.get(pk=workspace_id)

    (plan, *_) = plans_of(lambda: list(retention._outdated(workspace, Rule(days=0, count=200))))

    assert plan.covering == {"execution_by_end"}, plan.text
    assert not plan.sorts, plan.text


def test_a_batch_reads_what_it_deletes_and_not_what_it_keeps() -> None:
    workspace = Workspace.objects.get(pk=BUSY)
    latest = Execution.objects.aggregate(latest=Max("completed_at"))["latest"]
    assert latest

    def work() -> None:
        for outdated in retention._outdated(workspace, Rule(days=60, count=0)):
            list(outdated.order_by("completed_at")[: retention.BATCH])

    assert rows_read_by(work) <= 3 * retention.BATCH
