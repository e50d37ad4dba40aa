"""The project's settings for processes that tests start: with the actions of this directory."""

from tests.executions.programs.settings import *  # noqa: F403 (settings are added to, not chosen from)
from tests.executions.programs.settings import INSTALLED_APPS as PROGRAMS_APPS

INSTALLED_APPS = [*PROGRAMS_APPS, "tests.executions.misbehaving"]
