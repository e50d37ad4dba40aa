"""The form of a definition: its parts, their types and limits."""

import re
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from workflows.actions import registry
from workflows.conditions import Condition, parse_condition
from workflows.documents import Json, inside
from workflows.expressions import SECRETS, parse_template, templates_in

MAX_ACTIONS = 500
MAX_TIMEOUT_MS = 24 * 60 * 60 * 1000
MAX_WORKFLOW_TIMEOUT_MS = 366 * MAX_TIMEOUT_MS
MAX_VARIABLE_NAME_CHARACTERS = 200
ACTION_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
NO_CONDITIONS: tuple[Json, ...] = (None, [], {})


class OnError(StrEnum):
    STOP = "stop"
    CONTINUE = "continue"
    RETRY = "retry"


def _action_id(value: str) -> str:
    if not ACTION_ID.fullmatch(value):
        raise ValueError("Use letters, digits, _ and -, at most 100 of them.")
    return value


def _variable_name(name: str) -> str:
    if not 1 <= len(name) <= MAX_VARIABLE_NAME_CHARACTERS:
        raise ValueError(
            f"No expression can name it; give it a name of 1 to {MAX_VARIABLE_NAME_CHARACTERS} characters."
        )
    return name


type ActionId = Annotated[
    str, AfterValidator(_action_id), Field(json_schema_extra={"pattern": f"^{ACTION_ID.pattern}$"})
]
type VariableName = Annotated[str, AfterValidator(_variable_name)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, alias_generator=to_camel)


class RetryPolicy(_Part):
    """Before retry n (from 1) an action waits `delay_ms * backoff_multiplier ** (n - 1)`, at most `max_delay_ms`."""

    max_retries: int = Field(3, ge=0, le=100)
    delay_ms: int = Field(1_000, ge=0, le=MAX_TIMEOUT_MS)
    backoff_multiplier: float = Field(2, ge=1, le=100)
    max_delay_ms: int = Field(60_000, ge=0, le=MAX_TIMEOUT_MS)
    jitter: bool = Field(True, description="Waits between half of that and all of it, at random.")


class Action(_Part):
    """One step to be. `conditions` that aren't met skip it; `timeout` (ms) bounds every attempt."""

    id: ActionId
    name: str = Field("", max_length=200)
    type: str
    config: dict[str, Any] = Field(default_factory=dict)
    conditions: Any = Field(None, description="The action is skipped unless they are met.")
    timeout: int = Field(30_000, ge=1, le=MAX_TIMEOUT_MS, description="Of each attempt, in ms.")
    on_error: OnError = Field(OnError.STOP, strict=False)
    retry_config: RetryPolicy = RetryPolicy()

    @cached_property
    def condition(self) -> Condition | None:
        """Raises ConditionError, unless the definition was checked."""
        return None if self.conditions in NO_CONDITIONS else parse_condition(self.conditions)

    @cached_property
    def secret_places(self) -> dict[str, str]:
        """Of each secret that its config refers to, by name: where in the config that is first."""
        found: dict[str, str] = {}
        for path, text in templates_in(self.config):
            template = parse_template(text) if SECRETS in text else None
            for reference in template.references if template else ():
                if reference.root == SECRETS:
                    found.setdefault(str(reference.keys[0]), inside("config", path))
        return found


class Trigger(BaseModel):
    """What starts the workflow: its `type`, and whatever else that type needs."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)
    type: str = Field("manual", min_length=1, max_length=64)


class Definition(_Part):
    """`timeout` (ms) bounds the whole execution, waits included; None: no bound."""

    trigger: Trigger = Trigger()
    variables: dict[VariableName, Any] = Field(default_factory=dict)
    actions: tuple[Action, ...] = Field(min_length=1, max_length=MAX_ACTIONS, strict=False)
    timeout: int | None = Field(
        None, ge=1, le=MAX_WORKFLOW_TIMEOUT_MS, description="Of the whole execution, waits included, in ms."
    )

    @cached_property
    def secret_names(self) -> frozenset[str]:
        return frozenset().union(*(action.secret_places for action in self.actions))


def load(document: Json) -> Definition:
    """A definition that was checked when it was saved: only its form is read."""
    return Definition.model_validate(document)


def json_schema(*, reference: str = "#/$defs/{model}") -> dict[str, Any]:
    """The JSON Schema of a definition as a client may send it, so without the ids that are filled in on save.

    `reference` is how its parts refer to each other.
    """
    schema = Definition.model_json_schema(ref_template=reference)
    action = schema["$defs"]["Action"]
    action["required"].remove("id")
    action["properties"]["type"]["enum"] = sorted(registry.ACTIONS)
    return schema


def with_ids(document: Json) -> Json:
    """The definition with the ids that were left out filled in: `action-1`, `action-2`, …, whichever is free.

    One with more actions than are allowed comes back as it is.
    """
    if not isinstance(document, dict) or not isinstance(actions := document.get("actions"), list):
        return document
    if len(actions) > MAX_ACTIONS:
        return document
    taken = {action["id"] for action in actions if isinstance(action, dict) and isinstance(action.get("id"), str)}
    filled: list[Json] = []
    for number, action in enumerate(actions, start=1):
        if isinstance(action, dict) and action.get("id") is None:
            free = _free_id(number, taken)
            taken.add(free)
            filled.append({"id": free, **{key: value for key, value in action.items() if key != "id"}})
        else:
            filled.append(action)
    return {**document, "actions": filled}


def _free_id(number: int, taken: set[Any]) -> str:
    while (candidate := f"action-{number}") in taken:
        number += 1
    return candidate
