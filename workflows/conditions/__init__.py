"""Conditions over what an execution knows."""

from workflows.conditions.nodes import Condition, Verdict
from workflows.conditions.parsing import ConditionError, parse_condition

__all__ = ["Condition", "ConditionError", "Verdict", "parse_condition"]
