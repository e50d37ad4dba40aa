"""The project's settings for servers that these tests start: with the tests' actions, and as their orders say."""

from tests.executions.programs.settings import *  # noqa: F403 (settings are added to, not chosen from)
from tests.executions.programs.settings import INSTALLED_APPS as WITH_ACTIONS

INSTALLED_APPS = [*WITH_ACTIONS, "tests.stream.programs"]
