"""What a step's time went into: its attempts, the waits between them, and the wait that it may be itself."""

from datetime import datetime
from typing import Any

from executions.admin.timeline import Kind, Span
from executions.models import Step
from executions.states import StepStatus

WAIT_ACTION = "wait"


def spans_of(step: Step, now: datetime) -> tuple[Span, ...]:
    """In the order of time. Of a running step the last one lasts up to `now`."""
    earlier = [span for entry in step.attempts or () if (span := _failed(entry))]
    until = step.completed_at or now
    begun = step.attempt_started_at or step.started_at
    latest = [] if begun is None or between_attempts(step) else [_latest(step, begun, until)]
    return tuple(_with_backoffs(earlier + latest, until if between_attempts(step) else None))


def between_attempts(step: Step) -> bool:
    """Whether its latest attempt is among those that failed: it waits for another one, or ended waiting."""
    last = (step.attempts or [{}])[-1]
    return last.get("attempt") == step.attempt and (last.get("error") or {}).get("code") != "INTERRUPTED"


def is_waiting(step: Step) -> bool:
    return step.status == StepStatus.RUNNING and step.wait_until is not None


def _failed(entry: dict[str, Any]) -> Span | None:
    begins, ends = _moment(entry.get("startedAt")), _moment(entry.get("completedAt"))
    if begins is None or ends is None:
        return None
    code = (entry.get("error") or {}).get("code", "")
    return Span(Kind.ATTEMPT, "failed", f"Attempt {entry.get('attempt')} failed, {code}", begins, max(begins, ends))


def _latest(step: Step, begins: datetime, ends: datetime) -> Span:
    kind, status, what = Kind.ATTEMPT, step.status, f"Attempt {step.attempt}, {step.status}"
    if step.status == StepStatus.SKIPPED:
        what = "Skipped"
    elif step.action_type == WAIT_ACTION or is_waiting(step):
        kind, what = Kind.WAIT, "Waits" if step.status == StepStatus.RUNNING else "Waited"
        status = "waiting" if step.status == StepStatus.RUNNING else step.status
    return Span(kind, status, what, begins, max(begins, ends))


def _with_backoffs(spans: list[Span], open_until: datetime | None) -> list[Span]:
    found: list[Span] = []
    for span in spans:
        if found and found[-1].ends < span.begins:
            found.append(_backoff(found[-1].ends, span.begins))
        found.append(span)
    if found and open_until is not None:
        found.append(_backoff(found[-1].ends, open_until))
    return found


def _backoff(begins: datetime, ends: datetime) -> Span:
    return Span(Kind.BACKOFF, "pending", "Backoff before the next attempt", begins, max(begins, ends))


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
