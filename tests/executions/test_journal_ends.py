"""What the journal writes from outside a commit: heartbeats, releases, cancels, and giving up."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from executions.engine import due, journal, statements
from executions.engine.journal import Change, Claim, Fenced
from executions.engine.plan import Sleep
from executions.models import Execution, Step
from executions.states import TransitionNotAllowed, WaitingFor
from tests.executions.claims import BEGUN, COMPLETED, ENDED, ERROR, NEXT, RUNNING, claimed, started, stored
from tests.executions.orm_journal import HeldClock, held_clock, rows_of
from workspaces.fields import uuid7

pytestmark = pytest.mark.django_db(transaction=True)

LEASE = timedelta(seconds=30)


@pytest.fixture
def held() -> Iterator[HeldClock]:
    with held_clock() as held:
        yield held


def ended() -> Claim:
    claim = claimed(BEGUN)
    journal.commit(claim, [ENDED], finish=COMPLETED)
    return claim


def steps(claim: Claim) -> list[tuple[str, int]]:
    return list(Step.objects.filter(execution=claim.execution_id).order_by("path").values_list("status", "position"))


def test_who_has_ended_an_execution_can_not_write_to_it_again() -> None:
    claim = ended()
    before = rows_of(claim.execution_id)

    with pytest.raises(Fenced):
        journal.commit(claim, [NEXT])
    with pytest.raises(Fenced):
        journal.commit(claim, finish=COMPLETED)

    assert rows_of(claim.execution_id) == before


# Heartbeat


def test_a_heartbeat_writes_nothing_while_the_lease_is_young(held: HeldClock) -> None:
    claim = claimed(BEGUN)
    before = rows_of(claim.execution_id)
    held.advance(10)
    journal.heartbeat(claim)

    assert rows_of(claim.execution_id) == before


def test_a_heartbeat_renews_an_old_lease_and_changes_nothing_else(held: HeldClock) -> None:
    claim = claimed(BEGUN)
    before = rows_of(claim.execution_id)
    held.advance(11)
    journal.heartbeat(claim)

    before["execution"]["wake_at"] = held.now + LEASE
    assert rows_of(claim.execution_id) == before


@pytest.mark.parametrize("age", [0, 11])
def test_a_heartbeat_says_when_the_claim_is_lost(held: HeldClock, age: int) -> None:
    claim = claimed(BEGUN)
    journal.cancel(claim.execution_id, error=None)
    held.advance(age)

    with pytest.raises(Fenced):
        journal.heartbeat(claim)


# Release


def test_a_release_makes_it_due_at_once_and_the_claim_does_not_count(held: HeldClock) -> None:
    claim = claimed(BEGUN)
    held.advance(3)
    journal.release(claim)

    row = stored(claim)
    assert (row.status, row.wake_at, row.epoch, row.claims) == ("RUNNING", row.created_at, 2, 0)
    assert journal.claim(claim.execution_id)


def test_a_release_after_progress_takes_no_claim_back(held: HeldClock) -> None:
    claim = claimed(BEGUN, ENDED)
    journal.release(claim)

    assert stored(claim).claims == 0


def test_a_release_of_what_is_lost_or_has_ended_changes_nothing(held: HeldClock) -> None:
    lost, done = claimed(BEGUN), ended()
    held.advance(31)
    assert journal.claim(lost.execution_id)
    before = [rows_of(claim.execution_id) for claim in (lost, done)]

    journal.release(lost)
    journal.release(done)

    assert [rows_of(claim.execution_id) for claim in (lost, done)] == before


# Cancel


def test_a_cancel_ends_it_with_its_open_step(held: HeldClock) -> None:
    claim = claimed(BEGUN, ENDED, NEXT)
    held.advance(5)
    journal.cancel(claim.execution_id, error=ERROR)

    row = stored(claim)
    assert (row.status, row.error, row.wake_at, row.waiting_for) == ("CANCELLED", ERROR, None, None)
    assert (row.completed_at, row.epoch, row.position) == (held.now, 2, 5)
    assert (row.successful_steps, row.failed_steps) == (1, 0)
    assert steps(claim) == [("success", 2), ("cancelled", 4)]
    step = Step.objects.get(path="1")
    assert (step.error, step.completed_at) == (ERROR, held.now)


def test_a_cancel_in_a_backoff_keeps_the_error_that_it_waited_after(held: HeldClock) -> None:
    claim = claimed(BEGUN)
    until = held.now + timedelta(hours=1)
    parked = replace(RUNNING, wait_until=until, error={"code": "BEFORE"})
    journal.commit(claim, [Change(parked)], sleep=Sleep(until, WaitingFor.RETRY))
    journal.cancel(claim.execution_id, error=ERROR)

    step = Step.objects.get()
    assert (step.status, step.error, step.wait_until) == ("cancelled", {"code": "BEFORE"}, None)
    assert stored(claim).waiting_for is None


def test_a_cancel_before_the_first_claim_ends_it_too(held: HeldClock) -> None:
    execution = started()
    journal.cancel(execution.pk, error=ERROR)

    execution.refresh_from_db()
    assert (execution.status, execution.position, execution.started_at) == ("CANCELLED", 1, None)
    assert journal.claim(execution.pk) is None


def test_what_has_ended_is_not_cancelled(held: HeldClock) -> None:
    claim = ended()
    before = rows_of(claim.execution_id)

    with pytest.raises(TransitionNotAllowed, match="that is COMPLETED can't become CANCELLED"):
        journal.cancel(claim.execution_id, error=ERROR)
    with pytest.raises(Execution.DoesNotExist):
        journal.cancel(uuid7(), error=ERROR)

    assert rows_of(claim.execution_id) == before


# Giving up


def test_giving_up_fails_it_with_its_open_step(held: HeldClock) -> None:
    claim = claimed(BEGUN, ENDED, NEXT)
    held.advance(5)
    journal.give_up(claim, error=ERROR)

    row = stored(claim)
    assert (row.status, row.error, row.wake_at, row.completed_at) == ("FAILED", ERROR, None, held.now)
    assert (row.epoch, row.position, row.successful_steps, row.failed_steps) == (2, 5, 1, 1)
    assert steps(claim) == [("success", 2), ("failed", 4)]


def test_nobody_gives_up_what_is_lost_or_has_ended(held: HeldClock) -> None:
    """Its end may have landed though the answer was lost on the way: the runner doesn't know, the row does."""
    lost, done = claimed(BEGUN), ended()
    held.advance(31)
    assert journal.claim(lost.execution_id)
    before = [rows_of(claim.execution_id) for claim in (lost, done)]

    for claim in (lost, done):
        with pytest.raises(Fenced):
            journal.give_up(claim, error=ERROR)

    assert [rows_of(claim.execution_id) for claim in (lost, done)] == before


