"""Runs an execution before somebody's eyes, and ends as they wish: Ctrl-C cancels it, SIGTERM hands it over."""

import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from types import FrameType
from typing import Any

from django.conf import settings
from rich.console import Console
from rich.text import Text

from executions import services
from executions.durations import duration
from executions.engine import dispatch
from executions.engine.plan import StepRecord
from executions.management.terminal import ExecutionView
from executions.management.wording import label, plain
from executions.models import Execution
from executions.representation import in_order
from executions.states import ExecutionStatus
from workflows.models import Workflow
from workflows.services import definition_of

LOOK_SECONDS = 0.1
CANCELLED_EXIT = LEFT_EXIT = 130
HANDED_OVER_EXIT = 143
HANDING_OVER = (
    "SIGTERM: this process ends after the step at hand ({:.0f} s at most);"
    " the next one that runs carries this execution on."
)
SECOND_SIGNAL = "\nLeft at once, as after a crash: the next process that runs settles what is open.\n"


class Asked:
    """The signal that came, noted rather than raised, so that nothing is cut off half-way; a second one cuts it off."""

    def __init__(self, console: Console) -> None:
        self.signal: int | None = None
        self._console = console

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        if self.signal is not None:
            self._console.show_cursor()
            os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, SECOND_SIGNAL.encode())
            os._exit(128 + number)
        self.signal = number


@contextmanager
def signals_noted(console: Console) -> Iterator[Asked]:
    asked = Asked(console)
    earlier = {number: signal.signal(number, asked) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


@contextmanager
def warnings_only() -> Iterator[None]:
    """What the engine notes by the way is for a server's log; who sets LOG_LEVEL to DEBUG gets it here too."""
    logger = logging.getLogger("executions")
    earlier = logger.level
    if earlier == logging.INFO:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(earlier)


def follow(*, workflow: Workflow, console: Console, **start: Any) -> tuple[Execution, int]:
    """Starts the workflow (`start` as `services.start` takes it) and shows it until it ends; gives the exit status."""
    reports: SimpleQueue[StepRecord] = SimpleQueue()
    with warnings_only(), signals_noted(console) as asked, dispatch.executor():
        execution = services.start(workflow=workflow, trigger_type="command", on_progress=reports.put, **start)
        view = ExecutionView(definition_of(execution.version_id), console, reports)
        console.print(_heading(workflow, execution), soft_wrap=True)
        with view.shown():
            _until_ended(execution, view, asked)
        _summarise(execution, asked, console)
    execution.refresh_from_db()
    return execution, exit_status(execution, asked.signal)


def watch(*, execution: Execution, console: Console) -> int:
    """Shows an execution that others run until it ends, or somebody has seen enough; gives the exit status."""
    with signals_noted(console) as asked:
        view = ExecutionView(definition_of(execution.version_id), console, SimpleQueue())
        console.print(_heading(execution.workflow, execution), soft_wrap=True)
        with view.shown():
            _until_ended(execution, view, asked, leaves=(signal.SIGINT, signal.SIGTERM))
        if execution.has_ended:
            _summarise(execution, asked, console)
    return exit_status(execution, asked.signal) if execution.has_ended else LEFT_EXIT


def exit_status(execution: Execution, asked: int | None) -> int:
    """0 only for COMPLETED."""
    if not execution.has_ended:
        return HANDED_OVER_EXIT
    if execution.status == ExecutionStatus.COMPLETED:
        return 0
    return CANCELLED_EXIT if execution.status == ExecutionStatus.CANCELLED and asked == signal.SIGINT else 1


def _until_ended(
    execution: Execution, view: ExecutionView, asked: Asked, *, leaves: tuple[int, ...] = (signal.SIGTERM,)
) -> None:
    """Another process may carry the execution on, so what counts is the row; reports only spare reading the steps.

    A signal of `leaves` ends the showing; SIGINT cancels the execution otherwise.
    """
    seen = 0
    while asked.signal not in leaves:
        was_reported = view.await_reports(LOOK_SECONDS)
        if asked.signal == signal.SIGINT and signal.SIGINT not in leaves:
            _cancel(execution)
        row = Execution.objects.only("status", "position").get(pk=execution.pk)
        if row.has_ended:
            execution.refresh_from_db()
            view.await_reports(0)
            view.settle(execution, in_order(execution))
            return
        if row.position != seen and not was_reported:
            view.take_rows(in_order(row))
        seen = row.position


def _cancel(execution: Execution) -> None:
    with suppress(services.TransitionNotAllowed):  # it ended by itself just before; the summary says how
        services.cancel(execution=execution)


def _heading(workflow: Workflow, execution: Execution) -> Text:
    dry = "dry run of " if execution.is_simulation else ""
    name, place = Text(plain(workflow.name), "bold"), f" in {workflow.workspace.slug}\n"
    return Text.assemble(dry, name, place, (f"execution {execution.pk}\n", "dim"))


def _summarise(execution: Execution, asked: Asked, console: Console) -> None:
    if not execution.has_ended:
        console.print(HANDING_OVER.format(settings.STOP_GRACE_SECONDS), soft_wrap=not console.is_terminal)
        return
    taken = execution.duration_ms
    summary = Text.assemble(label(execution.status), f" after {duration(taken / 1000)}" if taken is not None else "")
    if execution.status == ExecutionStatus.CANCELLED and asked.signal == signal.SIGINT:
        summary.append(" by Ctrl-C; what its steps did before stays done")
    elif execution.error and "stepPath" not in execution.error.get("details", ()):  # the step's line says that
        summary.append(f"; {plain(execution.error['code'])}: {plain(execution.error['message'])}")
    console.print(summary, soft_wrap=not console.is_terminal)
