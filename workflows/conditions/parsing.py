"""Conditions: `{field, operator, value}`, groups of them in `all`, `any` and `not`, or one expression.

A list means all of its parts. Groups stop at the first part that decides, so `exists` may guard what follows it.
"""

import difflib
from collections.abc import Callable, Iterable

from workflows.conditions.comparisons import COMPARISONS, PRESENCES, value_fault
from workflows.conditions.nodes import Comparison, Condition, Group, Negation, Source, Truth
from workflows.documents import Json, join
from workflows.expressions import ExpressionError, Reference, parse_expression, parse_template, templates_in
from workflows.expressions.references import kind, shorten

MAX_GROUP_DEPTH = 16
MAX_LEAVES = 200
GROUPS = ("all", "any", "not")
FORMS = "give {field, operator, value}, all, any, not, a list, or an expression"
_KEYS = ("field", "operator", "value")


class ConditionError(ValueError):
    """A condition that can't be used. `faults` are all that were found, as (path, message); the first is its own."""

    def __init__(self, path: str, message: str, faults: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path
        self.message = message
        self.faults = list(faults) or [(path, message)]


def parse_condition(document: Json) -> Condition:
    """The condition in a JSON document. Raises ConditionError with every fault, each at its path (`all[1].value`)."""
    parser = _Parser()
    condition = parser.noted(parser.parse, document, "", 0)
    if condition is None or parser.faults:
        raise ConditionError(*parser.faults[0], parser.faults)
    return condition


class _Parser:
    """Reads as much as it can: what one part raises is noted, and the next part is read."""

    def __init__(self) -> None:
        self.faults: list[tuple[str, str]] = []
        self.leaves = 0

    def noted[**P, T](self, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """What `read` gives, or None when it raised a ConditionError, which is noted."""
        try:
            return read(*args, **kwargs)
        except ConditionError as error:
            self.faults += error.faults
            return None

    def parse(self, document: Json, path: str, depth: int) -> Condition:
        if depth > MAX_GROUP_DEPTH:
            raise ConditionError(path, f"groups deeper than {MAX_GROUP_DEPTH} levels; flatten them")
        match document:
            case list():
                return self._group("all", document, path, depth)
            case dict() if names := [name for name in GROUPS if name in document]:
                return self._named_group(names[0], document, path, depth)
            case dict() | str():
                return self._leaf(document, path)
        raise ConditionError(path, f"{kind(document)} is no condition; {FORMS}")

    def _named_group(self, name: str, document: dict[str, Json], path: str, depth: int) -> Condition:
        where, parts = join(path, name), document[name]
        if len(document) > 1:
            others = ", ".join(shorten(key) for key in list(document)[:10] if key != name)
            raise ConditionError(path, f"{name} stands alone, without {others}; put those in a group of their own")
        if name == "not":
            return Negation(self.parse(parts, where, depth + 1))
        if not isinstance(parts, list):
            raise ConditionError(where, f"{kind(parts)}; give a list of conditions")
        if name == "any" and not parts:
            raise ConditionError(where, "no part, so it could never be met; give at least one condition")
        return self._group(name, parts, where, depth)

    def _group(self, name: str, parts: list[Json], path: str, depth: int) -> Condition:
        parsed: list[Condition] = []
        for index, part in enumerate(parts):
            condition = self.noted(self.parse, part, f"{path}[{index}]", depth + 1)
            if condition:
                parsed.append(condition)
            if self.leaves > MAX_LEAVES:
                break
        return Group(name, tuple(parsed))

    def _leaf(self, document: dict[str, Json] | str, path: str) -> Condition:
        self.leaves += 1
        if self.leaves > MAX_LEAVES:
            raise ConditionError(path, f"more than {MAX_LEAVES} comparisons; use fewer, such as one `in` with a list")
        if isinstance(document, str):
            return Truth(document, _source(document, path))
        return self._comparison(document, path)

    def _comparison(self, document: dict[str, Json], path: str) -> Condition:
        before = len(self.faults)
        self.faults += [(join(path, key), f"unknown key; {FORMS}") for key in document if key not in _KEYS]
        source = self.noted(_field, document.get("field"), join(path, "field"))
        operator = self.noted(_operator, document.get("operator"), join(path, "operator"))
        references = self.noted(_value_references, document, operator, join(path, "value")) if operator else ()
        if source is None or operator is None or references is None or len(self.faults) > before:
            faults = self.faults[before:]
            del self.faults[before:]
            raise ConditionError(*faults[0], faults)
        return Comparison(str(document["field"]), source, operator, document.get("value"), references)


def _source(text: str, path: str) -> Source:
    """An expression, bare or in braces."""
    try:
        if not text.lstrip().startswith("{{"):
            return parse_expression(text)
        template = parse_template(text.strip())
    except ExpressionError as error:
        raise ConditionError(path, error.message) from error
    if template is None or not template.is_single:
        raise ConditionError(path, "a text around {{ }}; give one expression and nothing else")
    return template


def _field(field: Json, path: str) -> Source:
    if not isinstance(field, str) or not field.strip():
        raise ConditionError(path, "required; give a path such as trigger.user.id, or {{ an expression }}")
    try:
        if template := parse_template(field):
            return template
        expression = parse_expression(field)
    except ExpressionError as error:
        raise ConditionError(path, error.message) from error
    if expression.path is None:
        raise ConditionError(path, "not a path; put an expression in {{ }}")
    return expression


def _operator(operator: Json, path: str) -> str:
    known = (*COMPARISONS, *PRESENCES)
    if isinstance(operator, str) and operator in known:
        return operator
    near = difflib.get_close_matches(operator[:50], known, 1) if isinstance(operator, str) else []
    hint = "".join(f"; did you mean {name}?" for name in near)
    given = f"unknown operator '{shorten(operator)}'" if isinstance(operator, str) else "required"
    raise ConditionError(path, f"{given}; one of {', '.join(known)}{hint}")


def _value_references(document: dict[str, Json], operator: str, path: str) -> tuple[Reference, ...]:
    """Checks the value as far as it is known before it is rendered."""
    if operator in PRESENCES:
        if "value" in document:
            raise ConditionError(path, f"{operator} takes no value; remove it")
        return ()
    if "value" not in document:
        raise ConditionError(path, f"required; what {operator} compares the field with")
    value = document["value"]
    references = _templates_of(value, path)
    is_template = isinstance(value, str) and "{{" in value
    if not is_template and (fault := value_fault(operator, value)):
        raise ConditionError(path, fault)
    return references


def _templates_of(value: Json, path: str) -> tuple[Reference, ...]:
    references: list[Reference] = []
    faults: list[tuple[str, str]] = []
    for inside, text in templates_in(value):
        try:
            template = parse_template(text)
        except ExpressionError as error:
            faults.append((_inside(path, inside), error.message))
        else:
            references += template.references if template else ()
    if faults:
        raise ConditionError(*faults[0], faults)
    return tuple(references)


def _inside(path: str, rest: str) -> str:
    return path + rest if not rest or rest.startswith("[") else join(path, rest)
