"""What a view hands to the server that streams: who follows which execution from where, and that he may."""

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Self
from uuid import UUID

import orjson
from django.contrib.auth.models import User
from django.core import signing
from django.utils import timezone

from workspaces.access import Caller, NotAllowed, Verb, enter
from workspaces.models import ApiToken, Workspace

TICKET_LIFE = timedelta(seconds=60)
SALT = "trilith.stream"


@dataclass(frozen=True, slots=True)
class Holder:
    """A user, and the token that speaks for him, if one does, in a workspace; or one who follows in the admin.

    The admin's superusers see every workspace, of whichever they are members.
    """

    user_id: int
    token_id: UUID | None
    workspace_id: UUID
    in_admin: bool = False

    @classmethod
    def of(cls, caller: Caller, workspace: Workspace) -> Self:
        return cls(caller.user.pk, caller.token.pk if caller.token else None, workspace.pk)

    def may_still(self) -> bool:
        """Whether he may read in the workspace as of now."""
        caller = caller_of(self.user_id, self.token_id)
        if caller and self.in_admin and (caller.user.is_superuser or not caller.user.is_staff):
            return caller.user.is_staff
        try:
            if caller:
                enter(caller, str(self.workspace_id)).require(Verb.READ)
        except (Workspace.DoesNotExist, NotAllowed):
            return False
        return caller is not None


@dataclass(frozen=True, slots=True)
class Pass:
    """To an execution's stream, or without one to that of the holder's workspace; it begins behind `since`."""

    holder: Holder
    execution_id: UUID | None
    since: int

    def dumped(self) -> str:
        return orjson.dumps(asdict(self)).decode()

    @classmethod
    def loaded(cls, text: bytes) -> Self:
        parts: dict[str, Any] = orjson.loads(text)
        holder = parts["holder"]
        token_id = holder["token_id"] and UUID(holder["token_id"])
        return cls(
            Holder(holder["user_id"], token_id, UUID(holder["workspace_id"]), holder["in_admin"]),
            parts["execution_id"] and UUID(parts["execution_id"]),
            parts["since"],
        )


def ticket(caller: Caller, execution_id: UUID) -> str:
    """A text that opens this execution's stream to whoever shows it, for a minute, as the caller."""
    token_id = str(caller.token.pk) if caller.token else None
    return signing.dumps([caller.user.pk, token_id, str(execution_id)], salt=SALT, compress=False)


def of_ticket(text: str, execution_id: str) -> Caller | None:
    """None for a ticket that isn't ours, is of another execution, or too old; or when its caller is gone."""
    try:
        user_id, token_id, named = signing.loads(text, salt=SALT, max_age=TICKET_LIFE)
    except signing.BadSignature:
        return None
    return caller_of(user_id, token_id and UUID(token_id)) if named == execution_id else None


def caller_of(user_id: int, token_id: UUID | None) -> Caller | None:
    """The user with his token, as long as both are valid."""
    if token_id is not None:
        token = ApiToken.objects.valid(timezone.now()).filter(pk=token_id, user=user_id).select_related("user").first()
        return Caller(token.user, token) if token else None
    user = User.objects.filter(pk=user_id, is_active=True).first()
    return Caller(user) if user else None
