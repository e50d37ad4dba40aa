"""Pages of executions, the newest first, of which none costs more than another: no count of them, no offset."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Count, Max, Min, Q, QuerySet

from executions.admin.branches import Branch
from executions.admin.filters import Asked
from executions.models import Execution, ExecutionQuerySet
from executions.selection import Key, compared, key_of

LOOKED_AT = 10_000
"""So many rows of a branch with a test are looked at for a page; the next page goes on where it stopped."""
TIME = "created_at"


@dataclass(frozen=True, slots=True)
class Cursor:
    """The page of those that are older than this execution, or newer."""

    id: UUID
    is_newer: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """`newer` and `older`: where the pages beside it are. `looked_back_to`: how far it looked, if not to the end."""

    executions: list[Execution]
    newer: Cursor | None = None
    older: Cursor | None = None
    looked_back_to: datetime | None = None


class Place(NamedTuple):
    key: Key
    id: UUID


@dataclass(frozen=True, slots=True)
class Walk:
    """Through time from a place on, back to the oldest or, for the page before, on to the newest."""

    place: Place | None
    is_newer: bool

    @property
    def terms(self) -> tuple[str, str]:
        return (TIME, "id") if self.is_newer else (f"-{TIME}", "-id")

    @property
    def onward(self) -> str:
        return "gt" if self.is_newer else "lt"

    def behind(self, rows: ExecutionQuerySet) -> ExecutionQuerySet:
        """What it comes to."""
        if self.place is None:
            return rows
        key = compared(self.place.key)
        behind = Q(**{f"{TIME}__{self.onward}": key}) | Q(**{f"id__{self.onward}": self.place.id})
        # This bound says no more than `behind` does, but by it planners see where to begin in the index.
        return rows.filter(behind, **{f"{TIME}__{self.onward}e": key})

    def at_other_times(self, rows: ExecutionQuerySet) -> ExecutionQuerySet:
        """The same without what was created at the very instant of the place: an index of the times knows them all."""
        return rows.filter(**{f"{TIME}__{self.onward}": compared(self.place.key)}) if self.place else rows

    def until(self, rows: ExecutionQuerySet, end: Key) -> ExecutionQuerySet:
        return rows.filter(**{f"{TIME}__{'lte' if self.is_newer else 'gte'}": compared(end)})

    def nearest(self, ends: Sequence[Any]) -> Key:
        nearest: Key = min(ends) if self.is_newer else max(ends)
        return nearest


def page(whole: QuerySet[Any, Any], branches: Sequence[Branch], asked: Asked, cursor: Cursor | None, size: int) -> Page:
    """Of the executions of `whole` that are in a branch. A cursor of one that isn't there leads to the first page."""
    place = _place(cursor)
    walk = Walk(place, is_newer=bool(cursor and place and cursor.is_newer))
    bounded = [Branch(_between(rows, asked), test) for rows, test in branches]
    end = _end(bounded, walk)
    found = _read(whole, [_part(branch, walk, end) for branch in bounded], walk, size + 1)
    if walk.is_newer and len(found) <= size and end is None:
        return page(whole, branches, asked, None, size)
    last = _last(found[:size], walk, None if len(found) > size else end)
    onward = Cursor(last, walk.is_newer) if last and (len(found) > size or end is not None) else None
    first = found[0].pk if found else last
    back = Cursor(first, not walk.is_newer) if place and first else None
    looked_back_to = _moment(end) if end is not None and len(found) <= size else None
    if walk.is_newer:
        return Page(found[:size][::-1], newer=onward, older=back)
    return Page(found[:size], newer=back, older=onward, looked_back_to=looked_back_to)


def first_ids(branches: Sequence[Branch], asked: Asked, number: int) -> list[UUID]:
    """Of the newest of them, so many at most."""
    found = page(Execution.objects.only("pk"), branches, asked, None, number)
    return [execution.pk for execution in found.executions]


def _place(cursor: Cursor | None) -> Place | None:
    if cursor is None:
        return None
    key = Execution.objects.filter(pk=cursor.id).values_list(key_of(TIME), flat=True).first()
    return None if key is None else Place(key, cursor.id)


def _between(rows: ExecutionQuerySet, asked: Asked) -> ExecutionQuerySet:
    if asked.since:
        rows = rows.filter(created_at__gte=_bound(asked.since))
    return rows.filter(created_at__lt=_bound(asked.until)) if asked.until else rows


def _bound(moment: datetime) -> Any:
    """For SQLite the first in the alphabet of the texts that stand for this moment."""
    if connection.vendor != "sqlite":
        return moment
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
    return compared(text.rstrip("0").rstrip("."))


def _end(branches: Sequence[Branch], walk: Walk) -> Key:
    """Of the window in which those branches are looked through that have a test; None if that's to their ends."""
    farthest = Max("key") if walk.is_newer else Min("key")
    ends = []
    for rows, test in branches:
        if test is not None:
            looked_at = walk.at_other_times(rows).order_by(walk.terms[0]).values(key=key_of(TIME))[:LOOKED_AT]
            seen = looked_at.aggregate(end=farthest, number=Count("key"))
            ends += [seen["end"]] if seen["number"] == LOOKED_AT else []
    return walk.nearest(ends) if ends else None


def _part(branch: Branch, walk: Walk, end: Key) -> ExecutionQuerySet:
    rows = walk.behind(branch.rows)
    rows = rows if branch.test is None else rows.filter(branch.test)
    return rows if end is None else walk.until(rows, end)


def _read(whole: QuerySet[Any, Any], parts: Sequence[ExecutionQuerySet], walk: Walk, count: int) -> list[Execution]:
    if not parts:
        return []
    parts = [part.order_by(*walk.terms)[:count] for part in parts]
    ids = parts[0].values("pk") if len(parts) == 1 else _united(parts)
    return list(whole.filter(pk__in=ids).order_by(*walk.terms)[:count])


def _united(parts: Sequence[ExecutionQuerySet]) -> QuerySet[Any, Any]:
    """Each in a subquery of its own, since SQLite takes no LIMIT in the parts of a UNION."""
    first, *others = (Execution.objects.filter(pk__in=part.values("pk")).values("pk") for part in parts)
    return first.union(*others, all=True)


def _last(executions: Sequence[Execution], walk: Walk, end: Key) -> UUID | None:
    """What the next page lies behind: the last one of this page or, if it isn't full, of those that were looked at."""
    if end is None:
        return executions[-1].pk if executions else None
    at_the_end = Execution.objects.filter(created_at=compared(end)).order_by("-id" if walk.is_newer else "id")
    return at_the_end.values_list("pk", flat=True).first()


def _moment(key: Key) -> datetime | None:
    return datetime.fromisoformat(key).replace(tzinfo=UTC) if isinstance(key, str) else key
