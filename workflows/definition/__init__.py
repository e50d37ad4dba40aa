"""Definitions: their form, and every check that can be made before one runs."""

from workflows.definition.checks import DefinitionInvalid, parse
from workflows.definition.schema import Action, Definition, OnError, RetryPolicy, Trigger, json_schema, load, with_ids
from workflows.definition.wording import Fault, worded

__all__ = [
    "Action", "Definition", "DefinitionInvalid", "Fault", "OnError", "RetryPolicy", "Trigger",
    "json_schema", "load", "parse", "with_ids", "worded",
]  # fmt: skip
