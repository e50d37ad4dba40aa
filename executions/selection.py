"""Which of a workflow's executions a list is of, and how many those are without counting a million of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import BigIntegerField, F, QuerySet, Subquery, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce

from executions.models import Execution, ExecutionQuerySet
from executions.states import ExecutionStatus
from workflows.models import Workflow
from workspaces.moments import in_utc

COUNTED_UP_TO = 10_000
COUNTERS = (
    "execution_count", "simulation_count", "success_count", "failure_count", "timeout_count", "cancelled_count",
)  # fmt: skip
_PRUNED = {f"pruned_{name}": Coalesce(F(f"pruned__{name}"), 0) for name in COUNTERS}

type Key = datetime | str | None
"""A time as the database compares it: on SQLite as text, in which Django writes other digits than the journal does."""
type Branches = dict[str | None, ExecutionQuerySet]
type Walk = QuerySet[Execution, Any]


@dataclass(frozen=True, slots=True)
class Filters:
    """Of any of `statuses`, or of all when there are none; started at or between the two times; so triggered."""

    statuses: Sequence[str] = ()
    started_from: datetime | None = None
    started_to: datetime | None = None
    trigger_type: str | None = None

    @property
    def by_start(self) -> bool:
        return bool(self.started_from or self.started_to)

    @property
    def by_status_alone(self) -> bool:
        return not self.by_start and self.trigger_type is None

    @property
    def let_all_pass(self) -> bool:
        return self.by_status_alone and not self.statuses


def branches_of(workflow: Workflow, filters: Filters) -> Branches:
    """One for each status asked for, since an index has the order of each, but of no two together."""
    rows = Execution.objects.filter(workflow=workflow)
    if filters.trigger_type is not None:
        rows = rows.filter(trigger_type=filters.trigger_type)
    if filters.started_from:
        rows = rows.filter(started_at__gte=_bound(filters.started_from, shortest=True))
    if filters.started_to:
        rows = rows.filter(started_at__lte=_bound(filters.started_to, shortest=False))
    return {status: rows.filter(status=status) for status in filters.statuses} or {None: rows}


def _bound(moment: datetime, *, shortest: bool) -> Any:
    return compared(key_at(moment, shortest=shortest))


def key_at(moment: datetime, *, shortest: bool) -> Key:
    """For SQLite the first or the last in the alphabet of the texts that stand for this moment."""
    moment = in_utc(moment)
    if connection.vendor != "sqlite":
        return moment
    longest = moment.replace(tzinfo=None).isoformat(" ", "microseconds")
    return longest.rstrip("0").rstrip(".") if shortest else longest


def compared(key: Key) -> Any:
    return Value(key, output_field=TextField()) if isinstance(key, str) else key


def key_of(column: str) -> Combinable:
    return Cast(column, TextField()) if connection.vendor == "sqlite" else F(column)


class _Capped(Subquery):
    """The number of rows of a query that is limited."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS capped)"
    output_field = BigIntegerField()


def total_of(workflow: Workflow, filters: Filters, branches: Branches) -> tuple[int, bool]:
    """How many there are, and whether that is an estimate."""
    walks = {} if filters.let_all_pass else {status: _walk(rows, filters) for status, rows in branches.items()}
    capped = {f"capped_{number}": _Capped(walk[: COUNTED_UP_TO + 1]) for number, walk in enumerate(walks.values())}
    row = _kept(Workflow.objects.values(*COUNTERS, **_PRUNED, **capped).get(pk=workflow.pk))
    everything = row["execution_count"] + row["simulation_count"]
    if not walks:
        return everything, False
    counts = {status: row[f"capped_{number}"] for number, status in enumerate(walks)}
    known = _ended(row) if filters.by_status_alone and not row["simulation_count"] else {}
    counts |= {status: known[status] for status in counts if status in known}
    endless = [status for status, count in counts.items() if status not in known and count > COUNTED_UP_TO]
    if not endless:
        return sum(counts.values()), False
    counts |= zip(endless, _estimates(workflow, [walks[status] for status in endless]), strict=True)
    return max(COUNTED_UP_TO + 1, min(sum(counts.values()), everything)), True


def _kept(row: dict[str, int]) -> dict[str, int]:
    """With the counters of the executions that are still there."""
    return row | {name: row[name] - row[f"pruned_{name}"] for name in COUNTERS}


def _walk(rows: ExecutionQuerySet, filters: Filters) -> Walk:
    """The times by which an index has these rows, the latest first; nothing but the index is read."""
    column = "started_at" if filters.by_start else "created_at"
    return rows.order_by(f"-{column}").values_list(column)


def _ended(row: dict[str, int]) -> dict[str | None, int]:
    """How many executions ended how; right for a list where no dry run is among them."""
    return {
        ExecutionStatus.COMPLETED: row["success_count"],
        ExecutionStatus.FAILED: row["failure_count"] - row["timeout_count"],
        ExecutionStatus.TIMEOUT: row["timeout_count"],
        ExecutionStatus.CANCELLED: row["cancelled_count"],
    }


def _estimates(workflow: Workflow, walks: Sequence[Walk]) -> list[int]:
    """For each walk, as if it went on to its end as densely as it began."""
    times: dict[str, Subquery] = {}
    for number, walk in enumerate(walks):
        ends = {"first": walk[:1], "farthest": walk[COUNTED_UP_TO : COUNTED_UP_TO + 1], "last": walk.reverse()[:1]}
        times |= {f"{name}_{number}": Subquery(end) for name, end in ends.items()}
    row: Mapping[str, Any] = Workflow.objects.values("pk", **times).get(pk=workflow.pk)
    return [
        _estimate(row[f"first_{number}"], row[f"farthest_{number}"], row[f"last_{number}"])
        for number in range(len(walks))
    ]


def _estimate(first: datetime | None, farthest: datetime | None, last: datetime | None) -> int:
    if not (first and farthest and last) or first == farthest:
        return COUNTED_UP_TO + 1
    return round(COUNTED_UP_TO * ((first - last) / (first - farthest)))
