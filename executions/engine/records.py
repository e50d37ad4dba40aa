"""How a step's record changes: begun, tried again, failed, read back."""

import random
from dataclasses import replace
from datetime import datetime, timedelta

from executions.engine import metrics, retry
from executions.engine.journal import Claim
from executions.engine.outcomes import Failure
from executions.engine.plan import Again, StepRecord
from executions.models import Step
from executions.states import StepStatus
from workflows.definition import Action
from workflows.documents import Json


def recorded(claim: Claim) -> dict[str, StepRecord]:
    """What is recorded of the execution's steps, by path; nothing is asked of one that hasn't begun."""
    if not claim.position:
        return {}
    return {step.path: _read(step) for step in Step.objects.filter(execution=claim.execution_id)}


def _read(step: Step) -> StepRecord:
    return StepRecord(
        path=step.path, action_id=step.action_id, action_type=step.action_type, name=step.name,
        status=StepStatus(step.status), attempt=step.attempt, input=step.input, output=step.output, error=step.error,
        flow=step.flow, failures=tuple(step.attempts or ()), log=tuple(step.log or ()), wait_until=step.wait_until,
        attempt_started_at=step.attempt_started_at,
    )  # fmt: skip


def fresh(path: str, action: Action, status: StepStatus, *, output: Json = None) -> StepRecord:
    return StepRecord(path, action.id, action.type, action.name, status, output=output)


def next_attempt(move: Again, now: datetime) -> StepRecord:
    record = move.record
    if move.interrupted:
        interruption = Failure("INTERRUPTED", "Its process ended before the attempt did; it is made again.")
        record = _with_failure(record, interruption, now)
        metrics.INTERRUPTIONS.labels(record.action_type).inc()
    return replace(record, attempt=move.attempt, error=None, wait_until=None, attempt_started_at=now)


def failed(record: StepRecord, action: Action, failure: Failure, now: datetime) -> StepRecord:
    """The step after a failed attempt: waiting for the next one, or FAILED."""
    if not retry.should_retry(action, record.attempt, retryable=failure.retryable):
        return replace(record, status=StepStatus.FAILED, error=failure.as_json())
    delay = timedelta(milliseconds=retry.delay_ms(action.retry_config, record.attempt, random.random))
    return replace(_with_failure(record, failure, now), error=failure.as_json(), wait_until=now + delay)


def _with_failure(record: StepRecord, failure: Failure, now: datetime) -> StepRecord:
    started = record.attempt_started_at
    entry: Json = {
        "attempt": record.attempt,
        "error": failure.as_json(),
        "startedAt": started.isoformat() if started else None,
        "completedAt": now.isoformat(),
    }
    return replace(record, failures=(*record.failures, entry))
