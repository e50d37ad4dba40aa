"""What is wrong in the environment, as system checks: `manage.py check`, every command and the server say it."""

import sys
from typing import Any

from celery import current_app
from django.conf import settings
from django.core import checks
from kombu.exceptions import OperationalError

from config.environment import NEW_KEY, PROBLEMS
from executions.engine.isolation import ALL
from workflows.actions.registry import ACTIONS, ActionType


def environment(**_: Any) -> list[checks.CheckMessage]:
    """One error for each variable that is wrong, with its mend."""
    return [
        checks.Error(f"{problem.name}: {problem.message}", hint=problem.mend, id="trilith.E001")
        for problem in sorted(PROBLEMS, key=lambda problem: problem.name)
    ]


def refuse_wrong_environment() -> None:
    """Ends a process that runs no checks by itself: a server, a worker of Celery's."""
    if faults := environment():
        sys.exit("\n".join(f"{fault.msg}\n\t{fault.hint}" for fault in faults))


def hosts(**_: Any) -> list[checks.CheckMessage]:
    """A warning where any name is answered to, and so anybody may choose the one that links are made of."""
    if settings.DEBUG or "*" not in settings.ALLOWED_HOSTS:
        return []
    hint = "Name them, such as trilith.example; a leading dot takes the subdomains too."
    return [checks.Warning("ALLOWED_HOSTS: * answers to every name.", hint=hint, id="trilith.W002")]


def secrets_keys(**_: Any) -> list[checks.CheckMessage]:
    """A warning where secrets hang on the key of sessions, which may have to be changed in a hurry."""
    if len(settings.SECRETS_KEYS) > 1:
        return []
    hint = f"Set a key of their own before there are secrets, or rotate them to it; {NEW_KEY}"
    message = "SECRETS_KEYS: not set, so secrets can be read only as long as SECRET_KEY stays what it is."
    return [checks.Warning(message, hint=hint, id="trilith.W003")]


def isolated_actions(**_: Any) -> list[checks.CheckMessage]:
    """A warning for each name that isolates nothing."""
    found = {name: ACTIONS.get(name) for name in settings.ISOLATED_ACTIONS - {ALL}}
    hint = "Name action types whose handlers can be called in another process, or * for all of those."
    return [
        checks.Warning(f"ISOLATED_ACTIONS: {name!r} {why}.", hint=hint, id="trilith.W004")
        for name, kind in sorted(found.items())
        if (why := _why_not_isolated(kind))
    ]


def _why_not_isolated(kind: ActionType | None) -> str:
    if kind is None:
        return "is no action type"
    return "works inside its process alone" if kind.isolated is False or not kind.can_be_isolated else ""


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
