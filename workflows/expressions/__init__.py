"""`{{ … }}` in the texts of a config: paths into what an execution knows, and CEL over them."""

from workflows.expressions.evaluation import Expression, parse_expression
from workflows.expressions.references import ROOTS, SECRETS, EvaluationError, ExpressionError, MissingValue, Reference
from workflows.expressions.templates import Template, parse_template, render, templates_in

__all__ = [
    "ROOTS", "SECRETS", "EvaluationError", "Expression", "ExpressionError", "MissingValue", "Reference", "Template",
    "parse_expression", "parse_template", "render", "templates_in",
]  # fmt: skip
