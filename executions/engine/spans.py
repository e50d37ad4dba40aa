"""The spans themselves, by OpenTelemetry. Loaded by `tracing` alone, and only where traces are asked for.

They say which code a failure had, and none of its words: what a handler says may hold a user's data.
"""

import atexit
import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

from django.conf import settings
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import StatusCode, Tracer, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from executions.engine.journal import Claim
from executions.engine.outcomes import Failure, Outcome, status_of
from executions.engine.plan import Finish, StepRecord
from executions.states import ExecutionStatus

EXIT_SECONDS = 3.0

_execution_id: ContextVar[UUID] = ContextVar("execution_id")
_starting = threading.Lock()
_tracers: list[Tracer] = []


def trace_id_of(execution_id: UUID) -> int:
    """The same in every process, so that one goes on with the trace of another that was killed.

    Hashed, since samplers take the last bits for random, and of a UUID they aren't.
    """
    return int.from_bytes(hashlib.blake2b(execution_id.bytes, digest_size=16).digest())


class _Ids(RandomIdGenerator):
    def generate_trace_id(self) -> int:
        return trace_id_of(_execution_id.get())


def provider() -> TracerProvider:
    """Without an exporter yet: that has a thread."""
    named = Resource.create({SERVICE_NAME: settings.OTEL_SERVICE_NAME})
    return TracerProvider(resource=named, id_generator=_Ids(), shutdown_on_exit=False)


def stop(exporting: TracerProvider) -> None:
    """Sends what there still is; by itself it would wait half a minute for a collector that is away."""
    sending = threading.Thread(target=exporting.shutdown, name="trilith-traces", daemon=True)
    try:
        sending.start()
    except RuntimeError:  # Python 3.12 starts no thread any more once it ends
        exporting.shutdown()
    else:
        sending.join(EXIT_SECONDS)


def _tracer() -> Tracer:
    with _starting:
        if not _tracers:
            exporting = provider()
            exporting.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
            atexit.register(stop, exporting)
            _tracers.append(exporting.get_tracer("trilith"))
    return _tracers[0]


@contextmanager
def claimed(claim: Claim) -> Iterator[None]:
    mine = claim.assignment
    attributes: Mapping[str, AttributeValue] = {
        "trilith.execution.id": str(mine.execution_id),
        "trilith.workflow.id": str(mine.workflow_id),
        "trilith.workspace.id": str(mine.workspace_id),
        "trilith.execution.epoch": claim.epoch,
        "trilith.execution.dry_run": mine.is_simulation,
    }
    token = _execution_id.set(mine.execution_id)
    try:
        # A root, whoever calls: its trace is the execution's.
        with _span("execution", attributes, Context()):
            yield
    finally:
        _execution_id.reset(token)


@contextmanager
def attempted(record: StepRecord) -> Iterator[None]:
    attributes: Mapping[str, AttributeValue] = {
        "trilith.step.path": record.path,
        "trilith.step.action_id": record.action_id,
        "trilith.step.action_type": record.action_type,
        "trilith.step.attempt": record.attempt,
    }
    with _span(f"step {record.action_type}", attributes):
        yield


@contextmanager
def _span(name: str, attributes: Mapping[str, AttributeValue], parent: Context | None = None) -> Iterator[None]:
    with _tracer().start_as_current_span(
        name, parent, attributes=attributes, record_exception=False, set_status_on_exception=False
    ):
        try:
            yield
        except Exception as error:
            _failed(type(error).__name__)
            raise


def went(outcome: Outcome) -> None:
    get_current_span().set_attribute("trilith.step.status", status_of(outcome))
    if isinstance(outcome, Failure):
        _failed(outcome.code)


def finished(finish: Finish) -> None:
    get_current_span().set_attribute("trilith.execution.status", finish.status)
    if finish.status is not ExecutionStatus.COMPLETED:
        _failed(str(finish.error.get("code")) if isinstance(finish.error, dict) else finish.status)


def _failed(code: str) -> None:
    span = get_current_span()
    span.set_attribute("error.type", code)
    span.set_status(StatusCode.ERROR, code)


def traceparent() -> str:
    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get("traceparent", "")
