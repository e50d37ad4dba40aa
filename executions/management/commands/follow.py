import sys
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console

from executions.management.following import LEFT_EXIT, exit_status, watch
from executions.models import Execution
from executions.stream.following import follow_blocking


class Command(BaseCommand):
    help = (
        "Follows an execution in this terminal, whoever runs it, until it ends. Ctrl-C ends the following, not the "
        "execution. Exit status: 0 COMPLETED, 1 ended otherwise, 130 left by Ctrl-C."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("execution", help="id of the execution")
        parser.add_argument("--events", action="store_true", help="print the stream as the API sends it")
        parser.add_argument("--since", type=int, metavar="ID", help="with --events: those behind this id")

    def handle(self, *, execution: str, events: bool, since: int | None, **_: Any) -> None:
        if since is not None and not events:
            raise CommandError("--since goes with --events; without that an execution is shown from its first step.")
        found = _found(execution)
        if status := self._print(found, since or 0) if events else watch(execution=found, console=Console()):
            sys.exit(status)

    def _print(self, execution: Execution, since: int) -> int:
        try:
            for event in follow_blocking(execution.pk, since):
                self.stdout.write(event.decode(), ending="")
                self.stdout.flush()
        except KeyboardInterrupt:
            return LEFT_EXIT
        execution.refresh_from_db(fields=["status"])
        return exit_status(execution, None)


def _found(text: str) -> Execution:
    try:
        return Execution.objects.select_related("workflow__workspace").get(pk=text)
    except (Execution.DoesNotExist, ValidationError) as error:
        raise CommandError(f"No execution {text!r}; the API and the admin list them.") from error
