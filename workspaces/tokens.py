"""API tokens: to issue them, to revoke them, and to say whose a token is."""

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from workspaces import audit
from workspaces.models import Action, ApiToken, Scope, Workspace

PREFIX = "tri_"
SECRET_BYTES = 32
HINT_CHARACTERS = 8
DEFAULT_LIFE = timedelta(days=90)
USE_RECORDED_EVERY = timedelta(minutes=1)
IMPATIENT_MS = 100


def issue(
    *,
    user: User,
    name: str,
    scopes: Iterable[str],
    workspace: Workspace | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiToken, str]:
    """A new token and its text, which is nowhere to be had again. Without `expires_at` it never expires.

    Raises ValidationError as `check` does.
    """
    chosen = frozenset(scopes)
    check(user=user, name=name, scopes=chosen, workspace=workspace, expires_at=expires_at)
    text = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    with transaction.atomic():
        token = ApiToken.objects.create(
            user=user, workspace=workspace, name=name, digest=_digest(text), hint=text[:HINT_CHARACTERS],
            scopes=" ".join(scope for scope in Scope.values if scope in chosen), expires_at=expires_at,
        )  # fmt: skip
        _record(Action.TOKEN_ISSUE, token)
    return token, text


def check(
    *, user: User, name: str, scopes: Iterable[str], workspace: Workspace | None, expires_at: datetime | None
) -> None:
    """Raises ValidationError with every field for which such a token can't be issued, and what to do about it."""
    faults: dict[str, str | list[str]] = {}
    if not user.is_active:
        faults["user"] = "This user isn't active; a token would open nothing."
    if faults_of_name := _faults_of_name(name):
        faults["name"] = faults_of_name
    if not _are_scopes(scopes):
        faults["scopes"] = f"Choose one or more of {', '.join(Scope.values)}."
    if workspace and not Workspace.objects.reached_by(user).filter(pk=workspace.pk).exists():
        faults["workspace"] = "The user isn't a member of it; choose one of the user's own, or none for all of those."
    if expires_at and expires_at <= timezone.now():
        faults["expires_at"] = "Choose a time to come, or none for a token that never expires."
    if faults:
        raise ValidationError(faults)


def revoke(*, token: ApiToken) -> None:
    """From the next request on, the token opens nothing."""
    with transaction.atomic():
        _record(Action.TOKEN_REVOKE, token)
        token.delete()


def _record(action: Action, token: ApiToken) -> None:
    whose = token.user.get_username()
    audit.record(action, token, workspace_id=token.workspace_id, user=whose, scopes=token.scopes.split())


def authenticate(text: str) -> ApiToken | None:
    """The token with this text, its user with it; None if there is none, if it has expired or the user isn't active.

    Whether it opens a workspace isn't asked here: a token outlives its user's membership, and opens nothing then.
    """
    now = timezone.now()
    token = ApiToken.objects.valid(now).filter(digest=_digest(text)).select_related("user").first()
    if token is not None:
        _record_use(token, now)
    return token


def _record_use(token: ApiToken, now: datetime) -> None:
    """Not with every request, since each would be a write; requests at the same time write once.

    While nobody can write it stays as it was: whoever only reads isn't refused for it.
    """
    before = now - USE_RECORDED_EVERY
    if token.last_used_at is None or token.last_used_at <= before:
        with suppress(OperationalError), _impatient():
            ApiToken.objects.filter(pk=token.pk).unused_since(before).update(last_used_at=now)
            token.last_used_at = now


@contextmanager
def _impatient() -> Iterator[None]:
    """SQLite would wait for another's lock as long as a change that matters does."""
    if connection.vendor != "sqlite":
        yield
        return
    connection.ensure_connection()
    sqlite = connection.connection
    (usual,) = sqlite.execute("PRAGMA busy_timeout").fetchone()
    sqlite.execute(f"PRAGMA busy_timeout = {IMPATIENT_MS}")
    try:
        yield
    finally:
        sqlite.execute(f"PRAGMA busy_timeout = {usual}")


def _digest(text: str) -> str:
    """A plain SHA-256 is enough: 256 random bits can't be guessed, however fast the guesses are made."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _faults_of_name(name: str) -> list[str]:
    try:
        ApiToken._meta.get_field("name").clean(name, None)
    except ValidationError as error:
        return error.messages
    return []


def _are_scopes(scopes: Iterable[str]) -> bool:
    chosen = frozenset(scopes)
    return bool(chosen) and chosen <= frozenset(Scope.values)
