"""What operators see of a claim and of an attempt while they last: ids in the logs, numbers, spans."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from structlog.contextvars import bind_contextvars, bound_contextvars, reset_contextvars

from executions.engine import metrics, tracing
from executions.engine.journal import Claim
from executions.engine.outcomes import Outcome, status_of
from executions.engine.plan import StepRecord
from workflows.actions.context import ActionContext
from workflows.actions.registry import ActionType

type Perform = Callable[[ActionType, StepRecord, ActionContext], Outcome]


@contextmanager
def claimed(claim: Claim) -> Iterator[None]:
    """As long as the claim: every line that is logged has the execution's ids, those of its handlers' threads too."""
    metrics.CLAIMS.inc()
    with bound_contextvars(**ids(claim)), tracing.claimed(claim):
        yield


def ids(claim: Claim) -> dict[str, str]:
    """What a log line about the execution has to have."""
    mine = claim.assignment
    return {
        "execution_id": str(mine.execution_id),
        "workflow_id": str(mine.workflow_id),
        "workspace_id": str(mine.workspace_id),
        **tracing.ids(mine.execution_id),
    }


def attempted(perform: Perform, action_type: ActionType, record: StepRecord, context: ActionContext) -> Outcome:
    """What `perform` makes of the attempt; of one that is lost to somebody else no duration is told."""
    metrics.ATTEMPTS.labels(action_type.name).inc()
    if record.attempt > 1:
        metrics.RETRIES.labels(action_type.name).inc()
    began = time.perf_counter()
    # Without the context manager, which takes four times as long and is on the hot path.
    tokens = bind_contextvars(step=record.path, attempt=record.attempt)
    try:
        with tracing.attempted(record):
            traceparent = tracing.traceparent()
            outcome = perform(
                action_type, record, replace(context, traceparent=traceparent) if traceparent else context
            )
            tracing.went(outcome)
    finally:
        reset_contextvars(**tokens)
    metrics.STEP_SECONDS.labels(action_type.name, status_of(outcome)).observe(time.perf_counter() - began)
    return outcome
