"""How many run at once, in a workspace and of a workflow; those over the limit wait, in order, and are seen to."""

import pytest

from executions import services
from executions.engine import dispatch, journal, limits
from executions.models import HELD_SINCE, Execution
from executions.representation import execution_json
from tests.executions.claims import heard
from tests.executions.programs.children import eventually
from tests.factories import WorkflowFactory, WorkspaceFactory, definition
from workflows.documents import Json
from workflows.models import Workflow
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db(transaction=True)

ECHO: Json = {"type": "test_echo"}
WORK: Json = {"type": "test_work", "config": {"number": 20}}


def limited(limit: int | None = None, workspace: Workspace | None = None, *actions: Json) -> Workflow:
    steps = definition(*(actions or (ECHO, ECHO)))
    workflow = WorkflowFactory.create(workspace=workspace or WorkspaceFactory.create(), definition=steps)
    workflow.max_running = limit
    workflow.save(update_fields=["max_running"])
    return workflow


def started(workflow: Workflow, count: int) -> list[Execution]:
    return [services.start(workflow=workflow) for _ in range(count)]


def held(*executions: Execution) -> list[bool]:
    for execution in executions:
        execution.refresh_from_db()
    return [execution.waiting_for == "limit" for execution in executions]


def test_over_a_workflows_limit_they_wait_in_their_order_and_are_seen_to() -> None:
    workflow = limited(2)
    executions = started(workflow, 5)

    assert [each.waiting_for for each in executions] == [None, None, *["limit"] * 3], "as the starter is told"
    assert held(*executions) == [False, False, True, True, True]
    waiting = executions[3]
    assert execution_json(waiting)["waitingFor"] == {"type": "limit", "until": None}
    assert (waiting.status, waiting.wake_at and waiting.wake_at > HELD_SINCE) == ("PENDING", True)
    assert journal.claim(waiting.pk) is None
    assert sorted(claim.execution_id for claim in journal.claim_due(5)) == [each.pk for each in executions[:2]]
    assert limits.admit(workflow.workspace_id) == []


def test_the_end_of_one_makes_room_for_the_next() -> None:
    executions = started(limited(1), 4)
    services.run(execution=executions[0])
    assert held(*executions) == [False, False, True, True]

    with heard() as news:
        services.cancel(execution=executions[1])
    assert held(*executions) == [False, False, False, True]
    assert [each.execution_id for each in news if each.is_due] == [executions[2].pk]

    services.cancel(execution=executions[3])
    services.run(execution=executions[2])
    assert [each.status for each in Execution.objects.order_by("id")] == [
        "COMPLETED", "CANCELLED", "COMPLETED", "CANCELLED",
    ]  # fmt: skip


def test_one_that_waits_for_a_timer_keeps_its_place() -> None:
    executions = started(limited(1, None, {"type": "wait", "config": {"seconds": 60}}), 2)
    with dispatch.executor(threads=1):
        eventually(Execution.objects.filter(pk=executions[0].pk, waiting_for="timer").exists)

    assert held(*executions) == [False, True]


def test_a_workspaces_limit_counts_all_its_workflows_and_the_full_one_holds_up_no_other() -> None:
    workspace = WorkspaceFactory.create(max_running=3)
    narrow, wide = limited(1, workspace), limited(None, workspace)
    narrows, wides = started(narrow, 4), started(wide, 4)

    assert held(*narrows) == [False, True, True, True]
    assert held(*wides) == [False, False, True, True]

    services.run(execution=wides[0])
    assert held(*narrows, *wides) == [False, True, True, True, False, False, False, True]
    services.run(execution=narrows[0])
    assert held(*narrows, *wides) == [False, False, True, True, False, False, False, True]


def test_a_limit_of_one_workspace_is_none_of_another() -> None:
    started(limited(1), 3)

    assert held(*started(limited(2), 2)) == [False, False]


def test_a_raised_or_lifted_limit_is_seen_by_the_next_sweep() -> None:
    workflow = limited(1)
    executions = started(workflow, 5)
    for limit, expected in ((3, [False, False, False, True, True]), (None, [False] * 5)):
        Workflow.objects.filter(pk=workflow.pk).update(max_running=limit)
        limits.sweep()
        assert held(*executions) == expected


def test_a_lowered_limit_takes_nothing_back() -> None:
    workflow = limited(3)
    executions = started(workflow, 5)
    Workflow.objects.filter(pk=workflow.pk).update(max_running=1)

    services.run(execution=executions[0])
    services.run(execution=executions[1])
    assert held(*executions) == [False, False, False, True, True]
    services.run(execution=executions[2])
    assert held(*executions) == [False, False, False, False, True]


def test_never_more_than_the_limit_run_and_all_end() -> None:
    executions = started(limited(2, None, WORK, WORK), 12)
    most = 0
    with dispatch.executor(threads=6):

        def have_ended() -> bool:
            nonlocal most
            most = max(most, Execution.objects.filter(status="RUNNING").count())
            return not Execution.objects.unfinished().exists()

        eventually(have_ended)
    assert most == 2
    begun = list(Execution.objects.order_by("started_at", "id").values_list("pk", flat=True))
    assert begun == [each.pk for each in executions], "in their order"


def test_a_process_that_runs_one_itself_waits_for_its_place() -> None:
    """As `run_workflow` does, beside no executor."""
    workflow = limited(1)
    first, second = started(workflow, 2)
    claim = journal.claim(first.pk)
    assert claim
    journal.release(claim)
    services.cancel(execution=first)

    assert services.run(execution=second).status == "COMPLETED"
