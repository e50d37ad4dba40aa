"""What is said of an execution before its steps: how it fares, since when, and what it waits for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.utils.safestring import SafeString

from executions.admin.steps import Failing, Row, failing
from executions.durations import duration
from executions.models import Execution
from executions.representation import progress_json
from executions.states import ExecutionStatus, WaitingFor
from workspaces.admin.badges import badge, look

SIGNS = {
    "PENDING": "…", "RUNNING": "▶", "WAITING": "⏳", "COMPLETED": "✔", "FAILED": "✘", "CANCELLED": "■", "TIMEOUT": "⏱",
}  # fmt: skip


class Segment(NamedTuple):
    status: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Heading:
    execution: Execution
    rows: Sequence[Row]
    now: datetime
    sees_tracebacks: bool = False

    @property
    def state(self) -> str:
        """Its status, or WAITING for one that runs and has nothing to do now."""
        is_waiting = self.execution.status == ExecutionStatus.RUNNING and self.execution.waiting_for
        return "WAITING" if is_waiting else self.execution.status

    @property
    def badge(self) -> SafeString:
        return badge(self.state)

    @property
    def look(self) -> str:
        return look(self.state)

    @property
    def progress(self) -> dict[str, Any]:
        return progress_json(self.execution, running=sum(row.is_running for row in self.rows))

    @property
    def segments(self) -> list[Segment]:
        """What the progress bar is made of, in percent of all steps."""
        execution, x = self.execution, 0.0
        counts = {"success": execution.successful_steps, "failed": execution.failed_steps}
        counts |= {"skipped": execution.skipped_steps, "running": sum(row.is_running for row in self.rows)}
        found = []
        for status, count in counts.items():
            width = 100 * count / max(1, execution.total_steps)
            found.append(Segment(status, round(x, 3), round(width, 3)))
            x += width
        return found

    @property
    def counts(self) -> str:
        """`3 of 6 steps, 1 failed, 1 skipped`."""
        progress = self.progress
        parts = [f"{progress['completedSteps']} of {progress['totalSteps']} steps"]
        more = {"failed": progress["failedSteps"], "skipped": progress["skippedSteps"]}
        return ", ".join(parts + [f"{count} {word}" for word, count in more.items() if count])

    @property
    def tab_title(self) -> str:
        share = self.state.capitalize() if self.execution.has_ended else f"{self.progress['percentage']} %"
        return f"{SIGNS[self.state]} {share} · {self.execution.workflow.name}"

    @property
    def announcement(self) -> str:
        """For those who hear the page: said again only when it changes."""
        return f"{self.state.capitalize()}. {self.waits_for or ''}".strip()

    @property
    def took(self) -> str:
        """From its start to its end, or so far."""
        if self.execution.started_at is None:
            return ""
        until = self.execution.completed_at or self.now
        return duration((until - self.execution.started_at).total_seconds())

    @property
    def queued(self) -> str:
        """How long it waited for an executor, where that is worth a word."""
        begun = self.execution.started_at or self.execution.completed_at or self.now
        seconds = (begun - self.execution.created_at).total_seconds()
        return duration(seconds) if seconds >= 1 else ""

    @property
    def waits_for(self) -> str:
        """What has to happen before it goes on; empty while it is at work, or has ended."""
        if self.execution.waiting_for == WaitingFor.LIMIT:
            return self._held()
        if self.execution.status == ExecutionStatus.PENDING:
            return "Waits for an executor."
        until = self.execution.wake_at
        if self.state != "WAITING" or until is None:
            return ""
        step = next((f" of step {row.title}" for row in self.rows if row.is_running), "")
        reason = "the next try" if self.execution.waiting_for == WaitingFor.RETRY else "a timer"
        day = "" if until.date() == self.now.date() else f"{until:%d %B %Y} "
        if until < self.now:
            return f"Was to go on at {day}{until:%H:%M:%S} UTC ({reason}{step}); no executor has taken it yet."
        return f"Waits until {day}{until:%H:%M:%S} UTC: {reason}{step}."

    def _held(self) -> str:
        of_workflow, of_workspace = self.execution.workflow.max_running, self.execution.workspace.max_running
        limits = [f"{of_workflow} of this workflow"] if of_workflow else []
        limits += [f"{of_workspace} in this workspace"] if of_workspace else []
        return f"Waits for another one to end: {' and '.join(limits) or 'as many as run now'} may run at once."

    @property
    def error(self) -> Failing | None:
        return failing(self.execution.error, traceback=self.sees_tracebacks)

    @property
    def failed_path(self) -> str:
        """The step that it failed for, if it is one's fault."""
        details = (self.execution.error or {}).get("details")
        return str(details.get("stepPath", "")) if isinstance(details, dict) else ""
