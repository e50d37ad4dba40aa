"""The steps as the page shows them: those that ran, and those of the definition that didn't."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.safestring import SafeString

from executions.admin.documents import Document, bounded, document, limit_for, shown
from executions.admin.spans import between_attempts, is_waiting, spans_of
from executions.admin.timeline import Lane, Span
from executions.durations import duration
from executions.models import Execution, Step
from executions.states import StepStatus
from workflows.definition import Action, Definition
from workflows.documents import Json
from workspaces.admin.badges import badge

MOST_ATTEMPTS = 20
SUMMARY_CHARACTERS = 160
DOCUMENTS = ("input", "output", "log")
PARTS = ("input", "output", "error", "log", "attempts")


@dataclass(frozen=True, slots=True)
class Failing:
    """An error as the page shows it; `traceback` is for those who may see it."""

    code: str
    message: str
    details: Document | None
    traceback: str


@dataclass(frozen=True, slots=True)
class Attempt:
    number: Any
    error: Failing | None
    began: datetime | None
    took: str


@dataclass(frozen=True, slots=True)
class Row:
    """A step of the page. Without a `step` it hasn't run: not yet, or, when `is_over`, not at all."""

    path: str
    action_id: str
    name: str
    type: str
    now: datetime
    is_over: bool = False
    step: Any = None
    sees_tracebacks: bool = False

    @property
    def badge(self) -> SafeString:
        if self.step is None:
            return badge("PENDING", "Not run" if self.is_over else "Not run yet")
        if is_waiting(self.step):
            return badge("WAITING", "Waiting")
        return badge(self.step.status)

    @property
    def title(self) -> str:
        return self.name or self.action_id

    @property
    def is_running(self) -> bool:
        return self.step is not None and self.step.status == StepStatus.RUNNING

    @property
    def took(self) -> str:
        """So far, if it runs."""
        if self.step is None or self.step.status == StepStatus.SKIPPED or self.step.started_at is None:
            return ""
        return duration(((self.step.completed_at or self.now) - self.step.started_at).total_seconds())

    @property
    def summary(self) -> str:
        """What came of it, in one line."""
        if self.step is None:
            return ""
        text = self._waits_for() or self._reason() or self.step.output_text or ""
        return text if len(text) <= SUMMARY_CHARACTERS else f"{text[:SUMMARY_CHARACTERS]}…"

    def _waits_for(self) -> str:
        if not is_waiting(self.step):
            return ""
        until = f"{self.step.wait_until:%H:%M:%S} UTC"
        return f"Next try at {until}, after: {self._reason()}" if between_attempts(self.step) else f"Until {until}"

    def _reason(self) -> str:
        if self.step.error:
            return str(self.step.error.get("message", ""))
        output = self.output
        if self.step.status != StepStatus.SKIPPED or output is None or output.is_cut:
            return ""
        reason = json.loads(self.step.output_text)
        return f"Since {reason['reason']}" if isinstance(reason, dict) and "reason" in reason else ""

    @property
    def input(self) -> Document | None:
        return document(self.step, "input")

    @property
    def output(self) -> Document | None:
        return document(self.step, "output")

    @property
    def log(self) -> list[dict[str, Json]]:
        """Its lines, unless they are too many to be shown."""
        found = document(self.step, "log")
        return [] if found is None or found.is_cut else list(json.loads(self.step.log_text))

    @property
    def has_more_log(self) -> bool:
        found = document(self.step, "log")
        return found is not None and found.is_cut

    @property
    def error(self) -> Failing | None:
        return failing(self.step.error, traceback=self.sees_tracebacks)

    @property
    def attempts(self) -> list[Attempt]:
        """Those that failed before the latest, oldest first; of many the last ones."""
        entries = (self.step.attempts or [])[-MOST_ATTEMPTS:]
        return [_attempt(entry, traceback=self.sees_tracebacks) for entry in entries]

    @property
    def attempts_left_out(self) -> int:
        return max(0, len(self.step.attempts or []) - MOST_ATTEMPTS)


def failing(error: dict[str, Any] | None, *, traceback: bool) -> Failing | None:
    if not error:
        return None
    trace = str(error.get("traceback", "")) if traceback else ""
    return Failing(str(error.get("code", "")), str(error.get("message", "")), shown(error.get("details")), trace)


def _attempt(entry: dict[str, Any], *, traceback: bool) -> Attempt:
    began, ended = (
        datetime.fromisoformat(text) if isinstance(text := entry.get(name), str) else None
        for name in ("startedAt", "completedAt")
    )
    took = duration((ended - began).total_seconds()) if began and ended else ""
    return Attempt(entry.get("attempt"), failing(entry.get("error"), traceback=traceback), began, took)


def read(execution: Execution, count: int) -> QuerySet[Any]:
    """The execution's steps with as much of their documents as a page of `count` steps shows."""
    steps = Step.objects.filter(execution=execution)
    return bounded(steps, DOCUMENTS, limit_for(count))


def rows(
    execution: Execution, definition: Definition, steps: Sequence[Step], *, now: datetime, tracebacks: bool
) -> list[Row]:
    """All there are or may be, in the order of the definition."""
    actions = {str(number): action for number, action in enumerate(definition.actions)}
    ran = {step.path: step for step in steps}
    found = [_planned(path, action, now, execution) for path, action in actions.items() if path not in ran]
    found += [_ran(step, now, tracebacks=tracebacks) for step in steps]
    return sorted(found, key=lambda row: [int(part) for part in row.path.split(".")])


def _planned(path: str, action: Action, now: datetime, execution: Execution) -> Row:
    return Row(path, action.id, action.name, action.type, now, is_over=execution.has_ended)


def _ran(step: Step, now: datetime, *, tracebacks: bool) -> Row:
    return Row(step.path, step.action_id, step.name, step.action_type, now, step=step, sees_tracebacks=tracebacks)


def lanes(rows: Sequence[Row], since: datetime, now: datetime) -> list[Lane]:
    """Those of the timeline. A step that ended before the execution was started is copied: its time is another's."""
    return [Lane(row.path, row.title, _spans(row.step, since, now) if row.step else ()) for row in rows]


def _spans(step: Step, since: datetime, now: datetime) -> tuple[Span, ...]:
    return () if step.completed_at and step.completed_at < since else spans_of(step, now)
