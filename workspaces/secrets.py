"""A workspace's secrets: written, used by its workflows, never read back; encrypted with the keys of SECRETS_KEYS."""

import json
from collections.abc import Iterable
from functools import lru_cache
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from workspaces import audit, names
from workspaces.models import Action, Secret, Workspace

MIN_CHARACTERS = 8
MAX_BYTES = 64 * 1024


class Unreadable(Exception):
    """A secret was encrypted with a key that isn't among SECRETS_KEYS, or isn't the one that was put there."""


def put(*, workspace: Workspace, name: str, value: str) -> tuple[Secret, bool]:
    """The secret with its new value, and whether it is a new one. Raises ValidationError by field."""
    check(name=name, value=value)
    sealed, now = _seal(workspace.pk, name, value), timezone.now()
    with transaction.atomic():
        secret, is_new = Secret.objects.update_or_create(
            workspace=workspace, name=name, defaults={"sealed": sealed, "updated_at": now},
            create_defaults={"sealed": sealed, "updated_at": now, "created_at": now},
        )  # fmt: skip
        audit.record(Action.SECRET_PUT, secret, workspace_id=workspace.pk, new=is_new)
    return secret, is_new


def check(*, name: str, value: str) -> None:
    """Raises ValidationError by field: for a name that no config can say, a value that can't be kept, or not masked."""
    faults: dict[str, list[str]] = {}
    try:
        Secret._meta.get_field("name").clean(name, None)
    except ValidationError as error:
        faults["name"] = error.messages
    if fault := _fault_of(value):
        faults["value"] = [fault]
    if faults:
        raise ValidationError(faults)


def _fault_of(value: str) -> str | None:
    if len(value.strip()) < MIN_CHARACTERS:
        return f"Give at least {MIN_CHARACTERS} characters; a shorter one can't be told from other text and masked."
    if "\x00" in value:
        return "Leave out NUL characters; no header takes them."
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        return "Give text in UTF-8; encode what is none, in base64 for instance."
    return f"Give at most {MAX_BYTES:,} bytes; these are {size:,}." if size > MAX_BYTES else None


def named(secrets: QuerySet[Secret], name: str) -> Secret:
    """Raises Secret.DoesNotExist, also for what can't be a name."""
    return secrets.get(name=name) if names.is_name(name) else secrets.none().get()


def remove(*, secret: Secret) -> None:
    """Executions that need it from now on fail, and say so."""
    with transaction.atomic():
        audit.record(Action.SECRET_REMOVE, secret, workspace_id=secret.workspace_id)
        secret.delete()


def reveal(*, workspace_id: UUID, names: Iterable[str]) -> dict[str, str | Unreadable]:
    """The values of those of the names that there are, or why one can't be had."""
    found = Secret.objects.filter(workspace=workspace_id, name__in=names).values_list("name", "sealed")
    return {name: _value(workspace_id, name, sealed) for name, sealed in found}


def _value(workspace_id: UUID, name: str, sealed: str) -> str | Unreadable:
    try:
        return _open(workspace_id, name, sealed)
    except Unreadable as error:
        return error


def rotate() -> int:
    """Encrypts all secrets anew with the first of SECRETS_KEYS; gives how many there are.

    Raises Unreadable, with nothing changed.
    """
    box = _box(tuple(settings.SECRETS_KEYS))
    with transaction.atomic():
        secrets = list(Secret.objects.select_for_update())
        for secret in secrets:
            _open(secret.workspace_id, secret.name, secret.sealed)
            secret.sealed = box.rotate(secret.sealed).decode()
        Secret.objects.bulk_update(secrets, ["sealed"], batch_size=100)
        audit.record(Action.SECRET_ROTATE, None, number=len(secrets))
    return len(secrets)


@lru_cache(maxsize=1)
def _box(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def _seal(workspace_id: UUID, name: str, value: str) -> str:
    """With its place inside, so that what is copied to another in the database opens nothing."""
    return _box(tuple(settings.SECRETS_KEYS)).encrypt(json.dumps([str(workspace_id), name, value]).encode()).decode()


def _open(workspace_id: UUID, name: str, sealed: str) -> str:
    try:
        where, called, value = json.loads(_box(tuple(settings.SECRETS_KEYS)).decrypt(sealed))
    except InvalidToken as error:
        mend = "Add the key that it was encrypted with to SECRETS_KEYS, or set it anew."
        raise Unreadable(f"The secret {name!r} can't be decrypted. {mend}") from error
    if (where, called) != (str(workspace_id), name):
        raise Unreadable(f"The secret {name!r} is another's in the database. Set it anew.")
    return str(value)
