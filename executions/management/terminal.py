"""An execution in the terminal: a live table where there is a screen, a line for each change where there is none."""

import threading
from collections.abc import Iterable
from datetime import UTC, datetime

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from executions.engine.plan import StepRecord
from executions.models import Execution
from executions.representation import in_order
from executions.states import ExecutionStatus, StepStatus, WaitingFor
from workflows.definition import Definition

LOOKS = {
    "pending": ("·", "dim"), "running": ("▶", "bold cyan"), "waiting": ("◷", "yellow"), "success": ("✔", "green"),
    "failed": ("✘", "bold red"), "skipped": ("↷", "dim"), "cancelled": ("■", "magenta"),
    "PENDING": ("·", "dim"), "RUNNING": ("▶", "bold cyan"), "COMPLETED": ("✔", "bold green"),
    "FAILED": ("✘", "bold red"), "CANCELLED": ("■", "bold magenta"), "TIMEOUT": ("⧖", "bold red"),
}  # fmt: skip
BAR_WIDTH = 40


def label(status: str) -> Text:
    icon, style = LOOKS[status]
    return Text(f"{icon} {status}", style)


class ExecutionView:
    """What is known of one execution, kept up to date by `changed` (the engine's progress callback)."""

    def __init__(self, definition: Definition, console: Console) -> None:
        self.definition = definition
        self.console = console
        self.steps: dict[str, StepRecord] = {}
        self.status: str = ExecutionStatus.PENDING
        self.news = threading.Event()
        self._begun: dict[str, datetime] = {}
        self._ended: dict[str, datetime] = {}

    def changed(self, step: StepRecord) -> None:
        self.steps[step.path] = step
        now = datetime.now(UTC)
        self._begun.setdefault(step.path, now)
        if step.status is not StepStatus.RUNNING:
            self._ended[step.path] = now
        if not self.console.is_terminal:
            self._print_line(step)
        self.news.set()

    def settle(self, execution: Execution) -> None:
        """Takes over what the database says, times too, once the execution has ended."""
        self.status = execution.status
        for row in in_order(execution):
            if row.started_at and row.completed_at:
                self._begun[row.path], self._ended[row.path] = row.started_at, row.completed_at
            known = self.steps.get(row.path)
            if known is None or known.status != row.status:
                self.changed(_record(row.path, row.action_id, row.action_type, row.name, StepStatus(row.status)))

    def live(self) -> Live:
        return Live(self, console=self.console, refresh_per_second=12)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for heading in ("", "step", "type", "status", "attempt", "time", ""):
            table.add_column(heading, justify="right" if heading in {"attempt", "time"} else "left", overflow="fold")
        for index, action in enumerate(self.definition.actions):
            step = self.steps.get(str(index))
            row: Iterable[str | Text] = self._cells(step) if step else (label("pending"), "", "", "")
            table.add_row(str(index + 1), escape(action.name or action.id), action.type, *row)
        yield Group(table, Text(), self._bar())

    def _cells(self, step: StepRecord) -> tuple[str | Text, ...]:
        status = "waiting" if step.wait_until else step.status.value
        return label(status), str(step.attempt), self._time(step.path), Text(remark(step), "dim")

    def _time(self, path: str) -> str:
        seconds = (self._ended.get(path, datetime.now(UTC)) - self._begun[path]).total_seconds()
        return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"

    def _bar(self) -> Group:
        total = len(self.definition.actions)
        done = sum(step.status is not StepStatus.RUNNING for step in self.steps.values())
        if self.status == ExecutionStatus.COMPLETED:
            done = total
        bar = ProgressBar(total=total, completed=done, width=BAR_WIDTH, complete_style="cyan", finished_style="green")
        return Group(bar, Text(f"{done} of {total} steps", "dim"))

    def _print_line(self, step: StepRecord) -> None:
        status = "waiting" if step.wait_until else step.status.value
        line = Text.assemble("  ", label(status), f"  {step.name or step.action_id} ({step.action_type})")
        if text := remark(step):
            line.append(f"  {text}", "dim")
        self.console.print(line)


def remark(step: StepRecord) -> str:
    """In a few words: why it failed, what it waits for, what it decided."""
    error = step.error if isinstance(step.error, dict) else {}
    output = step.output if isinstance(step.output, dict) else {}
    if step.wait_until and step.waiting_for is WaitingFor.RETRY:
        return f"attempt {step.attempt} failed: {error.get('message')}; next one at {step.wait_until:%H:%M:%S}"
    if step.wait_until:
        return f"until {step.wait_until:%Y-%m-%d %H:%M:%S} UTC"
    if error:
        return str(error.get("message", ""))
    if step.status is StepStatus.SKIPPED:
        return str(output.get("reason", ""))
    if "conditionMet" in output:
        return "condition met" if output["conditionMet"] else f"condition not met: {step.flow.replace('_', ' ')}"
    return f"after {step.attempt} attempts" if step.status is StepStatus.SUCCESS and step.attempt > 1 else ""


def _record(path: str, action_id: str, action_type: str, name: str, status: StepStatus) -> StepRecord:
    return StepRecord(path, action_id, action_type, name, status)
