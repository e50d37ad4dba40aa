"""The action types: a plain dictionary, filled by the decorator `@action`."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Protocol

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

from workflows.documents import Json
from workflows.expressions import Reference

MAX_NAME_CHARACTERS = 100

type Handler = Callable[[Any, Any], Any]
type Located = tuple[str, Reference]


class ActionConfig(BaseModel):
    """The base of an action's config: camelCase in JSON, unknown keys refused, no type silently coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, alias_generator=to_camel)


def _read_time(value: object) -> object:
    """Pydantic itself would also take numbers, and texts of digits, as seconds since 1970."""
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ValueError("Give an ISO 8601 time with its offset, such as 2026-01-31T09:00:00Z.") from error


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("Give a time between the years 1 and 9999, also in UTC.") from error


Moment = Annotated[AwareDatetime, BeforeValidator(_read_time), AfterValidator(_in_utc)]
"""A field of a config that holds a time: ISO 8601 with its offset in JSON, a datetime in UTC for the handler."""


@dataclass(frozen=True, slots=True)
class ActionType:
    """`handler(config, context)` returns JSON or a Pause; `preview` says what a dry run would have sent.

    A `transactional` handler runs inside the transaction that records its step: ORM work only, and briefly.
    A `pure` one touches nothing outside the execution, so that a dry run runs it for real. One that is `raw` gets its
    config as it was written and evaluates it against `context.scope` itself; `references` says what it will read,
    each after its path in the config, and may raise ConditionError.
    One that is `isolated` has a process of its own for each attempt; if that is None, where settings or experience ask
    for it.
    """

    name: str
    handler: Handler
    config: type[ActionConfig]
    description: str
    transactional: bool
    pure: bool
    raw: bool
    preview: Callable[[Any, Any], Json] | None
    references: Callable[[Any], Iterable[Located]]
    isolated: bool | None = None

    @property
    def can_be_isolated(self) -> bool:
        """Not if it needs this process's transaction, or evaluates expressions."""
        return not (self.transactional or self.raw)

    @property
    def takes_secrets(self) -> bool:
        """Not if its config is kept or compared: that is done where nothing masks them."""
        return not (self.transactional or self.pure or self.raw)

    def json_schema(self) -> dict[str, Any]:
        """The JSON Schema of its config, under its own name and description."""
        return {**self.config.model_json_schema(), "title": self.name, "description": self.description}


class Registration(Protocol):
    """Takes a handler in and gives it back as it is, so that it can be called directly too."""

    def __call__[H: Handler](self, handler: H, /) -> H: ...


class UnknownAction(LookupError):
    """No app has registered this action type."""


ACTIONS: dict[str, ActionType] = {}


def _no_references(_config: object) -> Iterable[Located]:
    return ()


def action(
    name: str,
    *,
    config: type[ActionConfig],
    transactional: bool = False,
    pure: bool = False,
    raw: bool = False,
    preview: Callable[[Any, Any], Json] | None = None,
    references: Callable[[Any], Iterable[Located]] = _no_references,
    isolated: bool | None = None,
) -> Registration:
    """Registers `handler(config, context)`, sync or async, as the action type `name`.

    Raises ValueError when another handler has the name already, when the name is empty or longer than 100 characters,
    when an async handler asks to be transactional, or one that is transactional or raw to be isolated.
    """
    if not 1 <= len(name) <= MAX_NAME_CHARACTERS:
        raise ValueError(f"an action's name has 1 to {MAX_NAME_CHARACTERS} characters; {name[:20]!r} has {len(name)}")

    def register[H: Handler](handler: H) -> H:
        known = ACTIONS.get(name)
        if known is not None and _origin(known.handler) != _origin(handler):
            raise ValueError(f"action {name!r} is registered by {_origin(known.handler)}; choose another name")
        if transactional and inspect.iscoroutinefunction(handler):
            raise ValueError(f"action {name!r}: a transactional handler can't be async; it shares the journal's thread")
        description = inspect.getdoc(handler) or ""
        found = ActionType(
            name, handler, config, description, transactional, pure, raw, preview, references, isolated
        )  # fmt: skip
        if isolated and not found.can_be_isolated:
            raise ValueError(f"action {name!r}: a transactional or raw handler can't be isolated; it works in here")
        ACTIONS[name] = found
        return handler

    return register


def _origin(handler: Handler) -> str:
    """The same for a handler whose module was loaded again."""
    return f"{handler.__module__}.{handler.__qualname__}"


def find(name: str) -> ActionType:
    """The action type of that name, or UnknownAction."""
    try:
        return ACTIONS[name]
    except KeyError:
        raise UnknownAction(name) from None
