from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from workspaces import tokens
from workspaces.models import ApiToken, Scope, Workspace

DEFAULT_DAYS = tokens.DEFAULT_LIFE.days
MAX_DAYS = 3650


def unicode(value: str) -> str:
    """What isn't UTF-8 on the command line arrives with surrogates in it, and no database takes those."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ArgumentTypeError("this isn't UTF-8.") from error
    return value


def days(value: str) -> int:
    if not value.isdecimal() or not 1 <= int(value) <= MAX_DAYS:
        raise ArgumentTypeError(f"write whole days from 1 to {MAX_DAYS}.")
    return int(value)


class Command(BaseCommand):
    help = "Makes an API token and prints it, this once, on standard output; what it is goes to standard error."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", type=unicode, help="name of the user for whom it acts")
        parser.add_argument("--name", required=True, help="what it is for, such as the program that will use it")
        parser.add_argument("--workspace", help="slug or id of the only one it opens; else all of the user's")
        parser.add_argument(
            "--scope",
            action="append",
            choices=Scope.values,
            help="what it may do, once for each; else read and execute",
        )
        expiry = parser.add_mutually_exclusive_group()
        expiry.add_argument(
            "--expires-in-days", type=days, metavar="N", default=DEFAULT_DAYS, help=f"else {DEFAULT_DAYS}"
        )
        expiry.add_argument("--never-expires", action="store_true", help="until it is revoked")

    def handle(self, *, user: str, name: str, workspace: str | None, scope: list[str] | None, **options: Any) -> None:
        try:
            token, text = tokens.issue(
                user=_find_user(user),
                name=name,
                scopes=scope or [Scope.READ, Scope.EXECUTE],
                workspace=None if workspace is None else _find_workspace(workspace),
                expires_at=None if options["never_expires"] else _in_days(options["expires_in_days"]),
            )
        except ValidationError as error:
            faults = error.message_dict.items()
            raise CommandError("\n".join(f"{field}: {' '.join(messages)}" for field, messages in faults)) from error
        self.stderr.write(_told(token))
        self.stdout.write(text)


def _find_user(name: str) -> User:
    user = User.objects.filter(username=name).first()
    if user is None:
        raise CommandError(f"No user {name!r}; `manage.py createsuperuser` and the admin make users.")
    return user


def _find_workspace(reference: str) -> Workspace:
    workspace = Workspace.objects.addressed_by(reference).first()
    if workspace is None:
        raise CommandError(f"No workspace {reference!r}; give the slug or the id of one.")
    return workspace


def _in_days(number: int) -> datetime:
    return timezone.now() + timedelta(days=number)


def _told(token: ApiToken) -> str:
    reach = f"in {token.workspace}" if token.workspace else "in all workspaces"
    end = f"until {token.expires_at:%Y-%m-%d %H:%M} UTC" if token.expires_at else "until it is revoked"
    return f"{token}: {token.user} {reach} may {token.scopes}, {end}. Keep it well: it can't be shown again."
