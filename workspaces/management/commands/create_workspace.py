from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from workspaces import services


class Command(BaseCommand):
    help = "Makes a workspace, and the organization around it, with an owner who may do everything there."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="its name in addresses: lower-case letters, digits, hyphens")
        parser.add_argument("--owner", required=True, help="name of a user; `manage.py createsuperuser` makes one")
        parser.add_argument("--name", default="", help="what people call it; else the slug")

    def handle(self, *, slug: str, owner: str, name: str, **_: Any) -> None:
        user = User.objects.filter(username=owner, is_active=True).first()
        if user is None:
            raise CommandError(f"No active user {owner!r}; `manage.py createsuperuser` and the admin make users.")
        try:
            workspace = services.create_workspace(slug=slug, owner=user, name=name)
        except ValidationError as error:
            faults = error.message_dict.items()
            raise CommandError("\n".join(f"{field}: {' '.join(texts)}" for field, texts in faults)) from error
        self.stdout.write(f"{workspace.slug}: {user} owns it. `manage.py create_token {user} …` opens it to programs.")
