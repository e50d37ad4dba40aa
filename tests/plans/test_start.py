"""The start page finds what it shows by indexes among a hundred thousand executions, and reads no more than it says."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from executions.admin import overview
from executions.models import Execution
from tests.plans.many_rows import BUSY, WORKSPACES
from tests.plans.plans import plans_of, rows_read_by
from workspaces.access import Verb
from workspaces.admin.reach import Reach
from workspaces.models import Role

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

SMALL = {"workspaces_workspace"}
EVERYTHING, ONE = Reach(None), Reach({BUSY: Role.GUEST})
SOME = Reach({UUID(int=number): Role.GUEST for number in range(1, 20)})


def _of(reach: Reach) -> Collection[UUID]:
    """Known before, so that no plan is asked for of how they were found."""
    within = reach.where(Verb.READ)
    return [UUID(int=number) for number in range(1, WORKSPACES + 1)] if within is None else within


READS: dict[str, tuple[Callable[[Reach, datetime], object], int]] = {
    "unfinished": (overview.unfinished, 2 * overview.LOOKED_AT + 200),
    "ended": (lambda reach, now: overview.ended(_of(reach), now), 4 * 1_440 + 400),
    "failed": (lambda reach, now: overview.failed(_of(reach), now - timedelta(days=1)), 2 * 1_440 + 400),
    "worst": (lambda reach, now: overview.worst(_of(reach), now - timedelta(days=1)), 4 * 1_440 + 400),
}
"""Each with how many rows it may read: what it looks at, and of the 1,440 that ended in a day all, some times over."""


@pytest.mark.parametrize("reach", [EVERYTHING, ONE, SOME], ids=["everything", "one", "some"])
@pytest.mark.parametrize("name", READS)
def test_what_it_shows_is_found_by_an_index(name: str, reach: Reach) -> None:
    read, most = READS[name]

    plans = plans_of(lambda: read(reach, timezone.now()))

    for plan in plans:
        assert plan.indexes & {"execution_due", "execution_by_end"}, plan.text
        assert plan.whole <= SMALL, plan.text
    assert rows_read_by(lambda: read(reach, timezone.now())) <= most


def test_it_stops_looking_where_too_many_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, "ENDED_AT_MOST", 100)

    assert overview.ended(overview.workspaces_in(EVERYTHING), timezone.now()).period.words == "60 minutes"


def test_of_what_has_not_ended_it_looks_at_no_more_than_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, "LOOKED_AT", 50)
    assert Execution.objects.unfinished().count() == 1_000

    for reach, most in ((EVERYTHING, 100), (ONE, 50)):
        unfinished = overview.unfinished(reach, timezone.now())
        looked_at = (*unfinished.at_work, *unfinished.asleep, *unfinished.due, *unfinished.left)
        assert unfinished.is_cut
        assert len(looked_at) <= most
