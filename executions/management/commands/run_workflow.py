import json
import signal
import sys
from argparse import ArgumentParser
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from executions import services
from executions.engine import dispatch
from executions.management.terminal import ExecutionView, label
from executions.models import Execution
from executions.representation import execution_json
from executions.states import ExecutionStatus
from workflows.documents import DocumentError, Json
from workflows.models import Workflow
from workflows.services import definition_of
from workspaces.models import Workspace

LOOK_SECONDS = 0.1
INTERRUPTED_EXIT = 130
TERMINATED_EXIT = 143


class Terminated(Exception):
    """SIGTERM came: hand the execution back and go."""


class Command(BaseCommand):
    help = "Runs a workflow in this terminal, step by step. Exit status 0 only when the execution is COMPLETED."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workspace", help="slug or id of the workspace")
        parser.add_argument("workflow", help="name or id of the workflow")
        parser.add_argument("--data", metavar="JSON|@FILE|-", help="trigger data; - reads it from standard input")
        parser.add_argument("--variables", metavar="JSON|@FILE", help="an object; goes over the workflow's own")
        parser.add_argument("--dry-run", action="store_true", help="send nothing; show what would have been sent")
        parser.add_argument("--detach", action="store_true", help="start it, print its id, leave it to another process")
        parser.add_argument("--json", action="store_true", help="print the execution as JSON and nothing else")

    def handle(self, *, workspace: str, workflow: str, **options: Any) -> None:
        found = find_workflow(find_workspace(workspace), workflow)
        start = {
            "workflow": found,
            "trigger_data": read_json("--data", options["data"]),
            "variables": read_object("--variables", options["variables"]),
            "trigger_type": "command",
            "dry_run": options["dry_run"],
        }
        try:
            if options["detach"]:
                self.stdout.write(str(services.start(**start).pk))
                return
            execution = follow(start, found, Console(quiet=options["json"]))
        except (services.NotActive, DocumentError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps({"execution": execution_json(execution)}, ensure_ascii=False, indent=2))
        sys.exit(exit_status(execution))


def exit_status(execution: Execution) -> int:
    match execution.status:
        case ExecutionStatus.COMPLETED:
            return 0
        case ExecutionStatus.CANCELLED:
            return INTERRUPTED_EXIT
        case _:
            return 1 if execution.has_ended else TERMINATED_EXIT


def follow(start: dict[str, Any], workflow: Workflow, console: Console) -> Execution:
    """Starts the execution and shows it until it ends; Ctrl-C cancels it, SIGTERM leaves it to the next process."""
    view = ExecutionView(definition_of(workflow.version_id), console)
    signal.signal(signal.SIGTERM, _terminate)
    dry = " (dry run)" if start["dry_run"] else ""
    console.print(f"[bold]{escape(workflow.name)}[/] in {workflow.workspace.slug}{dry}")
    with dispatch.executor():
        execution = services.start(**start, on_progress=view.changed)
        console.print(f"[dim]execution {execution.pk}[/]\n")
        try:
            with view.live():
                _until_ended(execution, view)
        except KeyboardInterrupt:
            _cancel(execution)
        except Terminated:
            console.print("Ended by SIGTERM: the next process that runs carries this execution on.")
    execution.refresh_from_db()
    _summarise(execution, console)
    return execution


def _terminate(_signal: int, _frame: object) -> NoReturn:
    raise Terminated


def _until_ended(execution: Execution, view: ExecutionView) -> None:
    """Another process may carry the execution on, so what counts is the row; progress here only says when to look."""
    while not execution.has_ended:
        view.news.wait(LOOK_SECONDS)
        view.news.clear()
        execution.refresh_from_db()
    view.settle(execution)


def _cancel(execution: Execution) -> None:
    with suppress(services.TransitionNotAllowed):  # it ended by itself just before; the summary says how
        services.cancel(execution=execution)


def _summarise(execution: Execution, console: Console) -> None:
    duration = f" after {execution.duration_ms / 1000:.1f} s" if execution.duration_ms is not None else ""
    console.print(Text.assemble("\n", label(execution.status), duration))
    if execution.error:
        console.print(Text(f"{execution.error['code']}: {execution.error['message']}"))


def find_workspace(reference: str) -> Workspace:
    workspace = Workspace.objects.addressed_by(reference).first()
    if workspace is None:
        known = ", ".join(Workspace.objects.order_by("slug").values_list("slug", flat=True)[:20])
        raise CommandError(f"No workspace {reference!r}. There are: {known or 'none yet; `make demo` makes one'}.")
    return workspace


def find_workflow(workspace: Workspace, reference: str) -> Workflow:
    workflows = Workflow.objects.filter(workspace=workspace)
    workflow = workflows.addressed_by(reference).select_related("workspace").first()
    if workflow is None:
        known = ", ".join(repr(name) for name in workflows.order_by("name").values_list("name", flat=True)[:20])
        raise CommandError(f"No workflow {reference!r} in {workspace.slug}. There are: {known or 'none yet'}.")
    return workflow


def read_json(option: str, text: str | None) -> Json:
    """What the option says: JSON itself, `@file`, or `-` for standard input."""
    if text is None:
        return None
    try:
        if text == "-":
            text = sys.stdin.read()
        elif text.startswith("@"):
            text = Path(text[1:]).read_text(encoding="utf-8")
        parsed: Json = json.loads(text)
    except OSError as error:
        raise CommandError(f"{option}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{option} isn't JSON: {error}. Put it in single quotes, or in a file as @FILE.") from error
    return parsed


def read_object(option: str, text: str | None) -> dict[str, Json]:
    value = read_json(option, text)
    if value is not None and not isinstance(value, dict):
        raise CommandError(f'{option} takes an object, such as {{"name": "value"}}.')
    return value or {}
