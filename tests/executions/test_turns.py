"""While more is due than can be taken, the workspaces take turns, and their executions keep their order."""

from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from executions import services
from executions.engine import dispatch, due, journal
from executions.engine.picking import NOBODY
from executions.models import Execution
from tests.executions import handlers
from tests.executions.programs.children import eventually
from tests.factories import WorkflowFactory, definition
from workflows.documents import Json
from workflows.models import Workflow

pytestmark = pytest.mark.django_db(transaction=True)

WORK: Json = {"type": "test_work", "config": {"number": 300}}


def workflows(count: int) -> list[Workflow]:
    """Each in a workspace of its own, in the order of their turns."""
    made = [WorkflowFactory.create(definition=definition({"type": "test_echo"})) for _ in range(count)]
    return sorted(made, key=lambda workflow: workflow.workspace_id)


def queued(workflow: Workflow, count: int) -> list[UUID]:
    return [services.start(workflow=workflow).pk for _ in range(count)]


def by_turns(limit: int, after: UUID = NOBODY) -> list[UUID]:
    return sorted(claim.execution_id for claim in journal.claim_by_turns(limit, after=after))


def test_each_workspace_gives_its_oldest_in_turn() -> None:
    one, two, three = workflows(3)
    ones, twos, threes = queued(one, 3), queued(two, 1), queued(three, 2)

    assert by_turns(2) == sorted([ones[0], twos[0]])
    assert by_turns(2, after=two.workspace_id) == sorted([threes[0], ones[1]])
    assert by_turns(2, after=one.workspace_id) == sorted([threes[1], ones[2]]), "who has nothing due is passed over"
    assert by_turns(2, after=one.workspace_id) == []


def test_a_turn_gives_one_of_each_workspace_at_most() -> None:
    one, two = workflows(2)
    ones, twos = queued(one, 3), queued(two, 3)

    for number in range(3):
        assert by_turns(5, after=one.workspace_id) == sorted([ones[number], twos[number]])


def test_who_has_something_due_is_asked_with_debug_on_as_well() -> None:
    """Django writes each statement down then, and trips over what it takes for parameters."""
    one, two = workflows(2)
    queued(one, 1)

    with CaptureQueriesContext(connection) as asked:
        found = [due.elsewhere(workflow.workspace_id) for workflow in (one, two)]

    assert found == [False, True]
    assert len(asked) == len(found)


def test_what_sleeps_or_has_ended_has_no_turn() -> None:
    (one,) = workflows(1)
    done, asleep, due = queued(one, 3)
    services.cancel(execution=Execution.objects.get(pk=done))
    assert journal.claim(asleep), "whose lease is its sleep"

    assert by_turns(5) == [due]


@pytest.mark.parametrize("mine", [0, 1, 2])
def test_whether_another_workspace_has_something_due(mine: int) -> None:
    places = workflows(3)
    queued(places[mine], 2)
    assert not due.elsewhere(places[mine].workspace_id)

    (other,) = queued(places[(mine + 1) % 3], 1)
    assert due.elsewhere(places[mine].workspace_id)
    assert journal.claim(other)
    assert not due.elsewhere(places[mine].workspace_id)


def test_a_queue_of_one_workspace_does_not_hold_up_another() -> None:
    """One thread, and hundreds that were there before: the other's first is among the next ones that run."""
    work = definition({"type": "test_work", "config": {"number": 5}})
    crowd, other = (WorkflowFactory.create(definition=work) for _ in range(2))
    queued(crowd, 300)
    with dispatch.executor(threads=1):
        eventually(lambda: len(handlers.seen) > 5)
        mine = services.start(workflow=other)
        eventually(lambda: services.wait(execution=mine, seconds=0).has_ended)
        mine.refresh_from_db()
        before = Execution.objects.filter(workflow=crowd, created_at__lt=mine.created_at)
        assert before.exclude(started_at__lt=mine.started_at).count() > 100


def test_a_long_execution_hands_over_between_steps_and_comes_first_among_its_own() -> None:
    """A turn is a second; what was begun goes on before its workspace's later ones."""
    crowd, other = workflows(2)
    long = WorkflowFactory.create(
        workspace=crowd.workspace,
        definition=definition(*[WORK] * 8),
    )
    first = services.start(workflow=long)
    later = queued(crowd, 20)
    with dispatch.executor(threads=1):
        eventually(lambda: Execution.objects.filter(pk=first.pk, status="RUNNING").exists())
        mine = services.start(workflow=other)
        eventually(lambda: services.wait(execution=mine, seconds=0).has_ended)
        first.refresh_from_db()
        assert not first.has_ended
        eventually(lambda: services.wait(execution=first, seconds=0).has_ended)
    assert first.status == "COMPLETED"
    assert first.epoch > 1
    assert Execution.objects.filter(pk__in=later, started_at__lt=first.completed_at).count() <= 2
