"""Cursors into a history: which are taken, and which are refused."""

import base64
import json
from typing import Any

import pytest

from executions import history
from executions.selection import Filters
from tests.executions.histories import NOON, an_execution, save, whole
from tests.factories import WorkflowFactory
from workflows.models import Workflow

pytestmark = pytest.mark.django_db


@pytest.fixture
def workflow() -> Workflow:
    return WorkflowFactory.create()


def _written(*place: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


ID = "019b6caa-dd75-7000-8891-00000001868c"
TIME = "2026-03-01 12:00:00"
NO_CURSORS = {
    "empty": "",
    "a word": "next",
    "a letter": "A",
    "no ASCII": "é" * 8,
    "a right one and spaces": _written("createdAt", True, TIME, ID, 0) + " " * 4,
    "long": "A" * 100_000,
    "deep": base64.urlsafe_b64encode(b"[" * 150).decode(),
    "no JSON": base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    "a number": base64.urlsafe_b64encode(b"5").decode(),
    "nothing in it": _written(),
    "too much in it": _written("createdAt", True, TIME, ID, 0, 0),
    "no id": _written("createdAt", True, TIME, "1", 0),
    "an id that is none": _written("createdAt", True, TIME, 5, 0),
    "no time": _written("createdAt", True, "yesterday", ID, 0),
    "a time that is a number": _written("createdAt", True, 5, ID, 0),
    "a time that never was": _written("createdAt", True, "2026-02-30 12:00:00", ID, 0),
    "a time of another calendar": _written("createdAt", True, "2026-W01-1", ID, 0),
    "digits of another script": _written("createdAt", True, "\uff12026-03-01 12:00:00", ID, 0),
    "SQL": _written("createdAt", True, "2026-03-01 12:00:00' OR 1=1 --", ID, 0),
    "no offset": _written("createdAt", True, TIME, ID, None),
    "an offset below nothing": _written("createdAt", True, TIME, ID, -1),
}


@pytest.mark.parametrize("cursor", NO_CURSORS.values(), ids=NO_CURSORS)
def test_what_is_no_cursor_is_refused(workflow: Workflow, cursor: str) -> None:
    with pytest.raises(ValueError, match="no cursor"):
        history.page(workflow, cursor=cursor)


def test_they_would_be_taken_if_they_were_right(workflow: Workflow) -> None:
    (execution,) = save(workflow, [an_execution(workflow, created=-1)])

    page = history.page(workflow, cursor=_written("createdAt", True, TIME, ID, 3))

    assert (page.executions, page.offset) == ([execution], 3)


@pytest.mark.parametrize(
    "other",
    [
        {"sort_by": "createdAt"},
        {"sort_by": "startedAt", "descending": False},
        {"sort_by": "startedAt", "filters": Filters(started_from=NOON)},
    ],
)
def test_a_cursor_of_another_order_is_refused(workflow: Workflow, other: dict[str, Any]) -> None:
    """The last, since it leads behind an execution that hasn't started, which that list can't have."""
    save(workflow, [an_execution(workflow, started=None, status="PENDING") for _ in range(2)])
    cursor = history.page(workflow, sort_by="startedAt", limit=1).next_cursor

    with pytest.raises(ValueError, match="another order"):
        history.page(workflow, cursor=cursor, **other)


def test_a_cursor_outlives_the_execution_that_it_leads_behind(workflow: Workflow) -> None:
    save(workflow, [an_execution(workflow, minute) for minute in range(3)])
    page = history.page(workflow, limit=2)
    last = whole(workflow)[-1]
    page.executions[-1].delete()

    assert history.page(workflow, cursor=page.next_cursor).executions == [last]
