"""What the journal's verbs write when they start, claim and commit, and what they leave alone."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from executions.engine import due, journal
from executions.engine.journal import Change, Fenced
from executions.engine.plan import Finish, Sleep
from executions.models import Execution
from executions.states import ExecutionStatus, TransitionNotAllowed, WaitingFor
from tests.executions.claims import BEGUN, COMPLETED, ENDED, NEXT, RUNNING, claimed, new, started, stored
from tests.executions.counters import counted, kept
from tests.executions.orm_journal import HeldClock, held_clock, rows_of
from tests.factories import UserFactory, WorkflowFactory
from workflows.models import Workflow
from workspaces.fields import uuid7

pytestmark = pytest.mark.django_db(transaction=True)

LEASE = timedelta(seconds=30)


@pytest.fixture
def held() -> Iterator[HeldClock]:
    with held_clock() as held:
        yield held


# Start


def test_start_writes_a_pending_execution_that_is_due_at_once(held: HeldClock) -> None:
    user = UserFactory.create()
    execution = started(
        trigger_type="webhook", triggered_by=user, trigger_data={"b": [1, None], "a": "☃"}, variables={"x": 0},
        timeout_ms=5_000, idempotency_key="a key", request_digest="its digest",
    )  # fmt: skip

    row = Execution.objects.values().get()
    assert row == {
        "id": execution.pk, "workspace_id": execution.workspace_id, "workflow_id": execution.workflow_id,
        "version_id": execution.version_id, "status": "PENDING", "trigger_type": "webhook",
        "triggered_by_id": user.pk, "trigger_data": {"b": [1, None], "a": "☃"}, "variables": {"x": 0}, "error": None,
        "is_simulation": False, "timeout_ms": 5_000, "idempotency_key": "a key", "request_digest": "its digest",
        "resumed_from": None, "first": None,
        "created_at": held.now, "started_at": None,
        "completed_at": None, "wake_at": held.now, "waiting_for": None, "epoch": 0, "claims": 0, "position": 0,
        "total_steps": 3, "successful_steps": 0, "failed_steps": 0, "skipped_steps": 0,
    }  # fmt: skip
    assert (execution.created_at, execution.wake_at) == (held.now, held.now)


@pytest.mark.parametrize(("is_simulation", "counter"), [(False, "execution_count"), (True, "simulation_count")])
def test_start_is_counted_once_a_dry_run_apart(held: HeldClock, *, is_simulation: bool, counter: str) -> None:
    workflow = WorkflowFactory.create()
    started(workflow=workflow, is_simulation=is_simulation)

    workflow.refresh_from_db()
    assert {name: count for name, count in kept(workflow).items() if count} == {counter: 1}
    assert workflow.last_executed_at == (None if is_simulation else held.now)


@pytest.mark.parametrize("inside", [False, True])
def test_start_lands_nothing_when_its_key_is_taken(held: HeldClock, *, inside: bool) -> None:
    """Nor does it spoil a caller's transaction."""
    first = started(idempotency_key="a key", is_simulation=True)
    held.advance(1)
    with transaction.atomic() if inside else nullcontext():
        with pytest.raises(IntegrityError):
            journal.start(new(first.workflow, idempotency_key="a key"))
        assert kept(first.workflow) == counted(first.workflow)

    started(workflow=first.workflow, idempotency_key="another")
    started(idempotency_key="a key")
    assert Execution.objects.count() == 3


@pytest.mark.parametrize(
    ("status", "real", "dry"),
    [("ACTIVE", True, True), ("DRAFT", False, True), ("INACTIVE", False, True), ("ARCHIVED", False, False)],
)
def test_start_asks_whether_the_workflow_may_run(status: str, *, real: bool, dry: bool) -> None:
    workflow = WorkflowFactory.create()
    Workflow.objects.filter(pk=workflow.pk).update(status=status)

    assert journal.start(new(workflow)) is real
    assert journal.start(new(workflow, is_simulation=True)) is dry
    assert Execution.objects.count() == real + dry
    assert Workflow.objects.get().execution_count == real


