"""The counters of a workflow say what its executions' rows say, after whatever mixture of starts and ends."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from uuid import UUID

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from executions.engine import journal
from executions.engine.journal import Claim, Fenced
from executions.engine.plan import Finish
from executions.states import ExecutionStatus, TransitionNotAllowed
from tests.docs.pages import DOCS, rows, section
from tests.executions.claims import BEGUN, COMPLETED, ENDED, claimed, started, stored
from tests.executions.counters import COUNTERS, counted, kept
from tests.executions.orm_journal import HeldClock, held_clock
from tests.factories import WorkflowFactory
from workflows.models import Workflow

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = (0, 0.001, 0.999, 12, 3_600.5)


@pytest.fixture
def held() -> Iterator[HeldClock]:
    with held_clock() as held:
        yield held


class Mixture:
    """Executions of one workflow; each happening befalls one of them, if there is one that it can befall."""

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow
        self.pending: list[UUID] = []
        self.running: list[Claim] = []
        self.over: list[Claim] = []

    def start(self, which: int) -> None:
        self.pending.append(started(workflow=self.workflow).pk)

    def start_dry(self, which: int) -> None:
        self.pending.append(started(workflow=self.workflow, is_simulation=True).pk)

    def claim(self, which: int) -> None:
        if self.pending:
            claim = journal.claim(_take(self.pending, which))
            assert claim
            self.running.append(claim)

    def complete(self, which: int) -> None:
        self._finish(which, ExecutionStatus.COMPLETED)

    def fail(self, which: int) -> None:
        self._finish(which, ExecutionStatus.FAILED)

    def time_out(self, which: int) -> None:
        self._finish(which, ExecutionStatus.TIMEOUT)

    def _finish(self, which: int, status: ExecutionStatus) -> None:
        if self.running:
            claim = _take(self.running, which)
            journal.commit(claim, [BEGUN], finish=Finish(status))
            self.over.append(claim)

    def cancel_before_it_runs(self, which: int) -> None:
        if self.pending:
            journal.cancel(_take(self.pending, which), error=None)

    def cancel(self, which: int) -> None:
        if self.running:
            claim = _take(self.running, which)
            journal.cancel(claim.execution_id, error=None)
            self.over.append(claim)

    def give_up(self, which: int) -> None:
        if self.running:
            claim = _take(self.running, which)
            journal.give_up(claim, error=None)
            self.over.append(claim)

    def come_late(self, which: int) -> None:
        """Whatever would end it once more."""
        if self.over:
            claim = self.over[which % len(self.over)]
            with pytest.raises(Fenced):
                journal.give_up(claim, error=None)
            with pytest.raises(TransitionNotAllowed):
                journal.cancel(claim.execution_id, error=None)
            with pytest.raises(Fenced):
                journal.commit(_of_an_earlier_epoch(claim), finish=COMPLETED)

    def roll_back(self, which: int) -> None:
        """All of it inside a transaction of the caller's, which doesn't commit."""
        before = (list(self.pending), list(self.running), list(self.over))
        with transaction.atomic():
            for happening in (self.start, self.fail, self.cancel, self.give_up, self.cancel_before_it_runs):
                happening(which)
            transaction.set_rollback(True)
        self.pending, self.running, self.over = before


HAPPENINGS: Sequence[Callable[[Mixture, int], None]] = (
    Mixture.start, Mixture.start, Mixture.start, Mixture.start_dry, Mixture.claim, Mixture.claim, Mixture.claim,
    Mixture.complete, Mixture.fail, Mixture.time_out, Mixture.cancel, Mixture.cancel_before_it_runs, Mixture.give_up,
    Mixture.come_late, Mixture.roll_back,
)  # fmt: skip


def _take[T](things: list[T], which: int) -> T:
    return things.pop(which % len(things))


def _of_an_earlier_epoch(claim: Claim) -> Claim:
    """A commit that ended it left its epoch alone: who claimed it before that has another one."""
    return replace(claim, epoch=claim.epoch - 1)


@settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    happenings=st.lists(
        st.tuples(st.sampled_from(HAPPENINGS), st.integers(0, 11), st.sampled_from(SECONDS)), min_size=20, max_size=40
    )
)
def mixtures(
    workflow: Workflow, held: HeldClock, happenings: list[tuple[Callable[[Mixture, int], None], int, float]]
) -> None:
    mixture = Mixture(workflow)
    for happening, which, seconds in happenings:
        held.advance(seconds)
        happening(mixture, which)
    assert kept(workflow) == counted(workflow)


def test_after_any_mixture_they_say_what_the_rows_say(held: HeldClock) -> None:
    workflow, other = WorkflowFactory.create(), WorkflowFactory.create()

    mixtures(workflow, held)

    assert all(kept(workflow).values()), "each of them was counted in at least once"
    assert not any(kept(other).values())


# What one end is counted in


def changes(workflow: Workflow) -> dict[str, int]:
    """Since there was nothing; without the start."""
    return {name: count for name, count in kept(workflow).items() if count and name != "execution_count"}


@pytest.mark.parametrize(
    ("status", "counters"),
    [
        ("COMPLETED", {"success_count": 1, "total_duration_ms": 1_500}),
        ("FAILED", {"failure_count": 1, "total_duration_ms": 1_500}),
        ("TIMEOUT", {"failure_count": 1, "timeout_count": 1, "total_duration_ms": 1_500}),
    ],
)
def test_an_end_is_counted_with_how_long_it_took(held: HeldClock, status: str, counters: dict[str, int]) -> None:
    claim = claimed()
    held.advance(1.5)
    journal.commit(claim, finish=Finish(ExecutionStatus(status)))

    assert changes(stored(claim).workflow) == counters


def test_giving_up_is_a_failure_that_took_as_long_as_it_took(held: HeldClock) -> None:
    claim = claimed()
    held.advance(1.5)
    journal.give_up(claim, error=None)

    assert changes(stored(claim).workflow) == {"failure_count": 1, "total_duration_ms": 1_500}


def test_the_time_before_the_first_claim_is_none_of_it(held: HeldClock) -> None:
    execution = started()
    held.advance(60)
    claim = journal.claim(execution.pk)
    assert claim
    held.advance(31)
    again = journal.claim(execution.pk)
    assert again
    held.advance(1)
    journal.commit(again, finish=COMPLETED)

    assert changes(execution.workflow)["total_duration_ms"] == 32_000


@pytest.mark.parametrize("runs", [False, True])
def test_a_cancel_is_counted_without_its_time(held: HeldClock, *, runs: bool) -> None:
    execution = started()
    assert not runs or journal.claim(execution.pk)
    held.advance(1.5)
    journal.cancel(execution.pk, error=None)

    assert changes(execution.workflow) == {"cancelled_count": 1}


@pytest.mark.parametrize("end", ["finish", "cancel", "give up"])
def test_of_a_dry_run_only_the_start_is_counted(held: HeldClock, end: str) -> None:
    claim = claimed(is_simulation=True)
    held.advance(1.5)
    match end:
        case "finish":
            journal.commit(claim, finish=Finish(ExecutionStatus.TIMEOUT))
        case "cancel":
            journal.cancel(claim.execution_id, error=None)
        case "give up":
            journal.give_up(claim, error=None)

    assert stored(claim).has_ended
    assert {name: count for name, count in kept(stored(claim).workflow).items() if count} == {"simulation_count": 1}


def test_the_page_on_the_architecture_names_each_and_what_it_counts() -> None:
    table = rows(section(DOCS / "architecture.md", "## The journal"), "counter", "grows when")

    assert {row["counter"].strip("`") for row in table} == set(COUNTERS)


# How long


on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's clock ticks in milliseconds")
PRECISE = [0.0004, 0.0005, 0.0015, 0.0025, 1.0005, 1.0015, 2.6785, 86_399.999_5]


@pytest.mark.parametrize(
    "seconds",
    [0, 0.001, 0.002, 59.999, 90_061.001, 4e7, *(pytest.param(seconds, marks=on_postgresql) for seconds in PRECISE)],
)
@pytest.mark.parametrize("end", ["finish", "give up"])
def test_a_duration_is_rounded_as_that_of_the_row(held: HeldClock, seconds: float, end: str) -> None:
    claim = claimed()
    held.advance(seconds)
    if end == "finish":
        journal.commit(claim, finish=COMPLETED)
    else:
        journal.give_up(claim, error=None)

    assert kept(stored(claim).workflow)["total_duration_ms"] == stored(claim).duration_ms


@pytest.mark.parametrize("inside", [False, True])
def test_by_the_databases_own_clock_it_is_that_of_the_row_too(*, inside: bool) -> None:
    """Also where the transaction has begun long before, as that of a transactional handler has."""
    workflow = WorkflowFactory.create()
    for _ in range(20):
        claim = claimed(workflow=workflow)
        with transaction.atomic() if inside else nullcontext():
            journal.commit(claim, [BEGUN])
            journal.commit(claim, [ENDED])
            journal.commit(claim, finish=COMPLETED)
    journal.give_up(claimed(workflow=workflow), error=None)

    assert kept(workflow) == counted(workflow)
    assert kept(workflow)["total_duration_ms"] > 0
