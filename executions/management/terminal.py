"""An execution in the terminal: a live table where there is a screen, a line for each change where there is none."""

import logging
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from queue import Empty, SimpleQueue

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from executions.durations import duration
from executions.engine.plan import StepRecord
from executions.management.window import window
from executions.management.wording import label, plain, remark, shown_status
from executions.models import Execution, Step
from executions.states import ExecutionStatus, StepStatus
from workflows.definition import Action, Definition

BAR_WIDTH = 40
STATUS_WIDTH = 11
TRY_WIDTH = 3
TIME_WIDTH = 11
LINES_AROUND_THE_STEPS = 5
ENDED_BY_ITSELF = (StepStatus.SUCCESS, StepStatus.FAILED, StepStatus.SKIPPED)


class ExecutionView:
    """What is known of one execution. The engine's progress callback puts into `reports`, and does no more.

    So a terminal that is slow or has gone away is nothing to the engine's threads.
    """

    def __init__(self, definition: Definition, console: Console, reports: SimpleQueue[StepRecord]) -> None:
        self.actions = definition.actions
        self.console = console
        self.is_live = console.is_terminal and not console.is_dumb_terminal and not console.quiet
        self.reports = reports
        self.status: ExecutionStatus = ExecutionStatus.PENDING
        self._steps: dict[str, StepRecord] = {}
        self._begun: dict[str, datetime] = {}
        self._ended: dict[str, datetime] = {}

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Keeps the table on the screen, if there is one, with what is logged meanwhile above it."""
        if not self.is_live:
            yield
            return
        with Live(self, console=self.console, refresh_per_second=12), _logs_to_where_stderr_goes():
            yield

    def await_reports(self, seconds: float) -> bool:
        """Takes over what the engine reports, waiting up to `seconds` for the first; False when nothing came."""
        try:
            self._take(self.reports.get(timeout=seconds))
        except Empty:
            return False
        with suppress(Empty):
            while True:
                self._take(self.reports.get_nowait())
        return True

    def take_rows(self, rows: Iterable[Step]) -> None:
        """Takes over what the database says: times, and the steps that another process has made."""
        for row in rows:
            if row.started_at:
                self._begun[row.path] = row.started_at
            if row.completed_at:
                self._ended[row.path] = row.completed_at
            self._take(_record(row))

    def settle(self, execution: Execution, rows: Iterable[Step]) -> None:
        """The last look, once the execution has ended."""
        self.take_rows(rows)
        self.status = ExecutionStatus(execution.status)

    def _take(self, step: StepRecord) -> None:
        """Unless it is known already: rows and reports tell of the same changes, and either may be first."""
        known = self._steps.get(step.path)
        if known is not None and _rank(step) <= _rank(known):
            return
        now = datetime.now(UTC)
        self._steps[step.path] = step
        self._begun.setdefault(step.path, now)
        if step.status is not StepStatus.RUNNING:
            self._ended.setdefault(step.path, now)
        if not self.is_live:
            self.console.print(self._line(step), soft_wrap=True)

    def _line(self, step: StepRecord) -> Text:
        number, total = int(step.path) + 1, len(self.actions)
        status = label(shown_status(step))
        status.pad_right(STATUS_WIDTH - status.cell_len)
        line = Text.assemble(f"{number:>{len(str(total))}}/{total}  ", status, "  ", plain(step.name or step.action_id))
        line.append(f" ({step.action_type})")
        if step.attempt > 1:
            line.append(f", try {step.attempt}")
        if step.status is not StepStatus.RUNNING:
            line.append(f", {self._time(step.path)}")
        if text := remark(step, datetime.now(UTC)):
            line.append(f": {text}")
        return line

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        widths = _widths(self.actions, options.max_width)
        blocks = [self._block(index, action, widths) for index, action in enumerate(self.actions)]
        first, last = 0, len(blocks)
        if not self.status.is_final:
            focus = max((int(path) for path in tuple(self._steps)), default=0)
            first, last = window([len(block) for block in blocks], focus, console.height - LINES_AROUND_THE_STEPS)
        yield _headings(widths)
        yield from _more(first, "before")
        for block in blocks[first:last]:
            yield Group(*block)
        yield from _more(len(blocks) - last, "to come")
        yield self._bar()

    def _block(self, index: int, action: Action, widths: tuple[int, int, int]) -> list[RenderableType]:
        """A step's line, and what there is to remark on a line of its own: shortened until all has ended."""
        step = self._steps.get(str(index))
        idle = "not run" if self.status.is_final else "pending"
        row = Text.assemble(
            f"{index + 1:>{widths[0]}}  ", _fit(Text(plain(action.name or action.id)), widths[1]), "  ",
            _fit(Text(action.type, "dim"), widths[2]), "  ",
            _fit(label(shown_status(step) if step else idle), STATUS_WIDTH), "  ", no_wrap=True, overflow="crop",
        )  # fmt: skip
        if step is None:
            return [row]
        row.append(f"{step.attempt if step.attempt > 1 else '':>{TRY_WIDTH}}")
        row.append(f"{self._time(step.path):>{TIME_WIDTH}}")
        text = remark(step, datetime.now(UTC))
        if not text:
            return [row]
        style = "red" if step.status is StepStatus.FAILED else "yellow" if step.wait_until else "dim"
        is_short = not self.status.is_final
        below = Text(text, style, no_wrap=is_short, overflow="ellipsis" if is_short else "fold")
        return [row, Padding(below, (0, 0, 0, widths[0] + 4))]

    def _time(self, path: str) -> str:
        return duration((self._ended.get(path, datetime.now(UTC)) - self._begun[path]).total_seconds())

    def _bar(self) -> Table:
        total = len(self.actions)
        done = sum(step.status in ENDED_BY_ITSELF for step in tuple(self._steps.values()))
        is_complete = self.status is ExecutionStatus.COMPLETED
        style = "red" if self.status.is_final and not is_complete else "cyan"
        bar = ProgressBar(
            total, total if is_complete else done, width=BAR_WIDTH, complete_style=style, finished_style="green"
        )
        grid = Table.grid(padding=(1, 2, 0, 0))
        grid.add_row(bar, Text(f"{done} of {total} steps", "dim"))
        return grid


