"""What this process counts of its own work, for Prometheus. What belongs to all is asked at a scrape."""

from contextlib import suppress
from uuid import UUID

from django.db import Error
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.process_collector import ProcessCollector

from executions.engine.plan import Finish
from executions.models import Execution
from executions.states import FINAL, ExecutionStatus

POISONED = "POISONED"
STEP_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)

disable_created_metrics()  # type: ignore[no-untyped-call]  # so the library is written
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

ENDED = Counter(
    "trilith_executions_ended",
    "Executions that this process ended, by their status; dry runs are in no number of ends.",
    ["status"],
    registry=REGISTRY,
)
POISON = Counter(
    "trilith_executions_poisoned",
    "Executions given up since they kept killing their process, dry runs too.",
    registry=REGISTRY,
)
CLAIMS = Counter("trilith_claims", "Executions that this process took to carry on.", registry=REGISTRY)
LEASE_LOSSES = Counter(
    "trilith_lease_losses",
    "Claims that another process took over while this one still worked.",
    registry=REGISTRY,
)
COMMITS = Counter("trilith_commits", "Commits of the journal that landed.", registry=REGISTRY)
FENCED = Counter(
    "trilith_fenced",
    "Claims whose write didn't land since the execution was taken over or cancelled.",
    registry=REGISTRY,
)
ATTEMPTS = Counter(
    "trilith_step_attempts", "Attempts of steps that began, by action type.", ["action_type"], registry=REGISTRY
)
RETRIES = Counter(
    "trilith_step_retries", "Attempts behind the first one of their step.", ["action_type"], registry=REGISTRY
)
INTERRUPTIONS = Counter(
    "trilith_step_interruptions",
    "Attempts made again since the process at work on them had ended.",
    ["action_type"],
    registry=REGISTRY,
)
STEP_SECONDS = Histogram(
    "trilith_step_duration_seconds",
    "How long handlers worked on an attempt, by action type and outcome: success, failed, or paused (a timer).",
    ["action_type", "status"],
    buckets=STEP_BUCKETS,
    registry=REGISTRY,
)
THREADS = Gauge("trilith_executor_threads", "How many executions this process carries on at once.", registry=REGISTRY)
BUSY_THREADS = Gauge("trilith_executor_busy_threads", "How many it carries on now.", registry=REGISTRY)
LEFT_BEHIND = Gauge(
    "trilith_handlers_left_behind",
    "Handlers at work on attempts that nobody waits for any more, by action type.",
    ["action_type"],
    registry=REGISTRY,
)

for _status in FINAL:
    ENDED.labels(_status)


def ended(status: ExecutionStatus, *, is_simulation: bool) -> None:
    if not is_simulation:
        ENDED.labels(status).inc()


def finished(finish: Finish, *, is_simulation: bool) -> None:
    """A runner ended an execution."""
    ended(finish.status, is_simulation=is_simulation)
    if isinstance(finish.error, dict) and finish.error.get("code") == POISONED:
        POISON.inc()


def fenced(execution_id: UUID) -> None:
    """A write didn't land: by a cancel, which is as it should be, or since somebody else had taken the execution."""
    FENCED.inc()
    with suppress(Error):  # the database may be what it was lost by
        _count_unless_cancelled(execution_id)


def _count_unless_cancelled(execution_id: UUID) -> None:
    if not Execution.objects.filter(pk=execution_id, status=ExecutionStatus.CANCELLED).exists():
        LEASE_LOSSES.inc()
