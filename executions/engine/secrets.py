"""The secrets that a definition names: given to its handlers, and masked in all that is recorded of them."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import cached_property
from typing import Any
from uuid import UUID

from executions.engine import simulation
from executions.engine.outcomes import Failure, Outcome
from executions.engine.scope import Scope
from workflows.definition import Action, Definition
from workflows.documents import Json
from workflows.expressions import SECRETS, ExpressionError
from workspaces import secrets
from workspaces.masking import MASK, Masker, hide_in_logs, masked_by
from workspaces.secrets import Unreadable

TEXTS_OF_FAILURE = ("code", "message", "details", "traceback")


class Secrets:
    """Those of one claim, until a step is tried again: that reads them anew.

    They are read when they are first needed; of a definition that names none, never.
    """

    def __init__(self, workspace_id: UUID, definition: Definition) -> None:
        self._workspace_id = workspace_id
        self._names = definition.secret_names

    @cached_property
    def _found(self) -> dict[str, str | Unreadable]:
        found = secrets.reveal(workspace_id=self._workspace_id, names=self._names)
        hide_in_logs(value for value in found.values() if isinstance(value, str))
        return found

    def hidden(self) -> AbstractContextManager[None]:
        """Around an attempt: what its handler cuts short is masked before."""
        return masked_by(self._masker) if self._names else nullcontext()

    @cached_property
    def _masker(self) -> Masker:
        return Masker(value for value in self._found.values() if isinstance(value, str))

    def shown(self, action: Action, scope: Scope, *, keep_unknown: bool) -> Json:
        """The action's config as it is recorded, with a mask for each secret.

        Raises what rendering does, ExpressionError for a secret that there isn't, and Unreadable; in a dry run too.
        """
        if action.secret_places:
            scope = {**scope, SECRETS: dict.fromkeys(self._values_for(action), MASK)}
        return self.masked(simulation.render(action.config, scope, keep_unknown=keep_unknown))

    def given(self, action: Action, scope: Scope, shown: Json) -> Json:
        """The action's config as its handler gets it: what was recorded, unless that may be masked.

        Then it is rendered anew; what it refers to doesn't change once the step has begun. Raises as `shown` does.
        """
        if not self._names:
            return shown
        return simulation.render(action.config, {**scope, SECRETS: self._values_for(action)}, keep_unknown=False)

    def _values_for(self, action: Action) -> dict[str, Json]:
        values: dict[str, Json] = {}
        for name, place in action.secret_places.items():
            value = self._found.get(name)
            if value is None:
                message = f"{place}: the workspace has no secret {name!r}; set it there, or correct the name."
                raise ExpressionError(f"{message} Upper and lower case count.")
            if isinstance(value, Unreadable):
                raise value
            values[name] = value
        return values

    def masked[T](self, value: T) -> T:
        if not self._names:
            return value
        found: T = self._masker.value(value)
        return found

    def masked_outcome(self, outcome: Outcome) -> Outcome:
        if not self._names:
            return outcome
        if isinstance(outcome, Failure):
            masked: dict[str, Any] = {name: self.masked(getattr(outcome, name)) for name in TEXTS_OF_FAILURE}
            return replace(outcome, **masked)
        return replace(outcome, output=self.masked(outcome.output))
