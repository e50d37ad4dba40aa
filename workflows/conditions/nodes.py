"""The parts that a parsed condition is made of, and how each is decided."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import override

from workflows.conditions.comparisons import ABSENT, COMPARISONS, NEEDS_FIELD, PRESENCES, Absent, ComparisonError
from workflows.documents import Json
from workflows.expressions import EvaluationError, Expression, MissingValue, Reference, Template, render
from workflows.expressions.references import kind, shorten

MAX_SHOWN_CHARACTERS = 2_000

type Source = Expression | Template


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a condition was met, and what was compared to tell: as far as was needed, from the left."""

    met: bool
    compared: Json


class Condition(ABC):
    """A parsed condition; safe to share between threads."""

    @property
    @abstractmethod
    def references(self) -> tuple[Reference, ...]:
        """Everything that it looks at, each once."""

    @abstractmethod
    def evaluate(self, scope: Mapping[str, Json]) -> Verdict:
        """Raises EvaluationError when the values can't be compared; MissingValue when one isn't there."""


@dataclass(frozen=True)
class Comparison(Condition):
    """One field beside one value. A path that leads nowhere counts as null, save where an order or a text is needed."""

    field: str
    source: Source
    operator: str
    value: Json
    value_references: tuple[Reference, ...]

    @property
    @override
    def references(self) -> tuple[Reference, ...]:
        return tuple(dict.fromkeys((*self.source.references, *self.value_references)))

    @override
    def evaluate(self, scope: Mapping[str, Json]) -> Verdict:
        actual = self._actual(scope)
        shown: dict[str, Json] = {"field": self.field, "operator": self.operator}
        shown["actual"] = _shown(None if isinstance(actual, Absent) else actual)
        if self.operator in PRESENCES:
            met = PRESENCES[self.operator](actual)
        else:
            expected = render(self.value, scope)
            shown["expected"] = _shown(expected)
            met = self._compared(None if isinstance(actual, Absent) else actual, expected)
        return Verdict(met, {**shown, "met": met})

    def _actual(self, scope: Mapping[str, Json]) -> Json | Absent:
        try:
            return _value(self.source, scope)
        except MissingValue:
            if self.operator in NEEDS_FIELD or not _is_path(self.source):
                raise
            return ABSENT

    def _compared(self, actual: Json, expected: Json) -> bool:
        try:
            return COMPARISONS[self.operator](actual, expected)
        except ComparisonError as error:
            raise EvaluationError(f"{shorten(self.field)} {self.operator}: {error}") from error


@dataclass(frozen=True)
class Group(Condition):
    """`all` or `any` of its parts, from the left, and no further than needed."""

    name: str
    parts: tuple[Condition, ...]

    @property
    @override
    def references(self) -> tuple[Reference, ...]:
        return tuple(dict.fromkeys(reference for part in self.parts for reference in part.references))

    @override
    def evaluate(self, scope: Mapping[str, Json]) -> Verdict:
        compared: list[Json] = []
        decisive = self.name == "any"
        for part in self.parts:
            verdict = part.evaluate(scope)
            compared.append(verdict.compared)
            if verdict.met is decisive:
                break
        else:
            decisive = not decisive
        return Verdict(decisive, {self.name: compared, "met": decisive})


@dataclass(frozen=True)
class Negation(Condition):
    part: Condition

    @property
    @override
    def references(self) -> tuple[Reference, ...]:
        return self.part.references

    @override
    def evaluate(self, scope: Mapping[str, Json]) -> Verdict:
        verdict = self.part.evaluate(scope)
        return Verdict(not verdict.met, {"not": verdict.compared, "met": not verdict.met})


@dataclass(frozen=True)
class Truth(Condition):
    """One expression that gives true or false."""

    expression: str
    source: Source

    @property
    @override
    def references(self) -> tuple[Reference, ...]:
        return self.source.references

    @override
    def evaluate(self, scope: Mapping[str, Json]) -> Verdict:
        met = _value(self.source, scope)
        if not isinstance(met, bool):
            raise EvaluationError(f"{shorten(self.expression)}: gives {kind(met)}; compare it, to get true or false")
        return Verdict(met, {"expression": self.expression, "met": met})


def _value(source: Source, scope: Mapping[str, Json]) -> Json:
    return source.evaluate(scope) if isinstance(source, Expression) else source.render(scope)


def _is_path(source: Source) -> bool:
    only = source.pieces[0] if isinstance(source, Template) and source.is_single else source
    return isinstance(only, Expression) and only.path is not None


def _shown(value: Json) -> Json:
    """The value if it is short, else what it begins with or what it is: a record of a comparison stays small."""
    if isinstance(value, str):
        return value if len(value) <= MAX_SHOWN_CHARACTERS else f"{value[:MAX_SHOWN_CHARACTERS]}…"
    if not isinstance(value, list | dict) or len(json.dumps(value)) <= MAX_SHOWN_CHARACTERS:
        return value
    return f"{kind(value)} of {len(value):,}, too long to show"
