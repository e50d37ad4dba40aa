from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from workspaces import secrets


class Command(BaseCommand):
    help = "Encrypts all secrets anew with the first of SECRETS_KEYS. After it the others may be taken away."

    def handle(self, **_: Any) -> None:
        try:
            number = secrets.rotate()
        except secrets.Unreadable as error:
            raise CommandError(f"Nothing was changed. {error}") from error
        key = (
            "the first of SECRETS_KEYS"
            if len(settings.SECRETS_KEYS) > 1
            else "what SECRET_KEY gives: SECRETS_KEYS isn't set"
        )
        self.stdout.write(f"{number} secrets are encrypted with {key}.")
