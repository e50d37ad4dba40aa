"""What differs in a dry run: nothing leaves the house, and what can't be known yet is shown as it was written."""

from executions.engine.outcomes import Outcome, guarded
from executions.engine.scope import Scope
from workflows import expressions
from workflows.actions.context import ActionContext
from workflows.actions.registry import ActionType
from workflows.conditions import Verdict
from workflows.definition import Action
from workflows.documents import Json


def verdict(action: Action, scope: Scope, *, assume: bool) -> Verdict:
    """Whether the action's conditions hold; with `assume`, one that asks for what isn't known counts as met."""
    condition = action.condition
    if condition is None:
        return Verdict(met=True, compared=None)
    try:
        return condition.evaluate(scope)
    except expressions.MissingValue as error:
        if not assume:
            raise
        return Verdict(met=True, compared={"assumed": str(error)})


def render(config: Json, scope: Scope, *, keep_unknown: bool) -> Json:
    """The config with its expressions evaluated; with `keep_unknown`, one that asks for what isn't known stays."""
    if not keep_unknown:
        return expressions.render(config, scope)
    match config:
        case dict():
            return {name: render(value, scope, keep_unknown=True) for name, value in config.items()}
        case list():
            return [render(value, scope, keep_unknown=True) for value in config]
    try:
        return expressions.render(config, scope)
    except expressions.MissingValue:
        return config


def shown(action_type: ActionType, config: Json, context: ActionContext) -> Outcome:
    """The outcome of a dry attempt of an action that isn't pure: what it would have sent."""
    return guarded(lambda: {"simulated": True, "wouldSend": _preview(action_type, config, context)})


def _preview(action_type: ActionType, config: Json, context: ActionContext) -> Json:
    if any(expressions.templates_in(config)):
        return config  # what is still an expression only a real run can evaluate, and so check
    checked = action_type.config.model_validate(config)
    return action_type.preview(checked, context) if action_type.preview else config
