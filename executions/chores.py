"""What one process of all does now and then: by the database's clock, under a lease, fenced as executions are."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import F

from executions.engine.statements import time_of
from executions.engine.transactions import write_transaction
from executions.models import Chore

LEASE = timedelta(seconds=60)

type Schedule = Callable[[datetime], datetime]
"""Gives the next time after this one."""


@dataclass(frozen=True, slots=True)
class Turn:
    """This process's turn at a chore, for as long as its epoch is the latest."""

    name: str
    epoch: int


def take(name: str, schedule: Schedule) -> Turn | None:
    """The turn, if the chore is due: on schedule, or left behind by a process that died.

    Seen for the first time it isn't due at once, but on schedule; where that was changed, the new one holds.
    """
    now = time_of(connection)
    chore = Chore.objects.filter(pk=name).first()
    if chore and chore.due_at <= now:
        return _claimed(chore, now)
    if chore is None:
        Chore.objects.bulk_create([Chore(name=name, due_at=schedule(now), ended_at=now)], ignore_conflicts=True)
    elif chore.ended_at and chore.due_at != (due_at := schedule(now)):
        Chore.objects.filter(pk=name, epoch=chore.epoch, ended_at__isnull=False).update(due_at=due_at)
    return None


def _claimed(chore: Chore, now: datetime) -> Turn | None:
    """Of several that find it due, one moves the epoch on."""
    with write_transaction():
        mine = Chore.objects.filter(pk=chore.name, epoch=chore.epoch)
        claimed = mine.update(epoch=F("epoch") + 1, due_at=now + LEASE, begun_at=now, ended_at=None)
    return Turn(chore.name, chore.epoch + 1) if claimed else None


def keep(turn: Turn) -> bool:
    """Pushes the lease on; False when another process has the turn."""
    return _write(turn, due_at=time_of(connection) + LEASE)


def finish(turn: Turn, schedule: Schedule) -> None:
    now = time_of(connection)
    _write(turn, due_at=schedule(now), ended_at=now)


def hand_back(turn: Turn) -> None:
    """Due at once, for another process."""
    _write(turn, due_at=time_of(connection))


def _write(turn: Turn, **fields: datetime) -> bool:
    with write_transaction():
        return bool(Chore.objects.filter(pk=turn.name, epoch=turn.epoch).update(**fields))