# Whose clock


class AnHourAhead(datetime):
    @classmethod
    def now(cls, tz: object = None) -> "AnHourAhead":
        return super().now(tz) + timedelta(hours=1)  # type: ignore[arg-type]


def test_a_process_whose_clock_is_off_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    real = timezone.now()
    monkeypatch.setattr(timezone, "datetime", AnHourAhead)
    monkeypatch.setattr("time.time", lambda: timezone.now().timestamp())
    assert timezone.now() - real > timedelta(minutes=59), "the process is an hour ahead"

    claim = claimed(BEGUN, ENDED)
    row, step = stored(claim), Step.objects.get()
    journal.commit(claim, sleep=Sleep(claim.clock() + timedelta(minutes=10), WaitingFor.TIMER))

    soon = timedelta(seconds=20)
    times = (row.created_at, row.started_at, step.started_at, step.completed_at, claim.clock())
    assert all(at and abs(at - real) < soon for at in times), times
    assert row.wake_at
    assert abs(row.wake_at - LEASE - real) < soon
    assert journal.claim(claim.execution_id) is None, "ten minutes aren't over"
    assert 9 * 60 < (due.seconds_until() or 0) <= 10 * 60
    journal.cancel(claim.execution_id, error=None)
    assert abs((stored(claim).completed_at or real + LEASE) - real) < soon


def test_the_twin_a_database_whose_clock_is_off_changes_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = {"postgresql": "(statement_timestamp() + interval '1 hour')"}
    ahead["sqlite"] = "STRFTIME('%Y-%m-%d %H:%M:%f', 'now', '+1 hour')"
    claim = claimed(BEGUN)
    monkeypatch.setitem(statements.NOW, connection.vendor, ahead[connection.vendor])

    assert journal.claim(claim.execution_id), "its lease is over"
