"""The action types: a plain dictionary, filled by the decorator `@action`."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from workflows.documents import Json
from workflows.expressions import Reference

type Handler = Callable[[Any, Any], Any]


class ActionConfig(BaseModel):
    """The base of an action's config: camelCase in JSON, unknown keys refused, no type silently coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, alias_generator=to_camel)


@dataclass(frozen=True, slots=True)
class ActionType:
    """`handler(config, context)` returns JSON or a Pause; `preview` says what a dry run would have sent.

    A `transactional` handler runs inside the transaction that records its step: ORM work only, and briefly.
    A `pure` one touches nothing outside the execution, so that a dry run runs it for real. One that is `raw` gets its
    config as it was written and evaluates it against `context.scope` itself; `references` says what it will read.
    """

    name: str
    handler: Handler
    config: type[ActionConfig]
    description: str
    transactional: bool
    pure: bool
    raw: bool
    preview: Callable[[Any, Any], Json] | None
    references: Callable[[Any], Iterable[Reference]]

    def json_schema(self) -> dict[str, Any]:
        return self.config.model_json_schema()


class UnknownAction(LookupError):
    """No app has registered this action type."""


ACTIONS: dict[str, ActionType] = {}


def _no_references(_config: object) -> Iterable[Reference]:
    return ()


def action(
    name: str,
    *,
    config: type[ActionConfig],
    transactional: bool = False,
    pure: bool = False,
    raw: bool = False,
    preview: Callable[[Any, Any], Json] | None = None,
    references: Callable[[Any], Iterable[Reference]] = _no_references,
) -> Callable[[Handler], Handler]:
    """Registers `handler(config, context)`, sync or async, as the action type `name`.

    Raises ValueError when another handler has the name already, or when an async one asks to be transactional.
    """

    def register(handler: Handler) -> Handler:
        known = ACTIONS.get(name)
        if known is not None and known.handler.__module__ != handler.__module__:
            raise ValueError(f"action {name!r} is registered by {known.handler.__module__}; choose another name")
        if transactional and inspect.iscoroutinefunction(handler):
            raise ValueError(f"action {name!r}: a transactional handler can't be async; it shares the journal's thread")
        description = inspect.getdoc(handler) or ""
        ACTIONS[name] = ActionType(name, handler, config, description, transactional, pure, raw, preview, references)
        return handler

    return register


def find(name: str) -> ActionType:
    """The action type of that name, or UnknownAction."""
    try:
        return ACTIONS[name]
    except KeyError:
        raise UnknownAction(name) from None
