"""The start page: what runs, what has failed, and whether somebody carries on what is due."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import admin
from django.db import connection
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString

from executions.admin import overview
from executions.admin.chart import chart
from executions.admin.overview import A_LIST, Ended, Row, Unfinished
from executions.durations import countdown
from executions.engine import dispatch, statements
from executions.models import Execution
from executions.representation import progress_json
from executions.states import WaitingFor
from workspaces.access import Verb
from workspaces.admin.badges import badge, look
from workspaces.admin.reach import Reach, reach_of

UNNOTICED_SECONDS = 5
"""How long something may be due before the page speaks of it: executors look every second."""
PART = "part"
"""The query parameter with which the page's script asks for what changes, alone."""
LISTS = {"running": "status=RUNNING", "failed": "status=wrong&created=24h"}
_WAITS = {WaitingFor.TIMER: "waits", WaitingFor.RETRY: "will try again"}


@dataclass(frozen=True, slots=True)
class Line:
    """An execution in a list. `says`: how long it has been at it, or what it waits for, or why it failed."""

    execution: Execution
    badge: SafeString
    look: str
    percentage: int
    says: str
    moment: datetime | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether due work is picked up: `word` says it in short."""

    is_well: bool
    word: str
    says: str


def page(request: HttpRequest) -> TemplateResponse:
    """All of it or, for its own script, the part that changes."""
    response = admin.site.index(request, {"start": start(reach_of(request), statements.time_of(connection))})
    if PART in request.GET:
        response.template_name = "admin/start/overview.html"
    return response


def start(reach: Reach, now: datetime) -> dict[str, Any]:
    """What the page shows of what is in reach."""
    if not reach.may(Verb.READ):
        return {"has_no_role": True}
    unfinished, listed = overview.unfinished(reach, now), reverse("admin:executions_execution_changelist")
    workspaces = overview.workspaces_in(reach)
    ended = overview.ended(workspaces, now)
    return {
        "now": now,
        "is_empty": not overview.has_workflows(reach),
        "has_many_workspaces": reach.roles is None or len(reach.roles) > 1,
        **_running(unfinished, now),
        **_failed(workspaces, ended),
        **_executors(unfinished, now),
        "chart": chart(ended),
        "period": ended.period,
        "is_shortened": ended.period is not overview.PERIODS[0],
        "ended_count": f"{ended.number():,}",
        "has_workspaces": bool(workspaces),
        "has_demo": settings.DEBUG,
        "may_add_workflow": reach.may(Verb.WRITE),
        "lists": {name: f"{listed}?{query}" for name, query in LISTS.items()},
    }


def _running(unfinished: Unfinished, now: datetime) -> dict[str, Any]:
    running, waiting = unfinished.running[:A_LIST], unfinished.waiting[:1]
    found = {execution.pk: execution for execution in overview.executions([*running, *waiting])}
    return {
        "running_count": _number(unfinished.running, unfinished),
        "at_work_count": len(unfinished.at_work),
        "timers": unfinished.asleep_for(WaitingFor.TIMER),
        "asleep_count": _number(unfinished.asleep, unfinished),
        "retries": unfinished.asleep_for(WaitingFor.RETRY),
        "held": unfinished.asleep_for(WaitingFor.LIMIT),
        "running": [_running_line(found[row.id], row, now) for row in running if row.id in found],
        "oldest": next((found[row.id] for row in waiting if row.id in found), None),
    }


def _running_line(execution: Execution, row: Row, now: datetime) -> Line:
    share: Any = progress_json(execution, running=0)["percentage"]
    status = "WAITING" if row.waiting_for else row.status
    return Line(execution, badge(status), look(status), share, _doing(execution, row, now), execution.started_at)


def _doing(execution: Execution, row: Row, now: datetime) -> str:
    if row.waiting_for and row.wake_at > now:
        return f"{_WAITS[WaitingFor(row.waiting_for)]}, for {countdown((row.wake_at - now).total_seconds())} more"
    if row.wake_at <= now:
        return f"due for {countdown((now - row.wake_at).total_seconds())}"
    return f"for {countdown((now - (execution.started_at or now)).total_seconds())}"


def _failed(workspaces: Collection[UUID], ended: Ended) -> dict[str, Any]:
    failures = ended.number(*overview.FAILURES)
    worst = overview.worst(workspaces, ended.since) if failures else []
    return {
        "failed_count": failures,
        "failed": [_failed_line(each) for each in overview.failed(workspaces, ended.since)] if failures else [],
        "worst": [each | {"share": 100 * each["failures"] // each["number"]} for each in worst],
    }


def _failed_line(execution: Execution) -> Line:
    error = execution.error or {}
    says = f"{error.get('code', '')}: {error.get('message', '')}".strip(": ") or "no error was kept"
    return Line(execution, badge(execution.status), look(execution.status), 100, says, execution.completed_at)


def _executors(unfinished: Unfinished, now: datetime) -> dict[str, Any]:
    waiting = unfinished.waiting
    overdue = (now - waiting[0].wake_at).total_seconds() if waiting else 0.0
    return {
        "waiting_count": _number(waiting, unfinished),
        "overdue": countdown(overdue),
        "left_count": len(unfinished.left),
        "verdict": _verdict(unfinished, overdue),
        "ailment": dispatch.ailment(),
        "role": _role(),
    }


def _role() -> str:
    """What this server does for executions, while nothing ails it."""
    if settings.DISPATCHER == "celery":
        return "This server sends what is due to Celery's workers"
    return "This server's executor looks for work" if settings.EXECUTOR_THREADS else "This server leaves it to workers"


def _verdict(unfinished: Unfinished, overdue: float) -> Verdict:
    if overdue < UNNOTICED_SECONDS:
        return Verdict(True, "Well", "All due work is picked up.")
    number = len(unfinished.waiting)
    some = "One execution has" if number == 1 else f"{_number(unfinished.waiting, unfinished)} executions have"
    due = f"{some} been due for {'' if number == 1 else 'up to '}{countdown(overdue)}"
    if unfinished.at_work:
        return Verdict(False, "Busy", f"{due}: the executors are busy, or some of them have stopped.")
    return Verdict(False, "Stopped", f"{due}: no executor seems to run.")


def _number(rows: Sequence[Row], unfinished: Unfinished) -> str:
    """At least so many, if not all were looked at."""
    return f"{len(rows):,}{'+' if unfinished.is_cut and rows else ''}"
