from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand

from executions.engine import forks, suspects


class Command(BaseCommand):
    help = (
        "Makes one attempt of an execution that may have ended its process before. Started by the executor, which has "
        "claimed it under that epoch; not by people."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("execution", type=UUID)
        parser.add_argument("epoch", type=int)

    def handle(self, *, execution: UUID, epoch: int, **options: Any) -> None:
        forks.stay_deaf()
        suspects.run_alone(execution, epoch)
