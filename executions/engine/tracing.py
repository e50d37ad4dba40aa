"""OpenTelemetry traces where they are asked for. Where they aren't, or aren't installed, nothing of it is loaded."""

from contextlib import AbstractContextManager, nullcontext, suppress
from types import ModuleType
from uuid import UUID

from django.conf import settings

from executions.engine.journal import Claim
from executions.engine.outcomes import Outcome
from executions.engine.plan import Finish, StepRecord

spans: ModuleType | None = None
if settings.OTEL_TRACES_EXPORTER != "none":
    with suppress(ImportError):  # it is an extra; `manage.py check` says what to do
        from executions.engine import spans


def claimed(claim: Claim) -> AbstractContextManager[object]:
    """A span as long as the claim, in the trace of its execution."""
    return spans.claimed(claim) if spans else nullcontext()


def attempted(record: StepRecord) -> AbstractContextManager[object]:
    """A span as long as the attempt, in that of its claim."""
    return spans.attempted(record) if spans else nullcontext()


def went(outcome: Outcome) -> None:
    """Shows in the attempt's span how it went."""
    if spans:
        spans.went(outcome)


def finished(finish: Finish) -> None:
    """Shows in the claim's span how the execution ended."""
    if spans:
        spans.finished(finish)


def traceparent() -> str:
    """The span at hand as W3C's header says it, for whoever is called in it; empty while nothing is traced."""
    return str(spans.traceparent()) if spans else ""


def ids(execution_id: UUID) -> dict[str, str]:
    """What a log line is to have, to be found from the trace."""
    return {"trace_id": f"{spans.trace_id_of(execution_id):032x}"} if spans else {}
