"""One expression: parsed once, evaluated in many scopes."""

import re
from collections.abc import Mapping
from functools import lru_cache

from workflows.documents import Json
from workflows.expressions.engine import Program
from workflows.expressions.faults import EngineError, UnboundError
from workflows.expressions.references import EvaluationError, ExpressionError, MissingValue, resolve
from workflows.expressions.syntax import Syntax, named, read_expression
from workflows.expressions.values import check_values


class Expression:
    """A parsed expression; safe to share between threads."""

    def __init__(self, syntax: Syntax) -> None:
        self.source = syntax.source
        self.references = syntax.references
        self.path = syntax.path
        self._syntax = syntax
        self._program = None if syntax.path else _compiled(syntax)

    def evaluate(self, scope: Mapping[str, Json]) -> Json:
        """Its value in the scope. Raises MissingValue, or EvaluationError for any other fault."""
        if self._program is None:
            return resolve(self.references[0], scope)
        values, missing = self._values(scope)
        try:
            return self._program.evaluate(values)
        except UnboundError as error:
            raise missing[error.name] from error
        except EngineError as error:
            raise EvaluationError(named(self.source, str(error))) from error

    def _values(self, scope: Mapping[str, Json]) -> tuple[dict[str, Json], dict[str, MissingValue]]:
        """The variables of the program. A value that isn't there stays unbound, so that `||` and `?:` may pass it."""
        values: dict[str, Json] = {}
        missing: dict[str, MissingValue] = {}
        sizes: list[tuple[Json, int]] = []
        for index, (reference, uses) in enumerate(zip(self.references, self._syntax.uses, strict=True)):
            try:
                value = resolve(reference, scope)
            except MissingValue as error:
                missing[f"r{index}"] = error
                continue
            if uses:
                values[f"r{index}"] = value
                sizes.append((value, uses))
        try:
            check_values(sizes)
        except EngineError as error:
            raise EvaluationError(named(self.source, str(error))) from error
        return {**values, **{f"h{index}": f"r{index}" not in missing for index in self._syntax.probes}}, missing


def _compiled(syntax: Syntax) -> Program:
    try:
        return Program(syntax.cel)
    except EngineError as error:
        fault = re.sub(r"\br(\d+)\b", lambda variable: str(syntax.references[int(variable[1])]), str(error))
        raise ExpressionError(named(syntax.source, fault)) from error


@lru_cache(maxsize=2048)
def parse_expression(source: str) -> Expression:
    """Raises ExpressionError."""
    return known_expression(read_expression(source)[0])


@lru_cache(maxsize=2048)
def known_expression(syntax: Syntax) -> Expression:
    """The same expression for the same syntax, wherever it was read. Raises ExpressionError."""
    return Expression(syntax)
