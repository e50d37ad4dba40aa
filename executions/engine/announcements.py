"""Says that an execution has changed, to whoever wants to hear it: a hint that saves time and carries no truth.

Within the process it is a call after the commit. On PostgreSQL the same goes to other processes as a notification,
sent with the commit itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from django.db import transaction

CHANNEL = "trilith_executions"


@dataclass(frozen=True, slots=True)
class Announcement:
    """The execution has come to this position in its order of events; 0: it was started."""

    execution_id: UUID
    workspace_id: UUID
    position: int

    def __str__(self) -> str:
        """The payload of a notification."""
        return f"{self.execution_id} {self.workspace_id} {self.position}"

    @classmethod
    def parse(cls, payload: str) -> "Announcement":
        execution_id, workspace_id, position = payload.split(" ")
        return cls(UUID(execution_id), UUID(workspace_id), int(position))


type Hearer = Callable[[Announcement], None]
_hearers: list[Hearer] = []


def hear(hearer: Hearer) -> None:
    """Has `hearer` called after each commit of this process, from the thread that made it."""
    _hearers.append(hearer)


def stop_hearing(hearer: Hearer) -> None:
    _hearers.remove(hearer)


def announce(announcement: Announcement) -> None:
    """Once the transaction has committed, at once where there is none."""
    for hearer in tuple(_hearers):
        transaction.on_commit(partial(hearer, announcement), robust=True)
