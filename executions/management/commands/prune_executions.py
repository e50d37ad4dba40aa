import signal
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand

from executions import retention
from executions.management.finding import find_workspace
from workspaces.models import Workspace


def _number(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError("give a whole number from 0")
    return int(text)


class Command(BaseCommand):
    help = (
        "Deletes what ended longer ago than the workspaces keep it, with its steps; servers and workers do so daily. "
        "It rests most of the time, so that the engine isn't slowed. Ctrl-C or SIGTERM: it ends, and may be run again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workspace", nargs="?", help="slug or id of one workspace; all without it")
        parser.add_argument("--days", type=_number, help="keep the last so many days, whatever the workspace says")
        parser.add_argument("--count", type=_number, help="keep so many at most, whatever the workspace says")
        parser.add_argument("--dry-run", action="store_true", help="delete nothing; say what would be deleted")
        parser.add_argument("--batch", type=_number, default=retention.BATCH, help="executions in one transaction")

    def handle(self, *, workspace: str | None, **options: Any) -> None:
        with _told_to_stop() as told_to_stop:
            for each in [find_workspace(workspace)] if workspace else Workspace.objects.order_by("slug"):
                if told_to_stop.is_set():
                    break
                self._prune(each, told_to_stop, **options)
        if told_to_stop.is_set():
            self.stderr.write("Stopped; run it again to carry on.")

    def _prune(
        self, workspace: Workspace, told_to_stop: Event, *, days: int | None, count: int | None, **options: Any
    ) -> None:
        rule = retention.rule_of(workspace, days=days, count=count)
        if rule.keeps_all:
            self.stdout.write(f"{workspace.slug}: keeps all.")
        elif options["dry_run"]:
            number = retention.count_outdated(workspace=workspace, rule=rule)
            self.stdout.write(f"{workspace.slug}: {_executions(number)} would be deleted.")
        else:
            batch = max(1, options["batch"])
            number = retention.prune(workspace=workspace, rule=rule, batch=batch, rest=told_to_stop.wait)
            self.stdout.write(f"{workspace.slug}: deleted {_executions(number)}.")


@contextmanager
def _told_to_stop() -> Iterator[Event]:
    """Is set by SIGTERM or Ctrl-C, so that the batch at hand is finished first."""
    told = Event()
    earlier = {number: signal.signal(number, lambda *_: told.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield told
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def _executions(number: int) -> str:
    return f"{number:,} execution{'' if number == 1 else 's'}"
