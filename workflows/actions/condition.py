"""`condition`: decides whether the steps behind it run."""

from collections.abc import Iterator
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from workflows.actions.context import ActionContext, ActionError, Steer
from workflows.actions.registry import ActionConfig, action
from workflows.conditions import Condition, ConditionError, parse_condition
from workflows.conditions.parsing import GROUPS
from workflows.documents import Json, inside, join
from workflows.expressions import EvaluationError, MissingValue, Reference

FORMS = ("field", "conditions", "expression")


class ConditionConfig(ActionConfig):
    """One comparison (`field`, `operator`, `value`), `conditions` (a list or a group), or an `expression`."""

    field: str | None = Field(None, description="The path of a value, such as trigger.user.id, or {{ an expression }}.")
    operator: str | None = Field(None, description="How the field is compared: equals, greater_than, exists, …")
    value: Any = Field(None, description="What the field is compared with.")
    conditions: Any = Field(None, description="Comparisons in a list, or in groups of all, any and not.")
    expression: str | None = Field(None, description="An expression that gives true or false.")
    on_false: Literal["continue", "skip_next", "stop"] = Field(
        "continue", description="What an unmet condition does: nothing, skip the next step, or end the workflow."
    )

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if sum(getattr(self, form) is not None for form in FORMS) != 1:
            raise ValueError("Give exactly one of field (with operator and value), conditions, or expression.")
        if self.field is None and self.model_fields_set & {"operator", "value"}:
            raise ValueError("operator and value belong to a field; remove them, or give the field.")
        return self

    def document(self) -> tuple[str, Json]:
        """The condition as it was written, and where in the config that is."""
        if self.field is not None:
            return "", self.model_dump(include={"field", "operator", "value"}, exclude_unset=True)
        if self.expression is not None:
            return "expression", self.expression
        return "conditions", self.conditions

    def parsed(self) -> Condition:
        """Raises ConditionError, its paths inside the config."""
        path, document = self.document()
        try:
            return parse_condition(document)
        except ConditionError as error:
            faults = [(inside(path, rest), message) for rest, message in error.faults]
            raise ConditionError(*faults[0], faults) from error


def leaves(document: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """The comparisons and expressions of a condition, checked or not, each after its path; none in null."""
    match document:
        case list():
            for index, part in enumerate(document):
                yield from leaves(part, f"{path}[{index}]")
        case dict() if names := [name for name in GROUPS if name in document]:
            yield from leaves(document[names[0]], join(path, names[0]))
        case dict() | str():
            yield path, document


def located_references(document: Json, path: str = "") -> Iterator[tuple[str, Reference]]:
    """Everything that a checked condition looks at, after the path of the comparison that does."""
    for where, leaf in leaves(document, path):
        for reference in parse_condition(leaf).references:
            yield where, reference


def references(config: ConditionConfig) -> Iterator[tuple[str, Reference]]:
    config.parsed()
    path, document = config.document()
    return located_references(document, path)


@action("condition", config=ConditionConfig, pure=True, raw=True, references=references)
def condition(config: ConditionConfig, context: ActionContext) -> Steer:
    """Compares values; its output says what was compared and whether the condition was met."""
    try:
        verdict = config.parsed().evaluate(context.scope)
    except MissingValue as error:
        if not context.is_simulation:
            raise _failure(error) from error
        return Steer({"conditionMet": True, "compared": None, "assumed": str(error), "onFalse": config.on_false})
    except EvaluationError as error:
        raise _failure(error) from error
    output: Json = {"conditionMet": verdict.met, "compared": verdict.compared, "onFalse": config.on_false}
    return Steer(output, "continue" if verdict.met else config.on_false)


def _failure(error: EvaluationError) -> ActionError:
    return ActionError("CONDITION_ERROR", str(error), retryable=False)
