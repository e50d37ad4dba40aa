"""Finds every fault of a definition at once: in its form, its configs, its expressions and what they refer to."""

import difflib
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from pydantic import ValidationError

from workflows.actions import registry
from workflows.actions.condition import leaves, located_references
from workflows.conditions import ConditionError, parse_condition
from workflows.definition.references import Located, reference_fault
from workflows.definition.schema import MAX_ACTIONS, NO_CONDITIONS, Definition, load
from workflows.definition.wording import Fault, worded
from workflows.documents import DocumentError, Json, encode, inside
from workflows.expressions import SECRETS, ExpressionError, parse_template, templates_in
from workflows.expressions.references import shorten
from workspaces import names

MAX_FAULTS = 500
MAX_EXPRESSIONS = 5_000
MAX_FAULTS_IN_TEXT = 20


class DefinitionInvalid(ValueError):
    """A definition that can't run. `faults` are all that were found, up to 500."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        shown = [
            f"{fault.path}: {fault.message}" if fault.path else fault.message for fault in faults[:MAX_FAULTS_IN_TEXT]
        ]
        rest = [f"and {len(faults) - len(shown)} more"] if len(faults) > len(shown) else []
        super().__init__("; ".join([*shown, *rest]))
        self.faults = tuple(faults)


def parse(document: Json) -> Definition:
    """Checks everything that can be checked before a run; raises DefinitionInvalid with the faults."""
    try:
        text = encode(document)
    except DocumentError as error:
        raise DefinitionInvalid([Fault(error.path, f"{error.message}.")]) from error
    if len(actions := _actions(document)) > MAX_ACTIONS:
        message = f"Give {MAX_ACTIONS} items at most; there are {len(actions):,}. Split the workflow."
        raise DefinitionInvalid([Fault("actions", message)])
    definition, faults = _formed(document)
    found = list(islice(chain(faults, _faults_of_actions(actions, text)), MAX_FAULTS))
    if definition is None or found:
        raise DefinitionInvalid(found)
    return definition


def _formed(document: Json) -> tuple[Definition | None, list[Fault]]:
    try:
        return load(document), []
    except ValidationError as error:
        return None, worded(error, document)


def _actions(document: Json) -> list[Json]:
    """The actions as they were written, as far as there are any."""
    actions = document.get("actions") if isinstance(document, dict) else None
    return actions if isinstance(actions, list) else []


def _faults_of_actions(actions: list[Json], text: str) -> Iterator[Fault]:
    """Looks at each action as it was written, so that a fault in the form of one doesn't hide those of others."""
    if text.count("{{") + sum(map(_comparisons, actions)) > MAX_EXPRESSIONS:
        yield Fault("actions", f"More than {MAX_EXPRESSIONS:,} expressions and comparisons; split the workflow.")
        return
    ids = [action.get("id") if isinstance(action, dict) else None for action in actions]
    yield from _duplicates(ids)
    for index, action in enumerate(actions):
        if isinstance(action, dict):
            for fault in _faults_of_action(action, index, ids):
                yield fault.inside(f"actions[{index}]")


def _comparisons(action: Json) -> int:
    if not isinstance(action, dict):
        return 0
    config = action.get("config")
    inner = config.get("conditions") if isinstance(config, dict) else None
    return sum(1 for _ in chain(leaves(action.get("conditions")), leaves(inner)))


def _duplicates(ids: Sequence[Json]) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for index, name in enumerate(ids):
        if isinstance(name, str):
            if name in first:
                message = f"'{shorten(name)}' is the id of actions[{first[name]}] too; change one."
                yield Fault(f"actions[{index}].id", message)
            first.setdefault(name, index)


def _faults_of_action(action: dict[str, Any], index: int, ids: Sequence[Json]) -> Iterator[Fault]:
    references: list[Located] = []
    yield from _config_faults(action.get("type"), action.get("config", {}), references)
    yield from _condition_faults(action.get("conditions"), references)
    for path, reference in dict.fromkeys(references):
        if message := reference_fault(reference, index, ids):
            yield Fault(path, message)


def _config_faults(name: Json, config: Json, references: list[Located]) -> Iterator[Fault]:
    """Also gathers the references that the config makes."""
    action_type = registry.ACTIONS.get(name) if isinstance(name, str) else None
    if action_type is None and isinstance(name, str):
        yield Fault("type", _unknown(name))
    if not isinstance(config, dict):
        return
    if action_type is None or not action_type.raw:
        found: list[Located] = []
        yield from _template_faults(config, found)
        takes_secrets = action_type is None or action_type.takes_secrets
        secrets = [each for each in found if takes_secrets and each[1].root == SECRETS]
        yield from _secret_faults(secrets)
        references.extend(each for each in found if each not in secrets)
    if action_type is not None:
        for fault in _type_faults(action_type, config, references):
            yield fault.inside("config")


def _secret_faults(secrets: Iterable[Located]) -> Iterator[Fault]:
    """Whether there is a secret of that name is known when the step runs: it may be set later, and be removed."""
    for where, reference in secrets:
        if not names.is_name(name := str(reference.keys[0])):
            yield Fault(where, f"No secret can be called '{shorten(name)}'. {names.RULE}")


def _unknown(name: str) -> str:
    near = "".join(f" Did you mean {known}?" for known in difflib.get_close_matches(name[:100], registry.ACTIONS, 1))
    return f"Unknown action type '{shorten(name)}'.{near} There are {', '.join(sorted(registry.ACTIONS))}."


def _template_faults(config: dict[str, Any], references: list[Located]) -> Iterator[Fault]:
    for path, text in templates_in(config):
        where = inside("config", path)
        try:
            template = parse_template(text)
        except ExpressionError as error:
            yield Fault(where, error.message)
        else:
            references.extend((where, reference) for reference in (template.references if template else ()))


def _type_faults(
    action_type: registry.ActionType, config: dict[str, Any], references: list[Located]
) -> Iterable[Fault]:
    """A value that an expression will give has no type yet: what it is gets checked when the step runs."""
    try:
        found = action_type.references(action_type.config.model_validate(config))
        references.extend((inside("config", path), reference) for path, reference in found)
    except ValidationError as error:
        return worded(error, config, leave_templates=not action_type.raw)
    except ConditionError as error:
        return [Fault(path, message) for path, message in error.faults]
    return ()


def _condition_faults(conditions: Json, references: list[Located]) -> Iterator[Fault]:
    if conditions in NO_CONDITIONS:
        return
    try:
        parse_condition(conditions)
    except ConditionError as error:
        for path, message in error.faults:
            yield Fault(inside("conditions", path), message)
    else:
        references.extend((inside("conditions", path), found) for path, found in located_references(conditions))
