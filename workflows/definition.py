"""The schema of a definition, and every check that can be made before it runs."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from workflows.actions import registry
from workflows.conditions import Condition, ConditionError, parse_condition
from workflows.documents import DocumentError, Json, encode, join
from workflows.expressions import ExpressionError, Reference, parse_template, templates_in

MAX_ACTIONS = 500
MAX_TIMEOUT_MS = 24 * 60 * 60 * 1000
MAX_WORKFLOW_TIMEOUT_MS = 366 * MAX_TIMEOUT_MS
ACTION_ID_PATTERN = r"^[A-Za-z_][A-Za-z0-9_-]{0,99}$"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong in a definition: `path` (`actions[2].config.url`), and `message` with the mend."""

    path: str
    message: str


class DefinitionInvalid(ValueError):
    """A definition that can't run, with every fault that was found."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{fault.path}: {fault.message}" for fault in faults))
        self.faults = tuple(faults)


class OnError(StrEnum):
    STOP = "stop"
    CONTINUE = "continue"
    RETRY = "retry"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, alias_generator=to_camel)


class RetryPolicy(_Part):
    """Before retry n (from 1) an action waits `delay_ms * backoff_multiplier ** (n - 1)`, at most `max_delay_ms`."""

    max_retries: int = Field(3, ge=0, le=100)
    delay_ms: int = Field(1_000, ge=0, le=MAX_TIMEOUT_MS)
    backoff_multiplier: float = Field(2, ge=1, le=100)
    max_delay_ms: int = Field(60_000, ge=0, le=MAX_TIMEOUT_MS)
    jitter: bool = True


class Action(_Part):
    """One step to be. `conditions` that aren't met skip it; `timeout` (ms) bounds every attempt."""

    id: str = Field(pattern=ACTION_ID_PATTERN)
    name: str = Field("", max_length=200)
    type: str
    config: dict[str, Any] = Field(default_factory=dict)
    conditions: Any = None
    timeout: int = Field(30_000, ge=1, le=MAX_TIMEOUT_MS)
    on_error: OnError = Field(OnError.STOP, strict=False)
    retry_config: RetryPolicy = RetryPolicy()

    @cached_property
    def condition(self) -> Condition | None:
        return parse_condition(self.conditions) if self.conditions else None


