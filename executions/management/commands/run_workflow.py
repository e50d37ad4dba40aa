import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from rich.console import Console

from executions import services
from executions.management.finding import Refused, find_workflow, find_workspace, read_json, read_object
from executions.management.following import follow
from executions.models import Execution
from executions.representation import execution_json
from workflows.documents import DocumentError, Json, dump

REFUSED_EXIT = 1


class Command(BaseCommand):
    help = (
        "Runs a workflow in this terminal, step by step. Ctrl-C cancels it; SIGTERM hands it to the next process. "
        "Exit status: 0 COMPLETED, 1 failed, timed out or refused, 130 cancelled by Ctrl-C, 143 handed over."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workspace", help="slug or id of the workspace")
        parser.add_argument("workflow", help="name or id of the workflow")
        parser.add_argument("--data", metavar="JSON|@FILE|-", help="trigger data; - reads it from standard input")
        parser.add_argument("--variables", metavar="JSON|@FILE|-", help="an object; goes over the workflow's own")
        parser.add_argument("--dry-run", action="store_true", help="send nothing; show what would have been sent")
        parser.add_argument("--detach", action="store_true", help="start it, print its id, leave it to another process")
        parser.add_argument("--json", action="store_true", help="print the execution, or why there is none, as JSON")

    def handle(self, *, json: bool, **options: Any) -> None:
        try:
            status = self._run(is_json=json, **options)
        except Refused as refusal:
            if not json:
                raise
            self._write({"error": refusal.code, "message": str(refusal)})
            status = REFUSED_EXIT
        if status:
            sys.exit(status)

    def _run(self, *, workspace: str, workflow: str, detach: bool, is_json: bool, **options: Any) -> int:
        """Starts the workflow and stays with it, unless it is to be detached; gives the exit status."""
        start: dict[str, Any] = {
            "workflow": find_workflow(find_workspace(workspace), workflow),
            "trigger_data": read_json("--data", options["data"]),
            "variables": read_object("--variables", options["variables"]),
            "dry_run": options["dry_run"],
        }
        try:
            if detach:
                self._say_detached(services.start(trigger_type="command", **start), is_json=is_json)
                return 0
            execution, status = follow(console=Console(quiet=is_json), **start)
        except services.NotActive as error:
            raise Refused("WORKFLOW_INACTIVE", str(error)) from error
        except DocumentError as error:
            raise Refused("VALIDATION_ERROR", str(error)) from error
        if is_json:
            self._write({"execution": execution_json(execution)})
        return status

    def _say_detached(self, execution: Execution, *, is_json: bool) -> None:
        if is_json:
            self._write({"execution": execution_json(execution)})
            return
        self.stdout.write(str(execution.pk))
        self.stderr.write("Started; it runs in the next process that has an executor, such as `make serve`.")

    def _write(self, document: Json) -> None:
        self.stdout.write(dump(document))
