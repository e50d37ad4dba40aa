"""The project's settings for processes that tests start: with the actions and the crash points of this directory."""

from config.settings import *  # noqa: F403 (settings are added to, not chosen from)
from config.settings import INSTALLED_APPS as PROJECT_APPS

INSTALLED_APPS = [*PROJECT_APPS, "tests.executions.programs"]
