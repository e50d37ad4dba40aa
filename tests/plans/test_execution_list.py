"""The list finds its rows by indexes among a hundred thousand, and reads no more than it says."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from executions.admin import branches
from executions.admin.branches import find, in_reach
from executions.admin.changelist import RELATED
from executions.admin.filters import Asked
from executions.admin.paging import LOOKED_AT, Cursor, page
from executions.models import Execution
from tests.plans.many_rows import BUSY, ROWS
from tests.plans.plans import plans_of, rows_read_by
from workspaces.admin.reach import Reach
from workspaces.models import Role

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

SIZE = 50
SMALL = {"workspaces_workspace", "workspaces_organization", "auth_user"}
MIDDLE = UUID(int=ROWS // 2)
EVERYTHING, ONE, LITTLE = Reach(None), Reach({BUSY: Role.GUEST}), Reach({UUID(int=77): Role.GUEST})
SOME = Reach({UUID(int=number): Role.GUEST for number in range(1, 20)})
MANY = Reach({UUID(int=number): Role.GUEST for number in range(50, 50 + branches.MOST_WORKSPACES + 20)})
PAGE, WINDOW = 800, 3 * LOOKED_AT
"""So many rows a page may read for its answer, and so many where it looks through what no index knows."""
UNFINISHED = 6 * ROWS // 100
"""One in a hundred hasn't ended; PostgreSQL sorts them, or finds a page of them among the newest."""
RARE = ("TIMEOUT",)
LISTS: list[tuple[str, Reach, Asked, int]] = [
    ("all", EVERYTHING, Asked(), PAGE),
    ("failed", EVERYTHING, Asked(statuses=("FAILED",)), PAGE),
    ("failed or timed out", EVERYTHING, Asked(statuses=("FAILED", "TIMEOUT")), PAGE),
    ("completed", EVERYTHING, Asked(statuses=("COMPLETED",)), WINDOW),
    ("unfinished", EVERYTHING, Asked(statuses=("PENDING", "RUNNING")), UNFINISHED),
    ("pending", EVERYTHING, Asked(statuses=("PENDING",)), UNFINISHED),
    ("of a workspace", EVERYTHING, Asked(workspace=BUSY), PAGE),
    ("timed out in a workspace", EVERYTHING, Asked(workspace=BUSY, statuses=RARE), PAGE),
    ("of a workflow", EVERYTHING, Asked(workflow=BUSY), PAGE),
    ("timed out of a workflow", EVERYTHING, Asked(workflow=BUSY, statuses=RARE), PAGE),
    ("rare trigger", EVERYTHING, Asked(trigger_type="webhook"), WINDOW),
    ("rare trigger of a workflow", EVERYTHING, Asked(workflow=BUSY, trigger_type="webhook"), PAGE),
    ("dry runs", EVERYTHING, Asked(is_simulation=True), WINDOW),
    ("real runs", EVERYTHING, Asked(is_simulation=False), WINDOW),
    ("of a week", EVERYTHING, Asked(since=timezone.now() - timedelta(days=40), until=timezone.now()), PAGE),
    ("error", EVERYTHING, Asked(text="no such text", only_errors=True), WINDOW),
    ("one workspace's", ONE, Asked(), PAGE),
    ("one workspace's failed", ONE, Asked(statuses=("FAILED",)), PAGE),
    ("one workspace's unfinished", ONE, Asked(statuses=("PENDING", "RUNNING")), UNFINISHED),
    ("a little workspace's", LITTLE, Asked(), PAGE),
    ("a little workspace's timed out", LITTLE, Asked(statuses=RARE), PAGE),
    ("a little workspace's completed", LITTLE, Asked(statuses=("COMPLETED",)), WINDOW),
    ("a little workspace's pending", LITTLE, Asked(statuses=("PENDING",)), PAGE),
    ("some workspaces'", SOME, Asked(), 4 * PAGE),
    ("some workspaces' failed", SOME, Asked(statuses=("FAILED", "TIMEOUT")), 4 * PAGE),
    ("many workspaces'", MANY, Asked(), WINDOW),
    ("many workspaces' failed", MANY, Asked(statuses=("FAILED", "TIMEOUT")), WINDOW),
]


def whole(reach: Reach) -> Any:
    """As the changelist asks."""
    return in_reach(Execution.objects.all(), reach).select_related(*RELATED)


@pytest.mark.parametrize(
    "cursor", [None, Cursor(MIDDLE), Cursor(MIDDLE, is_newer=True)], ids=["first", "older", "newer"]
)
@pytest.mark.parametrize(("name", "reach", "asked", "most"), LISTS, ids=[name for name, *_ in LISTS])
def test_a_page_is_found_by_indexes(name: str, reach: Reach, asked: Asked, most: int, cursor: Cursor | None) -> None:
    found = find(asked, reach)

    def read() -> None:
        page(whole(reach), found.branches, asked, cursor, SIZE)

    for plan in plans_of(read):
        assert plan.whole <= SMALL, plan.text
    assert rows_read_by(read) <= most
