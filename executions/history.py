"""Pages of a workflow's executions, by offset or by cursor, that cost about the same in a million as in a thousand."""

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F, OrderBy, Q, QuerySet

from executions.models import Execution, ExecutionQuerySet
from executions.selection import Filters, Key, branches_of, compared, key_of, total_of
from workflows.documents import Json
from workflows.models import Workflow

COLUMNS = {"createdAt": "created_at", "startedAt": "started_at"}
WALKED_UP_TO = 100
"""The offset up to which the executions before a page are read too: it costs less than another query."""
MOST_EQUALS = 20
"""How many executions of one instant a deeper offset is prepared for; more of them cost time, and nothing else."""
MAX_CURSOR_CHARACTERS = 300
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(\+00:00)?")

type Rows = Sequence[ExecutionQuerySet]
type Pairs = QuerySet[Execution, tuple[datetime | None, Key]]


@dataclass(frozen=True, slots=True)
class Page:
    """`offset` of a cursor's page: how many came before it on the way there."""

    executions: list[Execution]
    total: int
    total_is_estimate: bool
    offset: int
    limit: int
    has_more: bool
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Order:
    """By one of COLUMNS, then by id. What hasn't started counts as the latest."""

    sort_by: str
    descending: bool
    has_nulls: bool

    @property
    def column(self) -> str:
        return COLUMNS[self.sort_by]

    @property
    def onward(self) -> str:
        return "lt" if self.descending else "gt"

    @property
    def terms(self) -> tuple[OrderBy, OrderBy]:
        """Of NULLs it says what PostgreSQL does unasked, since SQLite's indexes give that order only if asked to."""
        first, last = self.has_nulls and self.descending, self.has_nulls and not self.descending
        by_time = OrderBy(F(self.column), self.descending, nulls_first=first or None, nulls_last=last or None)
        return by_time, OrderBy(F("id"), self.descending)

    def reversed(self) -> "Order":
        return replace(self, descending=not self.descending)


@dataclass(frozen=True, slots=True)
class Place:
    """Behind the execution `id`, or before the first one of this `key`, by the column of an order."""

    key: Key
    id: UUID | None
    offset: int = 0


def page(
    workflow: Workflow,
    filters: Filters | None = None,
    *,
    sort_by: str | None = None,
    descending: bool = True,
    offset: int = 0,
    limit: int = 20,
    cursor: str | None = None,
) -> Page:
    """The executions from `offset` on or, with a `cursor`, behind the page that gave it, which new ones don't move.

    Sorted by createdAt, but by startedAt where that is filtered by; an execution that starts between two pages by
    startedAt changes its place. Raises ValueError for a cursor that is none, or is of another order.
    """
    filters = filters or Filters()
    sort_by = sort_by or ("startedAt" if filters.by_start else "createdAt")
    order = Order(sort_by, descending, has_nulls=sort_by == "startedAt" and not filters.by_start)
    place = None if cursor is None else _decoded(cursor, order)
    branches = branches_of(workflow, filters)
    total, is_estimate = total_of(workflow, filters, branches)
    rows = tuple(branches.values())
    if place:
        offset, found = place.offset, _read(_parts(rows, order, place), order, 0, limit + 1)
    elif is_estimate or offset <= total / 2:
        found = _from_offset(rows, order, offset, limit + 1)
    else:
        found = _from_the_end(rows, order, offset, limit + 1, total)
    executions, has_more = found[:limit], len(found) > limit
    next_cursor = _encoded(order, executions[-1], offset + limit) if has_more else None
    return Page(executions, total, is_estimate, offset, limit, has_more, next_cursor)


def pagination_json(page: Page) -> dict[str, Json]:
    estimate: dict[str, Json] = {"totalIsEstimate": True} if page.total_is_estimate else {}
    return {
        "total": page.total,
        **estimate,
        "offset": page.offset,
        "limit": page.limit,
        "hasMore": page.has_more,
        "nextCursor": page.next_cursor,
    }


# Where


def _from_offset(rows: Rows, order: Order, offset: int, count: int) -> list[Execution]:
    """By way of the time at that offset, which the index alone tells, and of how many before it have the same."""
    if offset <= WALKED_UP_TO:
        return _read(rows, order, offset, count)
    keys = _keys(rows, order, offset - MOST_EQUALS, offset + 1)
    if len(keys) <= MOST_EQUALS:
        return []
    if keys[-1] == keys[0]:
        return _read(rows, order, offset, count)
    return _read(_parts(rows, order, Place(keys[-1], None)), order, keys.count(keys[-1]) - 1, count)


