"""Pages of executions, the newest first, of which none costs more than another: no count of them, no offset."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Count, Max, Min, Q, QuerySet

from executions.admin.branches import Branch
from executions.admin.filters import Asked
from executions.models import Execution, ExecutionQuerySet
from executions.selection import Key, compared, key_at, key_of

LOOKED_AT = 10_000
"""So many rows of a branch with a test are looked at for a page; the next page goes on where it stopped."""
TIME = "moment"


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
    """Through time from a place on, back to the oldest or, for the page before, on to the newest; within two times.

    Of what bounds it on one side only the nearest is asked for: SQLite begins at the first bound that it reads.
    """

    place: Place | None
    is_newer: bool
    since: Key
    until: Key

    @property
    def terms(self) -> tuple[str, str]:
        return (TIME, "id") if self.is_newer else (f"-{TIME}", "-id")

    @property
    def onward(self) -> str:
        return "gt" if self.is_newer else "lt"

    def begin(self, rows: ExecutionQuerySet, *, beside: bool = True) -> ExecutionQuerySet:
        """`beside`: with what was created at the very instant of the place, which takes more than an index of times."""
        if self.place is None or self._lies_outside(self.place.key):
            return self._from_a_bound(rows)
        key = compared(self.place.key)
        behind = Q(**{f"{TIME}__{self.onward}": key})
        if not beside:
            return rows.filter(behind)
        behind |= Q(**{f"id__{self.onward}": self.place.id})
        # This bound says no more than `behind` does, but by it planners see where to begin in the index.
        return rows.filter(behind, **{f"{TIME}__{self.onward}e": key})

    def stop(self, rows: ExecutionQuerySet, end: Key) -> ExecutionQuerySet:
        """At `end`, if there is one, with what was created at that instant."""
        if end is not None:
            return rows.filter(**{f"{TIME}__{'lte' if self.is_newer else 'gte'}": compared(end)})
        return self._until(rows) if self.is_newer else self._since(rows)

    def nearest(self, ends: Sequence[Any]) -> Key:
        nearest: Key = min(ends) if self.is_newer else max(ends)
        return nearest

    def _lies_outside(self, key: Any) -> bool:
        """Whether it is still on its way to the two times."""
        if self.is_newer:
            return self.since is not None and key < self.since
        return self.until is not None and key >= self.until

    def _from_a_bound(self, rows: ExecutionQuerySet) -> ExecutionQuerySet:
        return self._since(rows) if self.is_newer else self._until(rows)

    def _since(self, rows: ExecutionQuerySet) -> ExecutionQuerySet:
        return rows if self.since is None else rows.filter(**{f"{TIME}__gte": compared(self.since)})

    def _until(self, rows: ExecutionQuerySet) -> ExecutionQuerySet:
        return rows if self.until is None else rows.filter(**{f"{TIME}__lt": compared(self.until)})


def page(whole: ExecutionQuerySet, branches: Sequence[Branch], asked: Asked, cursor: Cursor | None, size: int) -> Page:
    """Of the executions of `whole` that are in a branch. A cursor of one that isn't there leads to the first page."""
    place = _place(cursor)
    walk = Walk(place, bool(cursor and place and cursor.is_newer), _key(asked.since), _key(asked.until))
    end = _end(branches, walk)
    found = _read(whole, [_part(branch, walk, end) for branch in branches], walk, size + 1)
    if walk.is_newer and len(found) <= size and end is None:
        return page(whole, branches, asked, None, size)
    has_more = len(found) > size
    last = _last(found[:size], walk, None if has_more else end)
    onward = Cursor(last, walk.is_newer) if last and (has_more or end is not None) else None
    first = found[0].pk if found else last
    back = Cursor(first, not walk.is_newer) if place and first else None
    if walk.is_newer:
        return Page(found[:size][::-1], newer=onward, older=back)
    return Page(found[:size], newer=back, older=onward, looked_back_to=None if has_more else _moment(end))


def first_ids(branches: Sequence[Branch], asked: Asked, number: int) -> list[UUID]:
    """Of the newest of them, so many at most."""
    found = page(Execution.objects.only("pk"), branches, asked, None, number)
    return [execution.pk for execution in found.executions]


def _place(cursor: Cursor | None) -> Place | None:
    if cursor is None:
        return None
    key = Execution.objects.filter(pk=cursor.id).values_list(key_of("created_at"), flat=True).first()
    return None if key is None else Place(key, cursor.id)


def _key(moment: datetime | None) -> Key:
    return None if moment is None else key_at(moment, shortest=True)


def _end(branches: Sequence[Branch], walk: Walk) -> Key:
    """Of the window in which those branches are looked through that have a test; None if that's to their ends."""
    farthest = Max("key") if walk.is_newer else Min("key")
    ends = []
    for rows, test in branches:
        if test is not None:
            ahead = walk.stop(walk.begin(rows, beside=False), None)
            looked_at = ahead.order_by(walk.terms[0]).values(key=key_of(TIME))[:LOOKED_AT]
            seen = looked_at.aggregate(end=farthest, number=Count("key"))
            ends += [seen["end"]] if seen["number"] == LOOKED_AT else []
    return walk.nearest(ends) if ends else None


def _part(branch: Branch, walk: Walk, end: Key) -> ExecutionQuerySet:
    rows = walk.stop(walk.begin(branch.rows), end)
    return rows if branch.test is None else rows.filter(branch.test)


def _read(whole: ExecutionQuerySet, parts: Sequence[ExecutionQuerySet], walk: Walk, count: int) -> list[Execution]:
    if not parts:
        return []
    parts = [part.order_by(*walk.terms)[:count] for part in parts]
    ids: Any = parts[0].values("pk") if len(parts) == 1 else _united(parts)
    return list(whole.in_time().filter(pk__in=ids).order_by(*walk.terms)[:count])


def _united(parts: Sequence[ExecutionQuerySet]) -> QuerySet[Any, Any]:
    """Each in a subquery of its own, since SQLite takes no LIMIT in the parts of a UNION."""
    first, *others = (Execution.objects.filter(pk__in=part.values("pk")).values("pk") for part in parts)
    return first.union(*others, all=True)


def _last(executions: Sequence[Execution], walk: Walk, end: Key) -> UUID | None:
    """What the next page lies behind: the last one of this page or, if it isn't full, of those that were looked at."""
    if end is None:
        return executions[-1].pk if executions else None
    at_the_end = (
        Execution.objects.in_time(among_all=True)
        .filter(**{TIME: compared(end)})
        .order_by("-id" if walk.is_newer else "id")
    )
    return at_the_end.values_list("pk", flat=True).first()


def _moment(key: Key) -> datetime | None:
    return datetime.fromisoformat(key).replace(tzinfo=UTC) if isinstance(key, str) else key
