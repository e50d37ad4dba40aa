"""A workflow's counters, as it keeps them and as its executions' rows say they must be."""

from collections import Counter

from workflows.models import Workflow

COUNTERS = (
    "execution_count", "success_count", "failure_count", "timeout_count", "cancelled_count", "simulation_count",
    "total_duration_ms",
)  # fmt: skip


def kept(workflow: Workflow) -> dict[str, int]:
    return dict(Workflow.objects.values(*COUNTERS).get(pk=workflow.pk))


def counted(workflow: Workflow) -> dict[str, int]:
    """By looking at every row."""
    real = workflow.executions.filter(is_simulation=False)
    statuses = Counter(real.values_list("status", flat=True))
    ran = real.filter(status__in=["COMPLETED", "FAILED", "TIMEOUT"])
    return {
        "execution_count": statuses.total(),
        "success_count": statuses["COMPLETED"],
        "failure_count": statuses["FAILED"] + statuses["TIMEOUT"],
        "timeout_count": statuses["TIMEOUT"],
        "cancelled_count": statuses["CANCELLED"],
        "simulation_count": workflow.executions.filter(is_simulation=True).count(),
        "total_duration_ms": sum(execution.duration_ms or 0 for execution in ran),
    }
