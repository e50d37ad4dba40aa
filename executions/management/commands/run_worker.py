import signal
from argparse import ArgumentParser
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand

from executions.engine import dispatch


class Command(BaseCommand):
    help = (
        "Carries executions on, as `make serve` does, without an API: start as many as you like, on any machine. "
        "SIGTERM or Ctrl-C: it claims nothing more, finishes the steps at hand, and hands its executions to others."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--threads", type=int, help="executions at once; EXECUTOR_THREADS without it")

    def handle(self, *, threads: int | None, **options: Any) -> None:
        told_to_stop = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: told_to_stop.set())
        with dispatch.executor(threads):
            self.stderr.write("This worker is ready.")
            told_to_stop.wait()
