"""What is going on, for the start page: read within bounds, however many executions there are."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import CharField, Count, Q
from django.db.models.functions import Cast, Coalesce, Left

from executions.models import Execution, ExecutionQuerySet
from executions.states import ExecutionStatus, WaitingFor
from workflows.models import Workflow
from workspaces.access import Verb
from workspaces.admin.reach import Reach
from workspaces.models import Workspace

LOOKED_AT = 1_000
"""How many unfinished executions are counted; of more, the page says so."""
ENDED_AT_MOST = 25_000
"""How many ended executions a chart is made of; where there are more, it shows a shorter time."""
A_LIST = 10
WORST = 5
FAILURES = (ExecutionStatus.FAILED, ExecutionStatus.TIMEOUT)


class Row(NamedTuple):
    """What is known of each unfinished execution that was looked at."""

    id: UUID
    status: str
    waiting_for: str | None
    wake_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Those at work (under a lease), asleep until a time, due, and due because whoever had the lease has died.

    `is_cut`: there are more than were looked at.
    """

    at_work: list[Row]
    asleep: list[Row]
    due: list[Row]
    left: list[Row]
    is_cut: bool

    @property
    def running(self) -> list[Row]:
        """Those that have started, with those at work first, then the newest."""
        asleep = [row for row in (*self.asleep, *self.due, *self.left) if row.status == ExecutionStatus.RUNNING]
        return [*_newest_first(self.at_work), *_newest_first(asleep)]

    @property
    def waiting(self) -> list[Row]:
        """Those that somebody should have picked up by now, the longest waiting first."""
        return sorted((*self.due, *self.left), key=lambda row: row.wake_at)

    def asleep_for(self, reason: WaitingFor) -> int:
        return sum(row.waiting_for == reason for row in self.asleep)


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time, and the unit of its chart; `characters` of a time's text tell one unit from the next."""

    words: str
    unit: timedelta
    units: int
    characters: int

    def begin(self, now: datetime) -> datetime:
        """The first of its whole units; the last one goes on."""
        seconds = self.unit.total_seconds()
        return datetime.fromtimestamp(now.timestamp() // seconds * seconds, UTC) - self.unit * (self.units - 1)


PERIODS = (
    Period("24 hours", timedelta(hours=1), 24, 13),
    Period("60 minutes", timedelta(minutes=1), 60, 16),
    Period("60 seconds", timedelta(seconds=1), 60, 19),
)


@dataclass(frozen=True, slots=True)
class Ended:
    """What has ended in a period: of each of its units, the number by status."""

    period: Period
    since: datetime
    units: list[tuple[datetime, dict[str, int]]]

    def number(self, *statuses: str) -> int:
        return sum(counts.get(status, 0) for _, counts in self.units for status in statuses or counts)


def unfinished(reach: Reach, now: datetime) -> Unfinished:
    """By the index of what is due for those who see everything, by that of the workspace for the others."""
    workspaces = reach.where(Verb.READ)
    rows = Execution.objects.unfinished()
    if workspaces is None:
        windows = [rows.due(now), rows.filter(wake_at__gt=now).order_by("wake_at")]
    else:
        windows = [Execution.objects.filter(workspace__in=workspaces, completed_at=None)]
    looked_at = [list(window.values_list(*Row._fields)[: LOOKED_AT + 1]) for window in windows]
    found = [Row(*values) for window in looked_at for values in window[:LOOKED_AT]]
    return _sorted_out(found, now, is_cut=any(len(window) > LOOKED_AT for window in looked_at))


def _sorted_out(rows: Iterable[Row], now: datetime, *, is_cut: bool) -> Unfinished:
    sorted_out = Unfinished([], [], [], [], is_cut)
    for row in rows:
        is_leased = row.status == ExecutionStatus.RUNNING and row.waiting_for is None
        if row.wake_at > now:
            (sorted_out.at_work if is_leased else sorted_out.asleep).append(row)
        else:
            (sorted_out.left if is_leased else sorted_out.due).append(row)
    return sorted_out


def _newest_first(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row.created_at, reverse=True)


def executions(rows: Sequence[Row]) -> list[Execution]:
    """These, in this order, with what a line shows of them."""
    found = {execution.pk: execution for execution in _lines(Execution.objects.filter(pk__in=[row.id for row in rows]))}
    return [found[row.id] for row in rows if row.id in found]


def _lines(rows: ExecutionQuerySet) -> ExecutionQuerySet:
    return rows.select_related("workflow", "workspace").only(
        "status", "waiting_for", "wake_at", "created_at", "started_at", "completed_at", "is_simulation", "error",
        "total_steps", "successful_steps", "failed_steps", "skipped_steps", "workflow__name", "workspace__name",
    )  # fmt: skip


def workspaces_in(reach: Reach) -> list[UUID]:
    """Spelled out even if it's all of them: PostgreSQL would read all executions rather than look them up by a join."""
    within = reach.where(Verb.READ)
    return list(Workspace.objects.values_list("pk", flat=True) if within is None else within)


def ended(workspaces: Collection[UUID], now: datetime) -> Ended:
    """In the longest of the periods in which no more have ended than a chart is made of. Dry runs aren't among them."""
    *longer, shortest = PERIODS
    period = next((each for each in longer if _is_bounded(_ended_since(workspaces, each.begin(now)))), shortest)
    since = period.begin(now)
    begins = [since + period.unit * number for number in range(period.units)]
    counts: dict[str, dict[str, int]] = {_text(begin, period): {} for begin in begins}
    unit = Left(Cast("completed_at", CharField()), period.characters)
    for text, status, number in (
        _ended_since(workspaces, since).values_list(unit, "status").annotate(number=Count("*")).order_by()
    ):
        counts.setdefault(text, {})[status] = number
    return Ended(period, since, [(begin, counts[_text(begin, period)]) for begin in begins])


def _is_bounded(rows: ExecutionQuerySet) -> bool:
    return rows.values("completed_at")[: ENDED_AT_MOST + 1].count() <= ENDED_AT_MOST


def _text(moment: datetime, period: Period) -> str:
    """As either database writes it."""
    return moment.isoformat(" ")[: period.characters]


def _ended_since(workspaces: Collection[UUID], since: datetime) -> ExecutionQuerySet:
    return Execution.objects.filter(workspace__in=workspaces, completed_at__gte=since, is_simulation=False)


def failed(workspaces: Collection[UUID], since: datetime) -> list[Execution]:
    """The latest."""
    rows = _ended_since(workspaces, since).filter(status__in=FAILURES)
    return list(_lines(rows).order_by("-completed_at")[:A_LIST])


def worst(workspaces: Collection[UUID], since: datetime) -> list[dict[str, Any]]:
    """The workflows with the most failures since then: `workflow_key`, `workflow__name`, `failures` of `number`."""
    failures = Count("pk", filter=Q(status__in=FAILURES))
    # Grouped by the column itself, SQLite would read all executions by an index that has them by workflow.
    rows = _ended_since(workspaces, since).annotate(workflow_key=Coalesce("workflow", "workflow"))
    counted: Any = rows.values("workflow_key", "workflow__name").annotate(number=Count("*"), failures=failures)
    return list(counted.filter(failures__gt=0).order_by("-failures", "workflow__name")[:WORST])


def has_workflows(reach: Reach) -> bool:
    return reach.within(Workflow.objects.all(), "workspace").exists()
