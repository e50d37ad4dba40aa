"""Moments at the ends of the calendar."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from workspaces.moments import FIRST, LAST, in_utc, moved

EAST, WEST = timezone(timedelta(hours=14)), timezone(timedelta(hours=-14))
SECOND = timedelta(seconds=1)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "there"),
    [(NOON, NOON), (datetime(2026, 3, 2, 2, tzinfo=EAST), NOON), (datetime(1, 1, 1, tzinfo=EAST), FIRST),
     (datetime(9999, 12, 31, 23, tzinfo=WEST), LAST)],
)  # fmt: skip
def test_what_utc_has_no_year_for_is_at_its_end(moment: datetime, there: datetime) -> None:
    assert in_utc(moment) == there
    assert in_utc(moment).tzinfo is UTC


def test_nothing_is_moved_out_of_the_calendar() -> None:
    assert (moved(NOON, SECOND), moved(NOON, -SECOND)) == (NOON + SECOND, NOON - SECOND)
    assert (moved(FIRST, -SECOND), moved(LAST, SECOND)) == (FIRST, LAST)
    assert moved(datetime(1, 1, 1, tzinfo=EAST), -SECOND) == FIRST