def test_start_refuses_a_version_that_is_not_the_workflows_any_more() -> None:
    assert not journal.start(new(version_id=WorkflowFactory.create().version_id))
    assert not Execution.objects.exists()


# Claim


def test_a_claim_takes_the_execution_for_the_time_of_a_lease(held: HeldClock) -> None:
    execution = started(trigger_data=[1], variables={"x": 0}, timeout_ms=60_000)
    created = held.now
    held.advance(2)
    claim = journal.claim(execution.pk)

    assert claim
    row = stored(claim)
    assert (row.status, row.epoch, row.claims) == ("RUNNING", 1, 1)
    assert (row.created_at, row.started_at, row.wake_at) == (created, held.now, held.now + LEASE)
    assert (claim.epoch, claim.claims, claim.position, claim.now) == (1, 1, 0, held.now)
    told = claim.assignment
    assert (told.execution_id, told.workspace_id, told.workflow_id) == (
        execution.pk, execution.workspace_id, execution.workflow_id,
    )  # fmt: skip
    assert (told.workflow_name, told.version_id) == (execution.workflow.name, execution.version_id)
    assert (told.trigger_data, told.variables, told.is_simulation) == ([1], {"x": 0}, False)
    assert told.deadline == held.now + timedelta(minutes=1)


def test_nobody_else_has_it_until_the_lease_ends(held: HeldClock) -> None:
    first = claimed(BEGUN)
    began = held.now
    held.advance(30 - 0.001)
    assert journal.claim(first.execution_id) is None
    assert journal.claim_due(5) == []

    held.advance(0.001)
    second = journal.claim(first.execution_id)

    assert second
    assert (second.epoch, second.claims, second.position) == (2, 2, 1)
    assert stored(second).started_at == began, "it started once"


def test_what_is_due_longest_is_claimed_first_and_no_more_than_asked_for(held: HeldClock) -> None:
    ids = []
    for _ in range(4):
        ids.append(started().pk)
        held.advance(1)

    assert [claim.execution_id for claim in journal.claim_due(3)] == ids[:3]
    assert [claim.execution_id for claim in journal.claim_due(3)] == ids[3:]
    assert journal.claim_due(3) == []


def test_what_has_ended_is_never_claimed(held: HeldClock) -> None:
    claim = claimed()
    journal.commit(claim, finish=COMPLETED)
    held.advance(1_000)

    assert journal.claim(claim.execution_id) is None
    assert journal.claim_due(5) == []
    assert due.seconds_until() is None


def test_it_says_how_long_until_something_is_due(held: HeldClock) -> None:
    assert due.seconds_until() is None
    claim = claimed()
    held.advance(10)

    assert due.seconds_until() == due.seconds_until(claim.execution_id) == 20
    assert due.seconds_until(uuid7()) is None
    held.advance(100)
    assert due.seconds_until() == 0


# Commit


LOST: dict[str, dict[str, Any]] = {
    "a step that begins": {"changes": [NEXT]},
    "one that ends and one that begins": {"changes": [ENDED, NEXT]},
    "a wait": {"changes": [Change(RUNNING)], "sleep": Sleep(datetime(2030, 1, 2, tzinfo=UTC), WaitingFor.TIMER)},
    "the end": {"changes": [ENDED], "finish": COMPLETED},
    "nothing": {},
}


@pytest.mark.parametrize("commit", LOST.values(), ids=LOST)
@pytest.mark.parametrize("loss", ["claimed by another", "cancelled", "released", "given up"])
def test_a_lost_claim_lands_nothing_at_all(held: HeldClock, loss: str, commit: dict[str, Any]) -> None:
    claim = claimed(BEGUN)
    held.advance(31)
    match loss:
        case "claimed by another":
            assert journal.claim(claim.execution_id)
        case "cancelled":
            journal.cancel(claim.execution_id, error=None)
        case "released":
            journal.release(claim)
        case "given up":
            journal.give_up(claim, error=None)
    before, known = rows_of(claim.execution_id), replace(claim)

    with pytest.raises(Fenced):
        journal.commit(claim, **commit)

    assert rows_of(claim.execution_id) == before
    assert claim == known, "and the holder's counters stay as they were"


