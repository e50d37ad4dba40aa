"""How an expression is read, and what it says when it can't be."""

import pytest

from tests.workflows.scope import evaluated
from workflows.documents import Json
from workflows.expressions import (
    EvaluationError,
    ExpressionError,
    MissingValue,
    Reference,
    parse_expression,
    parse_template,
)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("trigger.amount - 1", 59),
        ("trigger.amount -1", 59),
        ("trigger.amount- 1", 59),
        ("trigger.amount-tax", 3),
        ("trigger.items[0].price-1", None),
        ("size(trigger.items)-1", 1),
        ("(trigger.amount)-1", 59),
        ("trigger.tags[0]+'-'+trigger.tags[1]", "a-b"),
    ],
)
def test_a_hyphen_between_two_characters_belongs_to_the_name(source: str, value: Json) -> None:
    if value is None:
        with pytest.raises(MissingValue, match=r"no 'price-1' \(a subtraction needs spaces"):
            evaluated(source)
    else:
        assert evaluated(source) == value


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("trgger.a", "unknown name 'trgger'.*did you mean trigger?"),
        ("user.id", "values begin with trigger, steps, step, variables, execution, workflow"),
        ("hello", "texts need quotes"),
        ("foo(1)", r"unknown function foo\(\); there are size, type, "),
        ("trigger.name.foo()", r"unknown function foo\(\); there are contains, "),
        ("[1].map(x, x)", r"unknown function map\(\)"),
        ("lower()", r"lower\(\) takes other arguments"),
        ("'a' + 1", r"'\+' doesn't take string and int; convert with string\(\)"),
        ("1 < 'a'", "'<' doesn't take int and string"),
        ("1 + 1u", "doesn't take int and uint"),
        ("1 ? 2 : 3", "a condition that isn't true or false"),
        ("1 +", "it ends too early"),
        ("trigger.a trigger.b", "unexpected 'trigger.b'"),
        ("(1", r"no closing '\)'"),
        ("1)", r"'\)' closes nothing"),
        ("(1]", "']' closes nothing"),
        ("trigger.", "a dot that no key follows"),
        ("trigger..a", "a dot that no key follows"),
        (".5", "0.5 for a number"),
        ("'a", "closing quote"),
        ("b'a'", "bytes aren't JSON"),
        ("1 // one", "comments aren't taken"),
        ("`a`", "backquotes"),
        ("a # b", "unknown name 'a'"),
        ("1 # b", "'#' isn't part of the language"),
        ("has(1)", r"has\(\) takes a path"),
        ("trigger.name = 1", "'=' isn't part of the language"),
        ("9223372036854775808", "invalid int literal"),
        ("'" + "x" * 500 + "'", "longer than 500 characters|within 500 characters"),
        ("1 " * 300, "longer than 500 characters"),
        ("(" * 30 + "1" + ")" * 30, "nested deeper than 24 brackets"),
    ],
)
def test_it_refuses_what_it_cannot_read(source: str, fault: str) -> None:
    with pytest.raises(ExpressionError, match=fault) as raised:
        parse_expression(source)

    assert not isinstance(raised.value, EvaluationError)
    assert raised.value.message.startswith("{{ ")


def test_it_knows_what_an_expression_refers_to() -> None:
    expression = parse_expression(
        "has(steps.a-1.output) ? steps['a-1'].output.x : trigger.items[variables.i].0 + step.2.x"
    )

    assert expression.references == (
        Reference("steps", ("a-1", "output")),
        Reference("steps", ("a-1", "output", "x")),
        Reference("trigger", ("items",)),
        Reference("variables", ("i",)),
        Reference("step", (2, "x")),
    )
    assert parse_expression("'trigger.a' + \"steps.b\"").references == ()


def test_it_parses_the_same_source_once() -> None:
    assert parse_expression("trigger.amount + 1") is parse_expression("trigger.amount + 1")
    assert parse_template("a {{ trigger.amount }}") is parse_template("a {{ trigger.amount }}")
