"""Traces: one for each execution, whoever runs it, and on to whom it calls."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import LazySettings
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased

from config.environment import is_installed
from executions import services
from executions.engine import journal, records, runner, spans, tracing
from executions.models import Execution
from tests.config.processes import manage
from tests.executions import handlers
from tests.executions.programs import scene
from tests.executions.programs.children import child, eventually, has_ended
from tests.executions.programs.sink import Sink, listening
from tests.executions.scenes import ran, started
from tests.workflows.http_server import Exchange, Server, serving
from workflows.documents import Json
from workspaces.fields import uuid7

SECRET = "hunter2"
QUICK_RETRY: Json = {"maxRetries": 1, "delayMs": 1, "jitter": False}


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """Tracing as where it is asked for, but for where the spans go."""
    exporter, provider = InMemorySpanExporter(), spans.provider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(spans, "_tracers", [provider.get_tracer("trilith")])
    monkeypatch.setattr(tracing, "spans", spans)
    return exporter


@pytest.fixture
def sink(settings: LazySettings) -> Iterator[Sink]:
    with listening() as sink:
        settings.OUTBOUND_ALLOWED_HOSTS = [sink.authority]
        yield sink


def named(exporter: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in exporter.get_finished_spans() if span.name == name]


def trace_id(span: ReadableSpan) -> int:
    assert span.context
    return int(span.context.trace_id)


def span_id(span: ReadableSpan) -> int:
    assert span.context
    return int(span.context.span_id)


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return {name.removeprefix("trilith."): value for name, value in (span.attributes or {}).items()}


@pytest.mark.django_db(transaction=True)
def test_an_execution_is_one_trace_however_often_it_is_claimed(traced: InMemorySpanExporter) -> None:
    execution = started({"id": "one", "type": "test_echo"}, {"id": "two", "type": "test_task"})
    claim = journal.claim(execution.pk)
    assert claim
    runner.run(claim, should_stop=lambda: bool(handlers.seen))
    services.run(execution=execution)

    claims = named(traced, "execution")
    steps = [*named(traced, "step test_echo"), *named(traced, "step test_task")]
    assert {trace_id(span) for span in traced.get_finished_spans()} == {spans.trace_id_of(execution.pk)}
    assert [span.parent for span in claims] == [None, None]
    assert [step.parent and step.parent.span_id for step in steps] == [span_id(claim) for claim in claims]
    first, second = (attributes(span) for span in claims)
    assert first == {
        "execution.id": str(execution.pk),
        "workflow.id": str(execution.workflow_id),
        "workspace.id": str(execution.workspace_id),
        "execution.epoch": 1,
        "execution.dry_run": False,
    }
    assert second == {**first, "execution.epoch": 3, "execution.status": "COMPLETED"}
    assert attributes(steps[1]) == {
        "step.path": "1",
        "step.action_id": "two",
        "step.action_type": "test_task",
        "step.attempt": 1,
        "step.status": "success",
    }


@pytest.mark.django_db(transaction=True)
def test_a_pause_is_no_failure(traced: InMemorySpanExporter) -> None:
    ran({"type": "test_pause"})

    (span,) = named(traced, "step test_pause")
    assert (attributes(span)["step.status"], span.status.status_code.name) == ("paused", "UNSET")


@pytest.mark.django_db(transaction=True)
def test_a_failure_has_its_code_and_none_of_its_words(traced: InMemorySpanExporter) -> None:
    ran({"type": "test_raise", "config": {"value": SECRET}, "onError": "retry", "retryConfig": QUICK_RETRY})

    attempts = named(traced, "step test_raise")
    assert [attributes(span)["step.attempt"] for span in attempts] == [1, 2]
    for span in (*attempts, named(traced, "execution")[-1]):
        assert (span.status.is_ok, span.status.description) == (False, "HANDLER_ERROR")
        assert attributes(span)["error.type"] == "HANDLER_ERROR"
    assert attributes(named(traced, "execution")[-1])["execution.status"] == "FAILED"
    assert SECRET not in "".join(span.to_json() for span in traced.get_finished_spans())


@pytest.mark.django_db(transaction=True)
def test_what_the_engine_stumbles_over_is_in_the_claims_span(
    traced: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = journal.claim(started({"type": "test_echo"}).pk)
    assert claim
    monkeypatch.setattr(records, "recorded", _fail)
    with pytest.raises(OSError, match=SECRET):
        runner.run(claim)

    (span,) = traced.get_finished_spans()
    assert (span.status.is_ok, span.status.description, span.events) == (False, "OSError", ())


def _fail(_claim: object) -> None:
    raise OSError(SECRET)


@pytest.mark.django_db(transaction=True)
def test_whom_a_step_calls_is_told_its_span(traced: InMemorySpanExporter, sink: Sink) -> None:
    ran(scene.call(sink, "told"), {"type": "call_api", "config": {"url": f"{sink.url}/own", "headers": {
        "TraceParent": "of-the-user"}}})  # fmt: skip

    told, _ = named(traced, "step call_api")
    (request,), (own,) = sink.asked("/told"), sink.asked("/own")
    assert request.headers["traceparent"] == f"00-{trace_id(told):032x}-{span_id(told):016x}-03"
    assert own.headers["traceparent"] == "of-the-user"


@pytest.mark.django_db(transaction=True)
def test_without_tracing_nobody_is_told_anything(sink: Sink) -> None:
    ran(scene.call(sink, "plain"))

    (request,) = sink.asked("/plain")
    assert "traceparent" not in request.headers


@pytest.mark.django_db(transaction=True)
def test_a_dry_run_shows_no_header_that_it_could_not_know(traced: InMemorySpanExporter, sink: Sink) -> None:
    execution = ran(scene.call(sink, "dry"), dry_run=True)

    assert "traceparent" not in str(execution.steps.get().output).lower()


def test_every_process_gives_an_execution_the_same_trace_that_samplers_can_judge() -> None:
    assert spans.trace_id_of(UUID(int=1)) == 0x7111F45DFB208F0003FF160886A06628
    half = TraceIdRatioBased(0.5)
    taken = [half.should_sample(None, spans.trace_id_of(uuid7()), "").decision for _ in range(400)]
    assert 100 < taken.count(Decision.RECORD_AND_SAMPLE) < 300


def test_a_collector_that_is_away_keeps_no_process_from_ending(monkeypatch: pytest.MonkeyPatch) -> None:
    back = threading.Event()
    exporting = TracerProvider(shutdown_on_exit=False)
    monkeypatch.setattr(exporting, "shutdown", lambda: back.wait(600))
    monkeypatch.setattr(spans, "EXIT_SECONDS", 0.01)

    spans.stop(exporting)

    assert not back.is_set()
    back.set()


@dataclass
class Collector:
    """What an OTLP receiver got, by trace and in the order of the spans' ends."""

    server: Server | None = None
    spans: list[Any] = field(default_factory=list)

    @property
    def url(self) -> str:
        assert self.server
        return self.server.url

    def answer(self, exchange: Exchange) -> None:
        assert self.server
        received = self.server.received[-1]
        body = gzip.decompress(received.body) if received.headers.get("content-encoding") else received.body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            named = {each.key: each.value.string_value for each in resource.resource.attributes}
            assert (received.path, named["service.name"]) == ("/v1/traces", "trilith")
            self.spans += [span for scope in resource.scope_spans for span in scope.spans]
        exchange.reply(200, b"", {"Content-Type": "application/x-protobuf"})

    def names(self, execution: Execution) -> list[str]:
        trace = spans.trace_id_of(execution.pk).to_bytes(16)
        return sorted(span.name for span in tuple(self.spans) if span.trace_id == trace)


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()
    with serving(collector.answer) as server:
        collector.server = server
        yield collector


