"""Actions of a later release, which not every worker has."""

import os

from workflows.actions.context import ActionContext
from workflows.actions.registry import ActionConfig, action


class EmptyConfig(ActionConfig):
    pass


@action("test_of_next_release", config=EmptyConfig)
def of_next_release(config: EmptyConfig, context: ActionContext) -> int:
    """Gives the process that it ran in."""
    return os.getpid()
