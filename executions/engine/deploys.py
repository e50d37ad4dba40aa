"""An action that this process doesn't know may be of a release that others run already: for a while it is theirs."""

import logging
from uuid import UUID

from executions.engine import clock
from workflows.actions import registry

PATIENCE_SECONDS = 300.0
DELAY_SECONDS = 5.0
"""After which an execution that is handed back is due again."""

logger = logging.getLogger(__name__)

type Key = tuple[UUID, str]
_met: dict[Key, tuple[float, float]] = {}
"""By execution and action, when this process met it first and last; those it met last come last."""


def is_for_others(execution_id: UUID, action_id: str, action_type: str) -> bool:
    """Whether the action is unknown here, and hasn't been for so long that nobody can be expected to know it."""
    if action_type in registry.ACTIONS:
        return False
    now = clock.monotonic()
    _forget_before(now - PATIENCE_SECONDS)
    first, _ = _met.pop((execution_id, action_id), (now, now))
    if now - first >= PATIENCE_SECONDS:
        return False
    _met[execution_id, action_id] = first, now
    if first == now:
        logger.warning("execution %s is for others: this process has no action %r", execution_id, action_type)
    return True


def _forget_before(moment: float) -> None:
    """Others have taken them up."""
    while _met and next(iter(_met.values()))[1] < moment:
        del _met[next(iter(_met))]
