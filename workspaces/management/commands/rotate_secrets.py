from typing import Any

from django.core.management.base import BaseCommand, CommandError

from workspaces import secrets


class Command(BaseCommand):
    help = "Encrypts all secrets anew with the first of SECRETS_KEYS. After it the others may be taken away."

    def handle(self, **_: Any) -> None:
        try:
            number = secrets.rotate()
        except secrets.Unreadable as error:
            raise CommandError(f"Nothing was changed. {error}") from error
        self.stdout.write(f"{number} secrets are encrypted with the first key.")
