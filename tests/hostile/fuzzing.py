"""Made-up expressions, templates, conditions and definitions, and what has to hold of each of them."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hypothesis import strategies as st

from tests.factories import definition
from tests.hostile.strings import ALL, NONE_OF_THEM
from workflows.conditions import ConditionError, parse_condition
from workflows.definition import DefinitionInvalid, parse
from workflows.documents import DocumentError, Json, encode
from workflows.expressions import EvaluationError, ExpressionError, parse_expression, render

MAX_SECONDS = 1.0
REFUSALS = (ExpressionError, EvaluationError, ConditionError, DefinitionInvalid, DocumentError)
SCOPE: dict[str, Json] = {
    "trigger": {"a": 1, "b": "text", "c": [1, 2.5, None, "x"], "d": {"e": {"f": True}}, "": 0, "k-ü": "ß\U0001f600"},
    "variables": {"limit": 9_223_372_036_854_775_807, "deep": [[[[[1]]]]], "long": "ab" * 5_000},
    "steps": {"one": {"output": {"status": 200, "body": None}}},
    "execution": {"id": "01a20ab5"},
}

texts = st.sampled_from(ALL) | st.sampled_from(NONE_OF_THEM) | st.text(max_size=20)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | texts
documents = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5), max_leaves=25
)

NAMES = [
    "trigger.a",
    "trigger.b",
    "trigger.c",
    "trigger.d.e.f",
    "variables.long",
    "steps.one.output",
    "trigger.none",
    "x",
]
LITERALS = ("1", "-1", "0.5", "1e308", "9223372036854775807", "'a'", '"b"', "true", "null", "[]", "{}", "[1, 'a']")
OPERATORS = ("+", "-", "*", "/", "%", "==", "!=", "<", ">=", "&&", "||", "in", "=", "?", ":", ".", ",", "..")
CALLS = [
    "size",
    "string",
    "int",
    "double",
    "has",
    "matches",
    "contains",
    "split",
    "join",
    "replace",
    "sum",
    "upper",
    "type",
]


def _deeper(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from(OPERATORS), inner).map(" ".join),
        st.tuples(st.sampled_from(CALLS), inner, inner).map(lambda part: f"{part[0]}({part[1]}, {part[2]})"),
        st.tuples(st.sampled_from(CALLS), inner).map(lambda part: f"{part[0]}({part[1]})"),
        st.tuples(inner, st.sampled_from(CALLS), inner).map(lambda part: f"({part[0]}).{part[1]}({part[2]})"),
        st.tuples(inner, inner, inner).map(lambda part: f"({part[0]} ? {part[1]} : {part[2]})"),
        st.tuples(inner, inner).map(lambda part: f"{part[0]}[{part[1]}]"),
        inner.map(lambda part: f"!({part})"),
    )


right_expressions = st.recursive(st.sampled_from([*NAMES, *LITERALS]), _deeper, max_leaves=25)


@st.composite
def _spoilt(draw: st.DrawFn, whole: st.SearchStrategy[str]) -> str:
    """With a part cut out, doubled, or replaced by something else."""
    text = draw(whole)
    begin, end = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
    return text[:begin] + draw(st.just("") | st.just(text[begin:end] * 2) | texts) + text[end:]


expressions = right_expressions | _spoilt(right_expressions) | texts
templates = st.lists(texts | expressions.map(lambda text: f"{{{{ {text} }}}}"), max_size=4).map("".join)
WORDS = ("equals", "notEquals", "contains", "in", "matches", "exists", "greaterThan", "isEmpty", "startsWith", "no")
compared = st.fixed_dictionaries(
    {}, optional={"field": expressions, "operator": st.sampled_from(WORDS), "value": documents | templates}
)
conditions = st.recursive(
    compared | expressions | documents,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["any", "all", "not", "none", "conditions"]), inner, max_size=2)
    ),
    max_leaves=12,
)
configs: st.SearchStrategy[Json] = st.dictionaries(
    st.sampled_from(["url", "method", "headers", "body", "title", "durationMs", "until", "field", "message"]),
    templates | documents,
    max_size=5,
)
actions = st.fixed_dictionaries(
    {"type": st.sampled_from(["call_api", "condition", "create_task", "send_notification", "wait"]) | texts},
    optional={
        "id": st.sampled_from(["a", "b", "a b", ""]) | texts,
        "name": texts,
        "config": configs | documents,
        "conditions": conditions,
        "timeout": leaves,
        "onError": st.sampled_from(["stop", "continue", "retry", "no"]) | documents,
        "retryConfig": documents,
    },
)
definitions = st.builds(
    lambda made, more: definition(*made, **more),
    st.lists(actions | documents, max_size=6),
    st.dictionaries(st.sampled_from(["trigger", "variables", "timeout", "actions", "more"]), documents, max_size=3),
)


def _deep(levels: int, kind: str) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value] if kind == "list" else {kind: value}
    return value


deep = st.builds(_deep, st.integers(50, 3_000), st.sampled_from(["list", "any", "not", "a", ""]))


def evaluated(text: str) -> None:
    encode(parse_expression(text).evaluate(SCOPE))


def rendered(template: Any) -> None:
    encode(render(template, SCOPE))


def met(condition: Any) -> None:
    encode(parse_condition(condition).evaluate(SCOPE).compared)


def defined(document: Any) -> None:
    parse(document)


KINDS: dict[str, tuple[st.SearchStrategy[Any], Callable[[Any], None]]] = {
    "expressions": (expressions, evaluated),
    "templates": (templates | documents, rendered),
    "conditions": (conditions | deep, met),
    "definitions": (definitions | deep.map(definition) | documents, defined),
}


def seconds_of(check: Callable[[Any], None], example: Any) -> float:
    """How long it takes, of the processor. Any error but a refusal is raised, and AssertionError when it takes long."""
    began = time.process_time()
    with suppress(*REFUSALS):
        check(example)
    seconds = time.process_time() - began
    assert seconds < MAX_SECONDS, f"it took {seconds:.1f} s"
    return seconds
