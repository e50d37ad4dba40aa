"""Deletes what ended long ago, a little at a time, and rests in between, so that the engine goes on as if it didn't.

A workspace keeps the executions that ended within its `retention_days`, and of these the `retention_count` that ended
last; with them go their steps. What they made for people, tasks and notifications, stays.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import F, Q

from executions.engine import clock
from executions.engine.statements import COUNTERS, time_of
from executions.engine.transactions import write_transaction
from executions.models import Execution, ExecutionQuerySet, Pruned, Step
from executions.selection import compared, key_of
from executions.states import ExecutionStatus
from workspaces.models import Workspace

BATCH = 100
"""Executions that are deleted in one transaction; the database's locks are held for no longer."""
MOST_STEPS = 1_000
"""That they may have together, unless one alone has more."""
SHARE = 1 / 60
"""Of the time in which it works; in the rest the engine has the database to itself."""
OVERLAP = timedelta(seconds=1)
MOST_DAYS = 36_500
"""More is what no calendar goes back to."""

type Rest = Callable[[float], object]
"""Waits for so many seconds, and gives something true when it is time to stop."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What is kept of what has ended: that of the last `days`, and the latest `count` of it; 0 keeps all."""

    days: int
    count: int

    @property
    def keeps_all(self) -> bool:
        return not (self.days or self.count)


class _Ended(NamedTuple):
    """An execution that is deleted, as it has to be counted."""

    pk: UUID
    workflow_id: UUID
    status: str
    is_simulation: bool
    total_steps: int
    completed_at: datetime


def rule_of(workspace: Workspace, *, days: int | None = None, count: int | None = None) -> Rule:
    """The workspace's own, where it has one, or else that of the settings; `days` and `count` go before both."""
    days = workspace.retention_days if days is None else days
    count = workspace.retention_count if count is None else count
    return Rule(settings.RETENTION_DAYS if days is None else days, settings.RETENTION_COUNT if count is None else count)


def prune(*, workspace: Workspace, rule: Rule, batch: int = BATCH, rest: Rest = time.sleep) -> int:
    """Deletes what the rule doesn't keep, the oldest first; gives how many executions that were.

    It may be stopped after any batch, by `rest`: another run carries on. Several at once share the work.
    """
    return sum(len(gone) for outdated in _outdated(workspace, rule) for gone in _batches(outdated, batch, rest))


def count_outdated(*, workspace: Workspace, rule: Rule) -> int:
    """How many `prune` would delete now; of those of the two rules one has all."""
    return max((outdated.count() for outdated in _outdated(workspace, rule)), default=0)


def _outdated(workspace: Workspace, rule: Rule) -> Iterator[ExecutionQuerySet]:
    """Both by the end, so that one index finds both. What hasn't ended has no end, and so is never among them."""
    ended = Execution.objects.filter(workspace=workspace, completed_at__isnull=False)
    if rule.days:
        yield ended.filter(completed_at__lt=time_of(connection) - timedelta(days=min(rule.days, MOST_DAYS)))
    if rule.count and (oldest := _oldest_kept(ended, rule.count)):
        yield ended.filter(oldest)


def _oldest_kept(ended: ExecutionQuerySet, count: int) -> Q | None:
    """What ended before the last of so many; None where there are no more. An index alone tells where that is."""
    keys = ended.annotate(end=key_of("completed_at"), start=key_of("created_at")).values_list("end", "start")
    for end, start in keys.order_by("-completed_at", "-created_at")[count - 1 : count]:
        before = Q(completed_at__lt=compared(end)) | Q(completed_at=compared(end), created_at__lt=compared(start))
        return Q(before, completed_at__lte=compared(end))
    return None


def _batches(outdated: ExecutionQuerySet, size: int, rest: Rest) -> Iterator[list[_Ended]]:
    left = outdated
    while True:
        began = clock.monotonic()
        gone = _delete_some(left, size)
        told_to_stop = rest((clock.monotonic() - began) * (1 / SHARE - 1))
        yield gone
        if told_to_stop or not gone:
            return
        # Not to look again through what the index still has of the deleted.
        left = outdated.filter(completed_at__gte=gone[-1].completed_at - OVERLAP)


def _delete_some(outdated: ExecutionQuerySet, size: int) -> list[_Ended]:
    with write_transaction():
        locked = outdated.select_for_update(skip_locked=True).order_by("completed_at")
        gone = _within_limit([_Ended(*row) for row in locked.values_list(*_Ended._fields)[:size]])
        if keys := [each.pk for each in gone]:
            _delete(Step.objects.filter(execution__in=keys))
            _delete(Execution.objects.filter(pk__in=keys, completed_at__isnull=False, wake_at=None))
            _count(gone)
    return gone


def _within_limit(found: list[_Ended]) -> list[_Ended]:
    steps = 0
    for number, each in enumerate(found):
        steps += each.total_steps
        if number and steps > MOST_STEPS:
            return found[:number]
    return found


def _delete(rows: Any) -> None:
    """Without loading them, and without asking what refers to them: nothing but steps does to an execution."""
    rows._raw_delete(rows.db)


def _count(gone: list[_Ended]) -> None:
    """Always in the same order, so that two at once never wait for each other."""
    counted: dict[UUID, Counter[str]] = {}
    for each in gone:
        ended = ("execution_count", *COUNTERS[ExecutionStatus(each.status)])
        counted.setdefault(each.workflow_id, Counter()).update(["simulation_count"] if each.is_simulation else ended)
    Pruned.objects.bulk_create([Pruned(workflow_id=pk) for pk in sorted(counted)], ignore_conflicts=True)
    for pk in sorted(counted):
        Pruned.objects.filter(pk=pk).update(**{name: F(name) + number for name, number in counted[pk].items()})
