"""Carries one claimed execution on: plan, perform, commit, until it ends, sleeps, or belongs to somebody else."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from executions.engine import (
    deploys,
    faults,
    isolation,
    journal,
    metrics,
    observation,
    outages,
    performer,
    records,
    scope,
    simulation,
    tracing,
)
from executions.engine.attempts import UNUSABLE, ConnectionClosed, performed_in_savepoint, timed_out, undone, unusable
from executions.engine.journal import Change, Claim, Fenced
from executions.engine.outcomes import Failure, Outcome
from executions.engine.plan import (
    MAX_CLAIMS_WITHOUT_PROGRESS,
    Again,
    Begin,
    Finish,
    Resolve,
    Skip,
    Sleep,
    StepRecord,
    next_move,
)
from executions.engine.secrets import Secrets
from executions.engine.transactions import write_transaction
from executions.states import ExecutionStatus, StepStatus, WaitingFor
from workflows.actions import registry
from workflows.actions.context import ActionContext, Pause, Steer
from workflows.actions.registry import ActionType
from workflows.definition import Action
from workflows.documents import Json, encode
from workflows.services import definition_of

MAX_CHECK_SECONDS = 1.0

logger = logging.getLogger(__name__)

type Observer = Callable[[StepRecord], None]
_observers: dict[UUID, Observer] = {}


def observe(execution_id: UUID, observer: Observer) -> None:
    """Has every change of a step reported after its commit, while this process runs the execution, until it ends."""
    _observers[execution_id] = observer


def stop_observing(execution_id: UUID) -> None:
    _observers.pop(execution_id, None)


def run(claim: Claim, *, should_stop: Callable[[], bool] = lambda: False) -> None:
    """Carries the execution on as far as it goes; with `should_stop()` true it is handed back between two steps.

    It is handed back too when the database is lost. What else goes wrong here is raised, and tried again when the lease
    ends; but not for ever.
    """
    with observation.claimed(claim):
        _carry_on(claim, should_stop)


def _carry_on(claim: Claim, should_stop: Callable[[], bool]) -> None:
    try:
        _Run(claim, should_stop).carry_on()
    except Fenced:
        metrics.fenced(claim.execution_id)
        logger.info("execution %s is somebody else's now; epoch %s ends here", claim.execution_id, claim.epoch)
    except Exception as error:
        if outages.is_one(error):
            if not outages.hand_back(claim):
                raise
            logger.warning("execution %s was handed back: the database was lost (%s)", claim.execution_id, error)
            return
        if claim.claims > MAX_CLAIMS_WITHOUT_PROGRESS:
            message = f"The engine failed {claim.claims} times to carry this execution on: {type(error).__name__}."
            journal.give_up(claim, error={"code": "INTERNAL_ERROR", "message": message})
            metrics.ended(ExecutionStatus.FAILED, is_simulation=claim.assignment.is_simulation)
        raise


class _Run:
    """The state of one claim: what is recorded, and the changes that wait for the next commit."""

    def __init__(self, claim: Claim, should_stop: Callable[[], bool]) -> None:
        self.claim = claim
        self.should_stop = should_stop
        self.execution = claim.assignment
        self.definition = definition_of(self.execution.version_id)
        self.deadline = self.execution.deadline
        self.steps = records.recorded(claim)
        self.scope = scope.build(self.execution, self.definition, self.steps.values())
        self.secrets = Secrets(self.execution.workspace_id, self.definition)
        self.changes: dict[str, Change] = {}

    def carry_on(self) -> None:
        step = self._settle()
        while step is not None:
            step = self._perform(*step)
            faults.reach("step.between")

    def _settle(self) -> tuple[StepRecord, Action] | None:
        """Plans and commits up to the next attempt to perform; None when there is nothing more to do now."""
        while True:
            now = self.claim.clock()
            match next_move(self.definition, self.steps, now=now, deadline=self.deadline, claims=self.claim.claims):
                case Begin(action=action) | Again(action=action) if self._handed_back(action):
                    return None
                case Begin(path, action):
                    if record := self._begin(path, action):
                        self._commit()
                        return record, action
                case Again() as move:
                    faults.reach("recovery.before" if move.interrupted else "backoff.over")
                    record = self._note(records.next_attempt(move, self.claim.clock()), new_attempt=True)
                    self._commit()
                    self.secrets = Secrets(self.execution.workspace_id, self.definition)  # as they are by now
                    return record, move.action
                case Skip(path, action, reason):
                    self._note(records.fresh(path, action, StepStatus.SKIPPED, output={"reason": reason}), is_new=True)
                case Resolve(record):
                    faults.reach("wait.over")
                    self._note(replace(record, status=StepStatus.SUCCESS, wait_until=None))
                case Sleep() as sleep:
                    self._commit(sleep=sleep)
                    faults.reach("wait.asleep" if sleep.waiting_for is WaitingFor.TIMER else "backoff.asleep")
                    return None
                case Finish() as finish:
                    self._close_open_steps(finish)
                    faults.reach("finish.before")
                    self._commit(finish=finish)
                    faults.reach("finish.after")
                    return None

    def _begin(self, path: str, action: Action) -> StepRecord | None:
        """Notes the step as begun and gives it; or notes it as skipped or failed already, and gives None."""
        record = records.fresh(path, action, StepStatus.RUNNING)
        try:
            verdict = simulation.verdict(action, self.scope, assume=self.execution.is_simulation)
            if not verdict.met:
                reason: Json = {"reason": "its conditions aren't met", "conditions": verdict.compared}
                self._note(replace(record, status=StepStatus.SKIPPED, output=reason), is_new=True)
                return None
            config = self._rendered(action)
            encode(config)
        except UNUSABLE as error:
            failure = unusable(action, error)
            self._note(replace(record, status=StepStatus.FAILED, error=failure.as_json()), is_new=True)
            return None
        record = replace(record, input=config, attempt_started_at=self.claim.clock())
        return self._note(record, is_new=True, new_attempt=True)

    def _rendered(self, action: Action) -> Json:
        if registry.find(action.type).raw:
            return action.config
        return self.secrets.shown(action, self.scope, keep_unknown=self.execution.is_simulation)

    def _perform(self, record: StepRecord, action: Action) -> tuple[StepRecord, Action] | None:
        with self.secrets.hidden():
            return self._attempt(record, action)

    def _attempt(self, record: StepRecord, action: Action) -> tuple[StepRecord, Action] | None:
        """Makes one attempt, records how it went, and settles what comes then."""
        while not isolation.is_ready(action.type, _check_seconds()):
            outages.heartbeat(self.claim)
        context = self._context(record, action)
        faults.reach("effect.before")
        try:
            action_type = registry.find(action.type)
            given = self._given(record, action, action_type)
        except UNUSABLE as error:
            return self._recorded(record, action, unusable(action, error), context)
        if self.execution.is_simulation and not action_type.pure:
            outcome = simulation.shown(action_type, record.input, context)
        elif action_type.transactional:
            return self._perform_inside(action_type, given, record, action, context)
        else:
            outcome = observation.attempted(self._perform_apart, action_type, given, context)
        faults.reach("effect.after")
        return self._recorded(record, action, outcome, context)

    def _perform_apart(self, action_type: ActionType, record: StepRecord, context: ActionContext) -> Outcome:
        """On a thread of its own, with an eye on the time and on whether the execution is still ours."""
        call = performer.begin(action_type, record.input, context)
        try:
            while (outcome := call.wait(min(context.remaining(), _check_seconds()))) is None:
                if not context.remaining():
                    return timed_out(context)
                outages.heartbeat(self.claim)
            return outcome
        finally:
            performer.end(call)

    def _given(self, record: StepRecord, action: Action, action_type: ActionType) -> StepRecord:
        """The record as its handler gets it, with secrets where it has masks. Never recorded."""
        if action_type.raw or self.execution.is_simulation:
            return record
        config = self.secrets.given(action, self.scope, record.input)
        return record if config is record.input else replace(record, input=config)

    def _perform_inside(
        self, action_type: ActionType, given: StepRecord, record: StepRecord, action: Action, context: ActionContext
    ) -> tuple[StepRecord, Action] | None:
        """In the transaction that records it: its own writes and its step land together or not at all."""
        claim, steps = replace(self.claim), dict(self.steps)
        try:
            with write_transaction():
                outcome = observation.attempted(performed_in_savepoint, action_type, given, context)
                outages.let_go_if_stopped()
                faults.reach("effect.after")
                return self._recorded(record, action, outcome, context)
        except (IntegrityError, ConnectionClosed) as error:
            self.claim.restore(claim)  # the same one, by which others know how long its lease lasts
            self.steps, self.changes = steps, {}
            self.scope = scope.build(self.execution, self.definition, steps.values())
            return self._recorded(record, action, undone(error), context)

    def _recorded(
        self, record: StepRecord, action: Action, outcome: Outcome, context: ActionContext
    ) -> tuple[StepRecord, Action] | None:
        record = replace(record, log=(*record.log, *self.secrets.masked(context.lines)))
        match self.secrets.masked_outcome(outcome):
            case Failure() as failure:
                self._note(records.failed(record, action, failure, self.claim.clock()))
            case Pause(until, output):
                self._note(replace(record, wait_until=until, output=output))
            case Steer(output, flow):
                self._note(replace(record, status=StepStatus.SUCCESS, output=output, flow=flow))
        return self._settle()

    def _context(self, record: StepRecord, action: Action) -> ActionContext:
        now = self.claim.clock()
        timeout_ms = action.timeout
        if self.deadline is not None:
            timeout_ms = max(1, min(timeout_ms, round((self.deadline - now).total_seconds() * 1000)))
        return ActionContext(
            execution_id=self.execution.execution_id, workspace_id=self.execution.workspace_id,
            workflow_id=self.execution.workflow_id, workflow_name=self.execution.workflow_name,
            path=record.path, action_id=record.action_id, attempt=record.attempt, now=now, timeout_ms=timeout_ms,
            user_id=self.execution.triggered_by_id, is_simulation=self.execution.is_simulation, scope=self.scope,
            first_id=self.execution.first,
        )  # fmt: skip

    def _note(self, record: StepRecord, *, is_new: bool = False, new_attempt: bool = False) -> StepRecord:
        """Keeps a change for the next commit; a second one of the same step before it replaces the first."""
        earlier = self.changes.get(record.path)
        is_new = is_new or (earlier is not None and earlier.is_new)
        self.changes[record.path] = Change(record, is_new, new_attempt)
        self.steps[record.path] = record
        scope.note(self.scope, record)
        return record

    def _close_open_steps(self, finish: Finish) -> None:
        for record in tuple(self.steps.values()):
            if record.status is StepStatus.RUNNING:
                error = record.error or finish.error
                self._note(replace(record, status=finish.open_step, error=error, wait_until=None))

    def _commit(self, *, sleep: Sleep | None = None, finish: Finish | None = None) -> None:
        changes, self.changes = tuple(self.changes.values()), {}
        outages.commit(self.claim, changes, sleep=sleep, finish=finish)
        metrics.COMMITS.inc()
        if finish:
            transaction.on_commit(partial(metrics.finished, finish, is_simulation=self.execution.is_simulation))
            tracing.finished(finish)
        execution_id = self.execution.execution_id
        observer = _observers.pop(execution_id, None) if finish else _observers.get(execution_id)
        if observer:
            transaction.on_commit(partial(_report, observer, changes))

    def _handed_back(self, action: Action) -> bool:
        """Whether others are to go on with the execution: since this process stops, or doesn't know the action."""
        delay_seconds = 0.0
        if not self.should_stop():
            if not deploys.is_for_others(self.execution.execution_id, action.id, action.type):
                return False
            delay_seconds = deploys.DELAY_SECONDS
        if self.changes:
            self._commit()
        journal.release(self.claim, delay_seconds=delay_seconds)
        return True


def _report(observer: Observer, changes: Iterable[Change]) -> None:
    for change in changes:
        observer(change.record)


def _check_seconds() -> float:
    """How long a handler may work before its runner looks whether the execution is still its own."""
    return min(MAX_CHECK_SECONDS, settings.LEASE_SECONDS / 4)
