"""`condition`: decides whether the steps behind it run."""

from collections.abc import Iterable
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from workflows.actions.context import ActionContext, ActionError, Steer
from workflows.actions.registry import ActionConfig, action
from workflows.conditions import Condition, ConditionError, parse_condition
from workflows.documents import Json
from workflows.expressions import EvaluationError, MissingValue, Reference

FORMS = ("field", "conditions", "expression")


class ConditionConfig(ActionConfig):
    """One comparison (`field`, `operator`, `value`), `conditions` (a list or a group), or an `expression`."""

    field: str | None = None
    operator: str | None = None
    value: Any = None
    conditions: Any = None
    expression: str | None = None
    on_false: Literal["continue", "skip_next", "stop"] = Field(
        "continue", description="What an unmet condition does: nothing, skip the next step, or end the workflow."
    )

    @model_validator(mode="after")
    def _parses(self) -> Self:
        if sum(getattr(self, form) is not None for form in FORMS) != 1:
            raise ValueError("Give exactly one of field (with operator and value), conditions, or expression.")
        try:
            self.parsed()
        except ConditionError as error:
            raise ValueError(
                "; ".join(f"{path}: {message}" if path else message for path, message in error.faults)
            ) from error
        return self

    def parsed(self) -> Condition:
        if self.field is None:
            return parse_condition(self.expression if self.conditions is None else self.conditions)
        given = self.model_dump(include={"field", "operator", "value"}, exclude_unset=True)
        return parse_condition(given)


def references(config: ConditionConfig) -> Iterable[Reference]:
    return config.parsed().references


@action("condition", config=ConditionConfig, pure=True, raw=True, references=references)
def condition(config: ConditionConfig, context: ActionContext) -> Steer:
    """Compares values; its output says what was compared and whether the condition was met."""
    try:
        verdict = config.parsed().evaluate(context.scope)
    except MissingValue as error:
        if not context.is_simulation:
            raise _failure(error) from error
        return Steer({"conditionMet": True, "assumed": str(error)})
    except EvaluationError as error:
        raise _failure(error) from error
    output: Json = {"conditionMet": verdict.met, "compared": verdict.compared, "onFalse": config.on_false}
    return Steer(output, "continue" if verdict.met else config.on_false)


def _failure(error: EvaluationError) -> ActionError:
    return ActionError("CONDITION_ERROR", str(error), retryable=False)
