"""The project's settings without the theme: the admin is Django's own."""

from config.settings import *  # noqa: F403 (settings are taken away from, not chosen from)
from config.settings import INSTALLED_APPS as PROJECT_APPS

INSTALLED_APPS = [app for app in PROJECT_APPS if not app.startswith("unfold")]
