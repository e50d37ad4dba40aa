"""The tuned SQL says what the plain ORM says: random lives of an execution, written by both, are equal in every column.

The clock is held, so that times are equal too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from executions.engine import journal
from executions.engine.journal import Change, Claim, Fenced
from executions.engine.plan import Finish, Sleep, StepRecord
from executions.models import Execution
from executions.states import ExecutionStatus, StepStatus, WaitingFor
from tests.executions.orm_journal import HeldClock, OrmJournal, held_clock, rows_of
from tests.factories import WorkflowFactory
from workflows.documents import Json
from workflows.models import Workflow

pytestmark = pytest.mark.django_db(transaction=True)

DOCUMENTS: tuple[Any, ...] = (None, {}, [], 0, False, "", {"b": [1, 2.5, None], "a": "naïve ' \" %s \\ ☃"})
LOGS: tuple[tuple[Json, ...], ...] = (({"message": "so", "afterMs": 1},), ())
FAILURE: Json = {"code": "ON_PURPOSE", "message": "so"}
STEPS_AT_MOST = 60
SCATTERED = 2_654_435_761
"""Times this, small numbers, which are drawn often, spread over all that may be."""


class Dice:
    def __init__(self, number: int) -> None:
        self.number = number

    def pick[T](self, options: Sequence[T]) -> T:
        self.number, index = divmod(self.number, len(options))
        return options[index]


class Twins:
    """Two executions that live the same life: the journal writes one of them, the ORM the other."""

    def __init__(self, workflows: tuple[Workflow, Workflow], held: HeldClock, *, is_simulation: bool) -> None:
        self.held = held
        self.records: dict[str, StepRecord] = {}
        self.ids = [_started(workflow, is_simulation=is_simulation) for workflow in workflows]
        self.claim()

    def claim(self) -> None:
        mine, other = (journal.claim(execution_id) for execution_id in self.ids)
        assert mine
        assert other
        self.mine: Claim = mine
        self.other = OrmJournal(other.execution_id, other.epoch, self.held.now)

    def commit(self, *changes: Change, sleep: Sleep | None = None, finish: Finish | None = None) -> None:
        self.records |= {change.record.path: change.record for change in changes}
        journal.commit(self.mine, changes, sleep=sleep, finish=finish)
        self.other.commit(changes, now=self.held.now, sleep=sleep, finish=finish)
        mine, other = (rows_of(execution_id) for execution_id in self.ids)
        assert mine == other

    def live(self, dice: Dice) -> None:
        """One thing that may happen now."""
        self.held.advance(dice.pick((0, 1.001, 4, 11)))
        latest = self.records[max(self.records, key=int)] if self.records else None
        if latest is None or latest.status is not StepStatus.RUNNING:
            dice.pick((self.begin, self.begin, self.skip, self.fail_at_once, self.idle))(dice)
        elif latest.wait_until:
            self.resume(dice)
        else:
            happenings = (self.end, self.end_and_begin, self.park, self.park, self.die, self.lose, self.idle)
            dice.pick(happenings)(dice)

    # What may happen

    def begin(self, dice: Dice) -> None:
        self.commit(self.fresh(dice, "running"))

    def skip(self, dice: Dice) -> None:
        self.commit(self.fresh(dice, "skipped"), self.fresh(dice, "running", after=1))

    def fail_at_once(self, dice: Dice) -> None:
        self.commit(self.fresh(dice, "failed"))

    def idle(self, dice: Dice) -> None:
        self.commit()

    def end(self, dice: Dice) -> None:
        self.commit(self.ended_step(dice))

    def end_and_begin(self, dice: Dice) -> None:
        self.commit(self.ended_step(dice), self.fresh(dice, "running"))

    def park(self, dice: Dice) -> None:
        """Sleeps for a timer or a retry, and is claimed again when that is over."""
        until, reason = self.held.now + timedelta(seconds=dice.pick((1, 40))), dice.pick(tuple(WaitingFor))
        self.commit(self.parked(dice, until, reason), sleep=Sleep(until, reason))
        self.held.advance((until - self.held.now).total_seconds())
        self.claim()

    def resume(self, dice: Dice) -> None:
        record = self.open_step()
        if record.waiting_for is WaitingFor.TIMER:
            self.commit(Change(replace(record, status=StepStatus.SUCCESS, wait_until=None)))
        else:
            again = replace(record, attempt=record.attempt + 1, error=None, wait_until=None)
            self.commit(Change(again, new_attempt=True))

    def die(self, dice: Dice) -> None:
        """Its process ends; another makes the attempt again."""
        self.held.advance(django_settings.LEASE_SECONDS + 11)
        self.claim()
        record = self.open_step()
        self.commit(Change(replace(record, failures=(*record.failures, {"code": "INTERRUPTED"})), new_attempt=True))

    def lose(self, dice: Dice) -> None:
        """Somebody else claims both; then neither lands anything."""
        before = [rows_of(execution_id) for execution_id in self.ids]
        with pytest.raises(Fenced):
            journal.commit(replace(self.mine, epoch=self.mine.epoch - 1), [self.ended_step(dice)])
        with pytest.raises(Fenced):
            replace(self.other, epoch=self.other.epoch - 1).commit([self.ended_step(dice)], now=self.held.now)
        assert [rows_of(execution_id) for execution_id in self.ids] == before

    def finish(self, dice: Dice) -> None:
        ends = (ExecutionStatus.COMPLETED, ExecutionStatus.FAILED, ExecutionStatus.TIMEOUT)
        finish = Finish(dice.pick(ends), dice.pick(DOCUMENTS), dice.pick((StepStatus.CANCELLED, StepStatus.FAILED)))
        still_open = [record for record in self.records.values() if record.status is StepStatus.RUNNING]
        closed = [Change(replace(each, status=finish.open_step, wait_until=None)) for each in still_open]
        self.commit(*closed, finish=finish)

    # Steps

    def open_step(self) -> StepRecord:
        return self.records[max(self.records, key=int)]

    def fresh(self, dice: Dice, status: str, *, after: int = 0) -> Change:
        path = str(len(self.records) + after)
        record = StepRecord(
            path, f"action-{path}", "noop", dice.pick(("", "A name")), StepStatus(status), input=dice.pick(DOCUMENTS),
            output=None if status == "running" else dice.pick(DOCUMENTS), flow=dice.pick(("continue", "skip_next")),
        )  # fmt: skip
        return Change(record, is_new=True, new_attempt=status == "running")

    def log(self, dice: Dice) -> tuple[Json, ...]:
        """What its attempts have logged so far."""
        return (*self.open_step().log, *dice.pick(LOGS))

    def ended_step(self, dice: Dice) -> Change:
        status = dice.pick((StepStatus.SUCCESS, StepStatus.FAILED))
        record = replace(self.open_step(), status=status, flow=dice.pick(("continue", "stop")), log=self.log(dice))
        return Change(replace(record, output=dice.pick(DOCUMENTS), error=dice.pick(DOCUMENTS)))

    def parked(self, dice: Dice, until: datetime, reason: WaitingFor) -> Change:
        record = replace(self.open_step(), log=self.log(dice))
        if reason is WaitingFor.TIMER:
            return Change(replace(record, wait_until=until, output=dice.pick(DOCUMENTS)))
        return Change(replace(record, wait_until=until, error=FAILURE, failures=(*record.failures, FAILURE)))


def _started(workflow: Workflow, *, is_simulation: bool) -> Any:
    execution = Execution(
        workspace_id=workflow.workspace_id, workflow=workflow, version_id=workflow.version_id, trigger_data=["order"],
        is_simulation=is_simulation, total_steps=STEPS_AT_MOST,
    )  # fmt: skip
    assert journal.start(execution)
    return execution.pk


@pytest.fixture
def held() -> Iterator[HeldClock]:
    with held_clock() as held:
        yield held


@settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(happenings=st.lists(st.integers(0, 2**32 - 1), min_size=3, max_size=16), is_simulation=st.booleans())
def lives(workflows: tuple[Workflow, Workflow], held: HeldClock, happenings: list[int], *, is_simulation: bool) -> None:
    twins = Twins(workflows, held, is_simulation=is_simulation)
    *before, last = (Dice(number * SCATTERED % 2**32) for number in happenings)
    for dice in before:
        twins.live(dice)
    twins.finish(last)


def test_the_sql_and_the_orm_write_the_same_rows(held: HeldClock) -> None:
    workflow = WorkflowFactory.create()
    lives((workflow, WorkflowFactory.create(workspace=workflow.workspace)), held)
