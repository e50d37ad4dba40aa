"""The cells of a list of executions."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from executions.durations import duration
from executions.models import Execution
from executions.representation import progress_json
from executions.states import ExecutionStatus
from workspaces.admin.badges import badge, look

NOTHING = mark_safe('<span class="t-faint">&ndash;</span>')
MOST_CHARACTERS = 140
"""Of an error's message; the whole of it is on the execution's page."""


def name(execution: Execution) -> SafeString:
    """The workflow's, with the first and the last characters of the id, when it began, and why it failed."""
    shown = str(execution.pk)
    cell = (
        '<span class="t-name">{}</span><span class="t-mono t-faint t-id" title="{}">{}…{}</span>'
        '<span class="t-begun">{}</span>'
    )
    begun = _time(execution.started_at or execution.created_at)
    named = format_html(cell, execution.workflow.name, shown, shown[:13], shown[-4:], begun)
    message = str((execution.error or {}).get("message", ""))
    if not message or execution.status == ExecutionStatus.CANCELLED:
        return named
    short = message if len(message) <= MOST_CHARACTERS else f"{message[:MOST_CHARACTERS]}…"
    return format_html('{}<span class="t-why" title="{}">{}</span>', named, message, short)


def status(execution: Execution) -> SafeString:
    """With a mark on what only pretended to run."""
    shown = badge(_state(execution))
    return format_html('{}<span class="t-mark">Dry run</span>', shown) if execution.is_simulation else shown


def trigger(execution: Execution) -> SafeString:
    """With who, if it was somebody."""
    if execution.triggered_by is None:
        return format_html("{}", execution.trigger_type)
    who = execution.triggered_by.get_username()
    return format_html('{}<span class="t-second">{}</span>', execution.trigger_type, who)


def started(execution: Execution) -> SafeString:
    """Or, for one that hasn't started, when it was asked for."""
    if execution.started_at:
        return _time(execution.started_at)
    return format_html(
        '<span class="t-faint">{}</span><span class="t-second">asked for</span>', _time(execution.created_at)
    )


def took(execution: Execution) -> str | SafeString:
    """From its start to its end, or so far."""
    if execution.started_at is None:
        return NOTHING
    until = execution.completed_at or timezone.now()
    words = duration((until - execution.started_at).total_seconds())
    return words if execution.completed_at else format_html('{}<span class="t-second">so far</span>', words)


def progress(execution: Execution) -> SafeString:
    """How many of its steps are done; of what has ended too early, how many had been."""
    shown: Any = progress_json(execution, running=0)
    done, total = shown["completedSteps"], shown["totalSteps"]
    is_cut_short = execution.has_ended and execution.status != ExecutionStatus.COMPLETED
    share = done * 100 // max(1, total) if is_cut_short else shown["percentage"]
    return format_html(
        '<span class="{}"><span class="t-bar" title="{} of {} steps"><svg viewBox="0 0 100 10" aria-hidden="true"'
        ' preserveAspectRatio="none"><rect width="{}" height="10"/></svg></span></span>'
        '<span class="t-faint t-count">{}/{}</span>',
        look(_state(execution)), done, total, share, done, total,
    )  # fmt: skip


def _state(execution: Execution) -> str:
    """Its status, or WAITING for one that runs and has nothing to do now."""
    is_waiting = execution.status == ExecutionStatus.RUNNING and execution.waiting_for
    return "WAITING" if is_waiting else execution.status


def _time(moment: datetime) -> SafeString:
    """The year only where it isn't this one."""
    day = f"{moment:%d %b}" if moment.year == timezone.now().year else f"{moment:%d %b %Y}"
    cell = '<time datetime="{}" title="{} UTC"><span class="t-day">{}</span> {}</time>'
    return format_html(cell, moment.isoformat(), f"{moment:%Y-%m-%d %H:%M:%S.%f}", day, f"{moment:%H:%M:%S}")
