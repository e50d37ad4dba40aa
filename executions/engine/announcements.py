"""Says that an execution has changed, to whoever wants to hear it: a hint that saves time and carries no truth.

Within the process it is a call after the commit. On PostgreSQL other processes are notified: by a `telling.Teller`
where this process has one, by the commit itself where it hasn't.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from django.db import transaction

from executions.engine import faults

CHANNEL = "trilith_executions"
DUE_CHANNEL = "trilith_due"
"""For those who carry executions on: something is due. It has no payload."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """The execution has come to this position in its order of events; 0: it is due, as after its start."""

    execution_id: UUID
    workspace_id: UUID
    position: int

    def __str__(self) -> str:
        """The payload of a notification."""
        return f"{self.execution_id} {self.workspace_id} {self.position}"

    def notifications(self) -> list[tuple[str, str]]:
        """By channel, what to tell other processes."""
        return [(CHANNEL, str(self)), *([(DUE_CHANNEL, "")] if self.is_due else [])]

    @property
    def is_due(self) -> bool:
        return self.position == 0

    @classmethod
    def parse(cls, payload: str) -> "Announcement":
        execution_id, workspace_id, position = payload.split(" ")
        return cls(UUID(execution_id), UUID(workspace_id), int(position))


type Hearer = Callable[[Announcement], None]
_hearers: list[Hearer] = []
_tellers: list[Hearer] = []


def hear(hearer: Hearer) -> None:
    """Has `hearer` called after each commit of this process, from the thread that made it."""
    _hearers.append(hearer)


def stop_hearing(hearer: Hearer) -> None:
    _hearers.remove(hearer)


@contextmanager
def told_by(teller: Hearer) -> Iterator[None]:
    """For as long as the block lasts, `teller` notifies the other processes, and commits don't."""
    _tellers.append(teller)
    try:
        yield
    finally:
        _tellers.remove(teller)


def is_told() -> bool:
    """Whether the other processes hear of a commit without its saying so itself."""
    return bool(_tellers)


def announce(announcement: Announcement) -> None:
    """Once the transaction has committed, at once where there is none."""
    for hearer in (*_hearers, *_tellers):
        transaction.on_commit(partial(_tell, hearer, announcement), robust=True)


def _tell(hearer: Hearer, announcement: Announcement) -> None:
    faults.reach("announce.before")
    hearer(announcement)
