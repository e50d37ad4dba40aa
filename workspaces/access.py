"""Who may do what in a workspace: one table, asked by the API, the admin and the stream alike."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.contrib.auth.models import User

from workspaces.models import ApiToken, Role, Scope, Workspace


class Verb(StrEnum):
    READ = "read"
    ATTEND = "attend to what was sent to oneself"
    EXECUTE = "execute and cancel workflows, and work on tasks"
    WRITE = "change workflows or see the names of secrets"
    ADMIN = "manage members, tokens and secrets or see the audit log"
    OWN = "make and unmake owners"


MAY: dict[Role, frozenset[Verb]] = {
    Role.GUEST: frozenset({Verb.READ, Verb.ATTEND}),
    Role.MEMBER: frozenset({Verb.READ, Verb.ATTEND, Verb.EXECUTE}),
    Role.ADMIN: frozenset({Verb.READ, Verb.ATTEND, Verb.EXECUTE, Verb.WRITE, Verb.ADMIN}),
    Role.OWNER: frozenset(Verb),
}
SCOPE: dict[Verb, Scope] = {
    Verb.READ: Scope.READ,
    Verb.ATTEND: Scope.EXECUTE,
    Verb.EXECUTE: Scope.EXECUTE,
    Verb.WRITE: Scope.WRITE,
    Verb.ADMIN: Scope.ADMIN,
    Verb.OWN: Scope.ADMIN,
}

# Of what UUID() takes for an id beside that, headers and caches make something else.
_PLAIN = re.compile(r"[0-9A-Za-z-]{1,63}")


class NotAllowed(Exception):
    """The caller sees the workspace, but the role in it or the token's scopes don't reach that far."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a user, and the token that speaks for him, if one does."""

    user: User
    token: ApiToken | None = None

    def require_scope(self, verb: Verb) -> None:
        """Raises NotAllowed when a token speaks that lacks the verb's scope; a session has them all."""
        if self.token and SCOPE[verb] not in self.token.scope_set:
            raise NotAllowed(f"This token can't {verb}: its scope {SCOPE[verb].value!r} is missing.")


@dataclass(frozen=True, slots=True)
class Entry:
    """A workspace as a caller has entered it, with the role he has there."""

    workspace: Workspace
    role: Role
    caller: Caller

    def require(self, verb: Verb) -> None:
        """Raises NotAllowed unless both the role and the token, if there is one, allow the verb."""
        if verb not in MAY[self.role]:
            roles = " or ".join(role for role, verbs in MAY.items() if verb in verbs)
            raise NotAllowed(f"The role {self.role} can't {verb}; that takes {roles}.")
        self.caller.require_scope(verb)

    def may(self, verb: Verb) -> bool:
        try:
            self.require(verb)
        except NotAllowed:
            return False
        return True


def workspaces_of(caller: Caller) -> Any:
    """The workspaces that exist for the caller, each with his `role`; a token may be bound to one of them."""
    reached = Workspace.objects.reached_by(caller.user)
    return reached.filter(pk=caller.token.workspace_id) if caller.token and caller.token.workspace_id else reached


def enter(caller: Caller, reference: str) -> Entry:
    """The workspace with this slug or id. Raises Workspace.DoesNotExist, also for one that is out of reach."""
    found = workspaces_of(caller).addressed_by(reference if _PLAIN.fullmatch(reference) else "").get()
    return Entry(found, Role(found.role), caller)
