"""What a message to a worker asks for: to carry an execution on for a bounded time."""

import threading
from uuid import UUID

from executions.engine import clock, due, journal, suspects
from executions.engine.journal import Claim
from executions.engine.picking import NOBODY

SLICE_SECONDS = 10.0
BEHIND_SECONDS = 1.0

_stopping = threading.Event()
_turn = NOBODY


def advance(execution_id: UUID) -> None:
    """Carries an execution on until it ends, sleeps, or the slice is over: then it's handed back, due at once.

    That is this one if it is due. But while there is more to do than workers do, a message stands for a turn, and the
    turn is that of the next workspace: messages come in the order of their starts, and one may have started thousands.
    """
    claim = _claimed(execution_id)
    if claim is None:
        return
    ends_at = clock.monotonic() + SLICE_SECONDS
    suspects.carry_on(claim, should_stop=lambda: _stopping.is_set() or clock.monotonic() > ends_at)


def stop() -> None:
    """Has those that run now, and any after them, handed back at their next step."""
    _stopping.set()


def _claimed(execution_id: UUID) -> Claim | None:
    global _turn  # noqa: PLW0603 (whose turn it is next in this process)
    if due.seconds_behind() < BEHIND_SECONDS:
        return journal.claim(execution_id)
    for claim in journal.claim_by_turns(1, after=_turn):
        _turn = claim.assignment.workspace_id
        return claim
    return None