def test_a_commit_with_a_part_that_fails_lands_nothing(held: HeldClock) -> None:
    claim = claimed(BEGUN)
    before, known = rows_of(claim.execution_id), replace(claim)

    with pytest.raises(IntegrityError):
        journal.commit(claim, [ENDED, BEGUN])

    assert rows_of(claim.execution_id) == before
    assert claim == known
    journal.commit(claim, [ENDED, NEXT])


def test_an_execution_ends_only_as_the_state_machine_allows() -> None:
    claim = claimed(BEGUN)
    before = rows_of(claim.execution_id)

    with pytest.raises(TransitionNotAllowed, match="that is RUNNING can't become PENDING"):
        journal.commit(claim, [ENDED], finish=Finish(ExecutionStatus.PENDING))

    assert rows_of(claim.execution_id) == before


def test_the_lease_is_renewed_only_when_a_third_of_it_is_over(held: HeldClock) -> None:
    claim = claimed(BEGUN)
    claimed_at = held.now
    held.advance(10)
    journal.commit(claim, [ENDED])
    assert stored(claim).wake_at == claimed_at + LEASE, "it is young: an index entry less to write"

    held.advance(1)
    journal.commit(claim, [NEXT])
    assert stored(claim).wake_at == held.now + LEASE

    held.advance(10)
    journal.commit(claim)
    assert stored(claim).wake_at == claimed_at + timedelta(seconds=11) + LEASE


@pytest.mark.parametrize("reason", list(WaitingFor))
def test_a_wait_is_kept_to_the_microsecond(held: HeldClock, reason: WaitingFor) -> None:
    claim = claimed(BEGUN)
    until = held.now + timedelta(days=400, microseconds=123_456)
    journal.commit(claim, [Change(replace(RUNNING, wait_until=until))], sleep=Sleep(until, reason))

    assert (stored(claim).wake_at, stored(claim).waiting_for) == (until, reason)
    held.advance(timedelta(days=401).total_seconds())
    assert journal.claim(claim.execution_id)
    assert stored(claim).waiting_for is None


def test_progress_forgets_the_claims_that_made_none(held: HeldClock) -> None:
    claim = claimed(BEGUN)
    held.advance(31)
    second = journal.claim(claim.execution_id)
    assert second

    journal.commit(second, [Change(RUNNING, new_attempt=True)])
    assert stored(claim).claims == 2, "an attempt that begins is no progress yet"

    journal.commit(second, [ENDED, NEXT])
    assert (stored(claim).claims, second.claims) == (0, 0)


def test_inside_a_callers_transaction_it_lands_if_and_only_if_that_does(held: HeldClock) -> None:
    claim = claimed(BEGUN)
    before = rows_of(claim.execution_id)

    with transaction.atomic():
        journal.commit(replace(claim), [ENDED, NEXT])
        assert rows_of(claim.execution_id) != before
        transaction.set_rollback(True)
    assert rows_of(claim.execution_id) == before

    with transaction.atomic():
        journal.commit(claim, [ENDED, NEXT])
    assert stored(claim).successful_steps == 1


def test_a_lost_claim_does_not_spoil_the_callers_transaction(held: HeldClock) -> None:
    claim = claimed(BEGUN)
    with transaction.atomic():
        with pytest.raises(Fenced):
            journal.commit(replace(claim, epoch=7), [ENDED])
        Execution.objects.filter(pk=claim.execution_id).update(trigger_type="after")

    assert stored(claim).trigger_type == "after"
    assert stored(claim).successful_steps == 0
