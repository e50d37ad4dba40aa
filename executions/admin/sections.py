"""The parts of an execution's page, from as few queries whatever it has of steps."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from executions import services
from executions.admin import steps, timeline
from executions.admin.documents import document
from executions.admin.heading import Heading
from executions.admin.timeline import Timeline
from executions.models import Execution
from workflows.services import definition_of


@dataclass
class Sections:
    """Of an execution with its sized documents. The execution was read before its steps, so none is missed `since`."""

    execution: Execution
    now: datetime
    tracebacks: bool

    def context(self, since: int) -> dict[str, Any]:
        resumed_as = services.resumed_as(self.execution)
        return {
            "execution": self.execution,
            "heading": Heading(self.execution, self.rows, self.now, self.tracebacks),
            "timeline": self.timeline,
            "rows": [row for row in self.rows if row.step is None or row.step.position > since],
            "trigger_data": document(self.execution, "trigger_data"),
            "variables": document(self.execution, "variables"),
            "now": self.now,
            "since": since,
            "is_latest": self.execution.version_id == self.execution.workflow.version_id,
            "runs_again": services.may_run_again(self.execution),
            "resumed_as": resumed_as,
            "resumes": resumed_as is None and services.may_resume(self.execution),
        }

    @cached_property
    def rows(self) -> list[steps.Row]:
        done = self.execution.successful_steps + self.execution.failed_steps + self.execution.skipped_steps
        return steps.rows(
            self.execution, definition_of(self.execution.version_id), list(steps.read(self.execution, done + 1)),
            now=self.now, tracebacks=self.tracebacks,
        )  # fmt: skip

    @property
    def timeline(self) -> Timeline | None:
        begun = self.execution.started_at
        if begun is None:
            return None
        lanes = steps.lanes(self.rows, self.execution.created_at, self.now)
        return timeline.drawn(lanes, begun, self.execution.completed_at or self.now)