class Trigger(BaseModel):
    """What starts the workflow: its `type`, and whatever else that type needs."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)
    type: str = Field("manual", min_length=1, max_length=64)


class Definition(_Part):
    """`timeout` (ms) bounds the whole execution, waits included; None: no bound."""

    trigger: Trigger = Trigger()
    variables: dict[str, Any] = Field(default_factory=dict)
    actions: tuple[Action, ...] = Field(min_length=1, max_length=MAX_ACTIONS, strict=False)
    timeout: int | None = Field(None, ge=1, le=MAX_WORKFLOW_TIMEOUT_MS)


def with_ids(document: Json) -> Json:
    """The definition with the ids that were left out filled in: `action-1`, `action-2`, …, whichever is free."""
    if not isinstance(document, dict) or not isinstance(actions := document.get("actions"), list):
        return document
    taken = {action.get("id") for action in actions if isinstance(action, dict) and isinstance(action.get("id"), str)}
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


def load(document: Json) -> Definition:
    """A definition that was checked when it was saved: only its shape is read."""
    return Definition.model_validate(document)


def parse(document: Json) -> Definition:
    """Checks everything that can be checked before a run; raises DefinitionInvalid with all the faults."""
    try:
        encode(document)
    except DocumentError as error:
        raise DefinitionInvalid([Fault(error.path, error.message)]) from error
    try:
        definition = load(document)
    except ValidationError as error:
        raise DefinitionInvalid([Fault(*located) for located in _located(error)]) from error
    faults = [*_id_faults(definition.actions), *_action_faults(definition)]
    if faults:
        raise DefinitionInvalid(faults)
    return definition


def _located(error: ValidationError) -> Iterator[tuple[str, str]]:
    for detail in error.errors(include_url=False, include_context=False, include_input=False):
        yield _path(detail["loc"]), _mend(detail["type"], detail["msg"])


def _path(location: Iterable[str | int]) -> str:
    path = ""
    for part in location:
        path = f"{path}[{part}]" if isinstance(part, int) else join(path, part)
    return path


def _mend(kind: str, message: str) -> str:
    match kind:
        case "extra_forbidden":
            return "Unknown field; remove it or correct its spelling."
        case "missing":
            return "This field is required."
        case _:
            return message.removeprefix("Value error, ")


def _id_faults(actions: Sequence[Action]) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for index, action in enumerate(actions):
        if action.id in first:
            yield Fault(
                f"actions[{index}].id", f"{action.id!r} is the id of actions[{first[action.id]}] too; change one."
            )
        first.setdefault(action.id, index)


def _action_faults(definition: Definition) -> Iterator[Fault]:
    ids = [action.id for action in definition.actions]
    for index, action in enumerate(definition.actions):
        path = f"actions[{index}]"
        references: list[tuple[str, Reference]] = []
        for fault in (*_config_faults(action, references), *_condition_faults(action, references)):
            yield Fault(join(path, fault.path), fault.message)
        for where, reference in references:
            if message := _reference_fault(reference, index, ids):
                yield Fault(join(path, where), message)


def _config_faults(action: Action, references: list[tuple[str, Reference]]) -> Iterator[Fault]:
    """Also gathers the references that the config's expressions make."""
    try:
        action_type = registry.find(action.type)
    except registry.UnknownAction:
        yield Fault("type", f"Unknown action type {action.type!r}. Known: {', '.join(sorted(registry.ACTIONS))}.")
        return
    for where, text in templates_in(action.config):
        try:
            template = parse_template(text)
        except ExpressionError as error:
            yield Fault(f"config.{where}", str(error))
        else:
            references.extend((f"config.{where}", reference) for reference in (template.references if template else ()))
    try:
        config = action_type.config.model_validate(action.config)
    except ValidationError as error:
        yield from _faults_outside_templates(error, action.config)
    else:
        references.extend(("config", reference) for reference in action_type.references(config))


def _faults_outside_templates(error: ValidationError, config: dict[str, Any]) -> Iterator[Fault]:
    """A value that an expression will give has no type yet: what it is gets checked when the step runs."""
    for detail in error.errors(include_url=False, include_context=False, include_input=False):
        if not _meets_template(config, detail["loc"]):
            yield Fault(join("config", _path(detail["loc"])), _mend(detail["type"], detail["msg"]))


def _meets_template(value: Any, location: Sequence[str | int]) -> bool:
    """Whether the way to `location` ends in a text with an expression; parts that aren't in the value are passed over,
    since pydantic names the branch of a union there."""
    for part in location:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
    return isinstance(value, str) and "{{" in value


def _condition_faults(action: Action, references: list[tuple[str, Reference]]) -> Iterator[Fault]:
    try:
        condition = action.condition
    except ConditionError as error:
        for where, message in error.faults:
            yield Fault(f"conditions{where}" if where.startswith("[") else join("conditions", where), message)
    else:
        references.extend(("conditions", reference) for reference in (condition.references if condition else ()))


def _reference_fault(reference: Reference, index: int, ids: Sequence[str]) -> str | None:
    """Why `reference` can't be resolved when the action at `index` runs, or None when it may be."""
    if reference.root not in {"steps", "step"} or not reference.keys:
        return None
    key = reference.keys[0]
    if reference.root == "steps" and key not in ids:
        return f"There is no action {key!r} in this workflow. Earlier ones: {', '.join(ids[:index]) or 'none'}."
    target = ids.index(str(key)) if reference.root == "steps" else _index(key)
    if target is None or target >= len(ids):
        return f"There is no action with the index {key!r}; the last one is {len(ids) - 1}."
    if target >= index:
        return f"Action {ids[target]!r} hasn't run by then; refer to an earlier one or move it up."
    return None


def _index(key: str | int) -> int | None:
    return int(key) if isinstance(key, int) or key.isdecimal() else None
