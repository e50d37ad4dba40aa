"""The settings of the processes that these tests start."""

from tests.executions.programs.settings import *  # noqa: F403 (settings are added to, not chosen from)
from tests.executions.programs.settings import INSTALLED_APPS as EARLIER_APPS

INSTALLED_APPS = [*EARLIER_APPS, "tests.chaos.programs"]