def _from_the_end(rows: Rows, order: Order, offset: int, count: int, total: int) -> list[Execution]:
    count = min(count, total - offset)
    return _from_offset(rows, order.reversed(), total - offset - count, count)[::-1] if count > 0 else []


def _keys(rows: Rows, order: Order, start: int, stop: int) -> list[Key]:
    by_time, _ = order.terms
    parts: list[Pairs] = [part.annotate(key=key_of(order.column)).values_list(order.column, "key") for part in rows]
    if len(parts) > 1 and connection.vendor == "postgresql":
        parts = [part.order_by(by_time)[:stop] for part in parts]  # SQLite takes no LIMIT here, and merges them without
    first, *others = parts
    whole = first.union(*others, all=True) if others else first
    return [key for _, key in whole.order_by(by_time)[start:stop]]


def _parts(rows: Rows, order: Order, place: Place) -> Rows:
    """What comes from this place on, in parts that an index leads to each: NULLs aren't in a range."""
    return [part for branch in rows for part in _parts_of(branch, order, place)]


def _parts_of(rows: ExecutionQuerySet, order: Order, place: Place) -> Rows:
    started, unstarted = (rows.filter(**{f"{order.column}__isnull": null}) for null in (False, True))
    behind = Q(**{f"id__{order.onward}": place.id}) if place.id else Q()
    if place.key is None:
        return [unstarted.filter(behind), started] if order.descending else [unstarted.filter(behind)]
    key = compared(place.key)
    if place.id:
        behind |= Q(**{f"{order.column}__{order.onward}": key})
    # This bound says no more than `behind` does, but by it planners see where to begin in the index.
    ranged = rows.filter(behind, **{f"{order.column}__{order.onward}e": key})
    return [ranged, unstarted] if order.has_nulls and not order.descending else [ranged]


def _read(rows: Rows, order: Order, start: int, count: int) -> list[Execution]:
    """With all that is told of them, in two queries."""
    stop = start + count
    found = rows[0] if len(rows) == 1 else _united([part.order_by(*order.terms)[:stop] for part in rows])
    whole = found.select_related("version").defer("version__definition").prefetch_related("steps")
    return list(whole.annotate(key=key_of(order.column)).order_by(*order.terms)[start:stop])


def _united(rows: Rows) -> ExecutionQuerySet:
    """Each in a subquery of its own, since SQLite takes no LIMIT in the parts of a UNION."""
    first, *others = (Execution.objects.filter(pk__in=part).values("pk") for part in rows)
    return Execution.objects.filter(pk__in=first.union(*others, all=True))


# The cursor


def _encoded(order: Order, last: Execution, offset: int) -> str:
    key: Key = vars(last)["key"]
    place = [order.sort_by, order.descending, key and str(key), str(last.pk), offset]
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def _decoded(cursor: str, order: Order) -> Place:
    try:
        sort_by, descending, place = _read_cursor(cursor)
    except (TypeError, ValueError) as error:
        raise ValueError("This is no cursor; take the `nextCursor` of a page as it is.") from error
    if (sort_by, descending) != (order.sort_by, order.descending) or (place.key is None and not order.has_nulls):
        raise ValueError("This cursor is of a list in another order; begin again without it.")
    return place


def _read_cursor(cursor: str) -> tuple[Any, Any, Place]:
    if len(cursor) > MAX_CURSOR_CHARACTERS:
        raise ValueError
    padded = cursor + "=" * (-len(cursor) % 4)
    sort_by, descending, key, last, offset = json.loads(base64.b64decode(padded, altchars="-_", validate=True))
    if not (isinstance(last, str) and isinstance(offset, int) and offset >= 0):
        raise TypeError
    return sort_by, descending, Place(None if key is None else _read_key(key), UUID(last), offset)


def _read_key(text: str) -> Key:
    if not _TIME.fullmatch(text):
        raise ValueError
    moment = datetime.fromisoformat(text)
    return text if connection.vendor == "sqlite" else moment.replace(tzinfo=UTC)
