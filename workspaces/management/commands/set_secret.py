import sys
from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from workspaces import secrets
from workspaces.models import Workspace


class Command(BaseCommand):
    help = "Sets a secret, whose value it asks for, or reads from standard input: never from the command line."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workspace", help="slug or id of the workspace")
        parser.add_argument("name", help="as configs say it: {{ secrets.NAME }}")

    def handle(self, *, workspace: str, name: str, **_: Any) -> None:
        found = Workspace.objects.addressed_by(workspace).first()
        if found is None:
            raise CommandError(f"No workspace {workspace!r}; give the slug or the id of one.")
        try:
            secret, is_new = secrets.put(workspace=found, name=name, value=_value(name))
        except ValidationError as error:
            faults = error.message_dict.items()
            raise CommandError("\n".join(f"{field}: {' '.join(texts)}" for field, texts in faults)) from error
        self.stdout.write(f"{secret.name} is {'set' if is_new else 'replaced'} in {found.slug}.")


def _value(name: str) -> str:
    """Without the line end that echo and editors leave at the end of a file."""
    if not sys.stdin.isatty():
        return sys.stdin.read().removesuffix("\n")
    try:
        return getpass(f"{name}: ")
    except (EOFError, KeyboardInterrupt) as error:
        raise CommandError("Nothing was set.") from error
