"""What is wrong in the environment, as system checks: `manage.py check`, every command and the server say it."""

from typing import Any

from celery import current_app
from django.conf import settings
from django.core import checks
from kombu.exceptions import OperationalError

from config.environment import PROBLEMS


def environment(**_: Any) -> list[checks.CheckMessage]:
    """One error for each variable that is wrong, with its mend."""
    return [
        checks.Error(f"{problem.name}: {problem.message}", hint=problem.mend, id="trilith.E001")
        for problem in sorted(PROBLEMS, key=lambda problem: problem.name)
    ]


def broker(**_: Any) -> list[checks.CheckMessage]:
    """A warning while the broker can't be reached: what starts meanwhile is accepted, and runs once it can be."""
    if settings.DISPATCHER != "celery" or not settings.CELERY_BROKER_URL:
        return []
    try:
        with current_app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, interval_start=0)
    except OperationalError as error:
        reason = type(error.__cause__ or error).__name__
        hint = "Start it, or correct CELERY_BROKER_URL; executions are accepted, and wait until it answers."
        return [
            checks.Warning(f"CELERY_BROKER_URL: the broker doesn't answer ({reason}).", hint=hint, id="trilith.W001")
        ]
    return []