def _widths(actions: Iterable[Action], available: int) -> tuple[int, int, int]:
    """Of the number, the step's name and its type: types are never cut, names where there is no room."""
    rows = [(cell_len(plain(action.name or action.id)), len(action.type)) for action in actions]
    number, kind = len(str(len(rows))), max([4, *(kind for _, kind in rows)])
    room = available - number - kind - STATUS_WIDTH - TRY_WIDTH - TIME_WIDTH - 4 * 2
    return number, max(8, min(room, max([4, *(name for name, _ in rows)]))), kind


def _headings(widths: tuple[int, int, int]) -> Text:
    number, name, kind = widths
    line = f"{'':>{number}}  {'step':<{name}}  {'type':<{kind}}  {'status':<{STATUS_WIDTH}}  "
    return Text(f"{line}{'try':>{TRY_WIDTH}}{'time':>{TIME_WIDTH}}", "dim", no_wrap=True, overflow="crop")


def _fit(text: Text, width: int) -> Text:
    text.truncate(width, overflow="ellipsis", pad=True)
    return text


def _more(count: int, where: str) -> Iterator[Text]:
    if count:
        yield Text(f"… {count} {where}", "dim")


@contextmanager
def _logs_to_where_stderr_goes() -> Iterator[None]:
    """A log handler holds the stream that stderr was at the start, and would write into the middle of the table."""
    handlers = [handler for handler in logging.getLogger().handlers if type(handler) is logging.StreamHandler]
    earlier = [(handler, handler.setStream(sys.stderr)) for handler in handlers]
    try:
        yield
    finally:
        for handler, stream in earlier:
            if stream is not None:
                handler.setStream(stream)


def _rank(step: StepRecord) -> tuple[bool, int, int, bool]:
    """Grows with every change of a step."""
    return step.status is not StepStatus.RUNNING, step.attempt, len(step.failures), step.wait_until is not None


def _record(row: Step) -> StepRecord:
    return StepRecord(
        row.path, row.action_id, row.action_type, row.name, StepStatus(row.status), row.attempt, output=row.output,
        error=row.error, flow=row.flow, failures=tuple(row.attempts or ()), wait_until=row.wait_until,
    )  # fmt: skip