@pytest.mark.django_db(transaction=True)
def test_a_process_goes_on_with_the_trace_of_one_that_was_killed(sink: Sink) -> None:
    execution = services.start(workflow=scene.workflow("killed", scene.task("first"), scene.call(sink, "held")))
    with collecting() as collector:
        asked: Any = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": 50, "sink": sink}
        with child("manage.py", "run_worker", **asked) as one:
            eventually(lambda: sink.asked("/held") and collector.names(execution))
            assert collector.names(execution) == ["step create_task"]
            one.kill()
            with child("manage.py", "run_worker", **asked) as other:
                eventually(lambda: has_ended(execution))
                other.terminate()
                assert other.wait(60) == 0

    assert collector.names(execution) == ["execution", "step call_api", "step create_task"]
    assert len({request.headers["traceparent"][:35] for request in sink.asked("/held")}) == 1


def test_what_is_asked_for_and_not_installed_is_told_with_its_mend(tmp_path: Path) -> None:
    (tmp_path / "opentelemetry").mkdir()
    (tmp_path / "opentelemetry" / "__init__.py").touch()
    answer = manage("check", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", PYTHONPATH=tmp_path)

    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    assert "OTEL_EXPORTER_OTLP_ENDPOINT: Traces are asked for, and OpenTelemetry isn't installed." in answer.stderr
    assert "pip install -r requirements/tracing.txt" in answer.stderr


def test_nothing_of_it_is_loaded_unless_it_is_asked_for() -> None:
    ask = "import sys; print('opentelemetry.sdk' in sys.modules)"

    assert manage("shell", "--no-imports", "--command", ask).stdout == "False\n"
    endpoint = "http://127.0.0.1:9"
    assert manage("shell", "--no-imports", "--command", ask, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint).stdout == "True\n"
    off: Any = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_TRACES_EXPORTER": "none"}
    assert manage("shell", "--no-imports", "--command", ask, **off).stdout == "False\n"


def test_it_is_seen_whether_a_module_is_there() -> None:
    assert is_installed("json.decoder")
    assert not is_installed("json.nothing")
    assert not is_installed("nothing.at.all")
