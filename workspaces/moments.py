"""Times at the ends of the calendar, where UTC or a margin would lead out of it: they stay at its first or last."""

from datetime import UTC, datetime, timedelta

FIRST = datetime.min.replace(tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=UTC)


def in_utc(moment: datetime) -> datetime:
    """The same moment, of one that has a zone."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return FIRST if moment.year == FIRST.year else LAST


def moved(moment: datetime, by: timedelta) -> datetime:
    """So much later, or earlier; in UTC."""
    try:
        return in_utc(moment) + by
    except OverflowError:
        return FIRST if by < timedelta(0) else LAST
