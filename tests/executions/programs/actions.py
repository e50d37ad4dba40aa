"""Actions that show where they run, or don't listen."""

import logging
import os
import time

from workflows.actions.context import ActionContext
from workflows.actions.registry import ActionConfig, action


class SecondsConfig(ActionConfig):
    seconds: float


@action("test_pid", config=SecondsConfig)
def pid(config: SecondsConfig, _context: ActionContext) -> int:
    """Works for a while; gives the process that it ran in."""
    time.sleep(config.seconds)
    return os.getpid()


@action("test_deaf", config=SecondsConfig)
def deaf(config: SecondsConfig, _context: ActionContext) -> None:
    """Listens to nothing until its time is over."""
    time.sleep(config.seconds)


@action("test_deaf_inside", config=SecondsConfig, transactional=True)
def deaf_inside(config: SecondsConfig, _context: ActionContext) -> None:
    """The same inside the transaction of its step."""
    time.sleep(config.seconds)


class TextConfig(ActionConfig):
    text: str


@action("test_log", config=TextConfig)
def log(config: TextConfig, _context: ActionContext) -> str:
    """Says in the log that it works, and gives the text."""
    logging.getLogger("executions.of_a_test").info("at work")
    return config.text


class NoConfig(ActionConfig):
    pass


@action("test_nothing", config=NoConfig)
def nothing(_config: NoConfig, _context: ActionContext) -> None:
    """Does nothing, as what is measured beside it takes the time."""
