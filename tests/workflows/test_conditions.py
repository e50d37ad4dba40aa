"""Conditions: what is met, and what can't be compared."""

from typing import cast

import pytest

from tests.workflows.scope import SCOPE
from workflows.conditions import Verdict, parse_condition
from workflows.documents import Json
from workflows.expressions import EvaluationError, MissingValue

TRUE: Json = {"field": "trigger.yes", "operator": "equals", "value": True}
FALSE: Json = {"field": "trigger.yes", "operator": "equals", "value": False}
BROKEN: Json = {"field": "trigger.gone", "operator": "greater_than", "value": 1}


def verdict(document: Json) -> Verdict:
    return parse_condition(document).evaluate(SCOPE)


@pytest.mark.parametrize(
    ("field", "operator", "value", "met"),
    [
        ("trigger.amount", "equals", 60, True),
        ("trigger.amount", "equals", 60.0, True),
        ("trigger.amount", "equals", "60", False),
        ("trigger.yes", "equals", 1, False),
        ("trigger.yes", "equals", True, True),
        ("trigger.nothing", "equals", None, True),
        ("trigger.nothing", "equals", False, False),
        ("trigger.nothing", "equals", "", False),
        ("trigger.tags", "equals", ["a", "b"], True),
        ("trigger.tags", "equals", ["b", "a"], False),
        ("trigger.user", "equals", {"email": "ada@example.org", "id": 7.0}, True),
        ("trigger.user", "equals", {"email": "ada@example.org", "id": True}, False),
        ("trigger.gone", "equals", None, True),
        ("trigger.gone.far", "equals", "x", False),
        ("trigger.gone", "not_equals", "x", True),
        ("trigger.amount", "not_equals", 60, False),
        ("trigger.amount", "greater_than", 59.5, True),
        ("trigger.amount", "greater_than", 60, False),
        ("trigger.amount", "greater_or_equal", 60, True),
        ("trigger.rate", "less_than", 2, True),
        ("trigger.rate", "less_or_equal", 1.5, True),
        ("trigger.name", "greater_than", "AAA", True),
        ("trigger.name", "less_than", "ada", True),
        ("trigger.name", "contains", "d", True),
        ("trigger.name", "contains", "D", False),
        ("trigger.tags", "contains", "a", True),
        ("trigger.tags", "contains", "A", False),
        ("trigger.tags", "contains", ["a"], False),
        ("trigger.user", "contains", "id", True),
        ("trigger.gone", "contains", "x", False),
        ("trigger.gone", "not_contains", "x", True),
        ("trigger.tags", "not_contains", "a", False),
        ("trigger.name", "in", ["Ada", "Bob"], True),
        ("trigger.amount", "in", ["60", 60.0], True),
        ("trigger.yes", "in", [1], False),
        ("trigger.gone", "in", [None], True),
        ("trigger.gone", "in", [], False),
        ("trigger.name", "not_in", ["Bob"], True),
        ("trigger.name", "matches", "^A", True),
        ("trigger.name", "matches", "d", True),
        ("trigger.name", "matches", "^d", False),
        ("trigger.name", "matches", "(?i)^ADA$", True),
        ("trigger.user.email", "matches", r"^[\w.]+@[\w-]+\.(org|com)$", True),
        ("trigger.amount", "equals", "{{ trigger.amount }}", True),
        ("trigger.amount", "equals", "{{ trigger.amount + 0.0 }}", True),
        ("trigger.tags", "equals", ["{{ trigger.tags[0] }}", "b"], True),
        ("trigger.name", "equals", "A{{ 'd' }}a", True),
        ("trigger.name", "in", "{{ ['Ada'] }}", True),
        ("{{ trigger.amount * 2 }}", "greater_than", 100, True),
        ("{{ trigger.gone }}", "equals", None, True),
        ("{{ trigger.name }}-{{ trigger.amount }}", "equals", "Ada-60", True),
        ("steps.action-1.status", "equals", "failed", True),
        ("step.0.output.total", "greater_than", 5, True),
    ],
)
def test_it_compares_without_converting(field: str, operator: str, value: Json, *, met: bool) -> None:
    assert verdict({"field": field, "operator": operator, "value": value}).met is met


@pytest.mark.parametrize(
    ("field", "present", "empty"),
    [
        ("trigger.amount", True, False),
        ("trigger.nothing", True, True),
        ("trigger.gone", False, True),
        ("trigger.gone.far", False, True),
        ("trigger.yes", True, False),
        ("{{ '' }}", True, True),
        ("{{ ' ' }}", True, False),
        ("{{ [] }}", True, True),
        ("{{ {} }}", True, True),
        ("{{ 0 }}", True, False),
        ("{{ false }}", True, False),
        ("{{ 0.0 }}", True, False),
        ("trigger.tags", True, False),
    ],
)
def test_it_tells_what_is_there_and_what_is_empty(field: str, *, present: bool, empty: bool) -> None:
    met = {
        operator: verdict({"field": field, "operator": operator}).met
        for operator in ("exists", "not_exists", "is_empty", "is_not_empty")
    }

    assert met == {"exists": present, "not_exists": not present, "is_empty": empty, "is_not_empty": not empty}


@pytest.mark.parametrize(
    ("field", "operator", "value", "fault"),
    [
        ("trigger.nothing", "greater_than", 1, "null and a number have no order"),
        ("trigger.name", "less_than", 1, "a text and a number have no order; compare two numbers or two texts"),
        ("trigger.yes", "greater_than", 0, "a boolean and a number have no order"),
        ("trigger.amount", "greater_or_equal", "{{ trigger.tags }}", "a number and a list have no order"),
        ("trigger.amount", "contains", 6, "a number can't contain a number"),
        ("trigger.name", "contains", 1, "a text can't contain a number"),
        ("trigger.name", "in", "{{ trigger.name }}", "value is a text; give a list"),
        ("trigger.amount", "matches", "6", "a number can't match a text"),
        ("trigger.nothing", "matches", "6", "null can't match a text"),
        ("trigger.name", "matches", "{{ '[' }}", "invalid regular expression"),
        ("trigger.name", "matches", "{{ '.{1000}' }}", "the pattern is too costly"),
    ],
)
def test_it_fails_where_types_do_not_fit(field: str, operator: str, value: Json, fault: str) -> None:
    condition = parse_condition({"field": field, "operator": operator, "value": value})

    with pytest.raises(EvaluationError, match=f"{field} {operator}: {fault}"):
        condition.evaluate(SCOPE)


@pytest.mark.parametrize(
    "document",
    [
        BROKEN,
        {"field": "trigger.gone", "operator": "matches", "value": "x"},
        {"field": "{{ trigger.gone + 1 }}", "operator": "equals", "value": 1},
        {"field": "trigger.yes", "operator": "equals", "value": "{{ trigger.gone }}"},
        "trigger.gone == 1",
    ],
)
def test_a_missing_value_is_told_where_it_cannot_count_as_null(document: Json) -> None:
    with pytest.raises(MissingValue, match="trigger has no 'gone'"):
        verdict(document)


@pytest.mark.parametrize(
    ("document", "met"),
    [
        ([], True),
        ([TRUE, TRUE], True),
        ([TRUE, FALSE], False),
        ({"all": [TRUE, FALSE]}, False),
        ({"all": []}, True),
        ({"any": [FALSE, TRUE]}, True),
        ({"any": [FALSE, FALSE]}, False),
        ({"not": FALSE}, True),
        ({"not": [TRUE, FALSE]}, True),
        ({"not": {"any": [FALSE, {"not": TRUE}]}}, True),
        ({"any": [FALSE, [TRUE, "trigger.amount == 60"]]}, True),
        ("trigger.amount > 50", True),
        ("{{ trigger.amount > 50 }}", True),
        (" {{ trigger.yes }} ", True),
        ("trigger.yes", True),
        ("'{{' == '}}'", False),
    ],
)
def test_it_decides_groups_and_expressions(document: Json, *, met: bool) -> None:
    assert verdict(document).met is met


def test_a_group_stops_at_the_part_that_decides() -> None:
    guard: Json = {"field": "trigger.gone", "operator": "exists"}

    assert not verdict([guard, BROKEN]).met
    assert verdict({"any": [TRUE, BROKEN]}).met
    with pytest.raises(MissingValue):
        verdict({"any": [FALSE, BROKEN]})


def test_it_says_what_was_compared() -> None:
    compared = verdict(
        {"any": ["trigger.amount > 100", {"field": "trigger.amount", "operator": "in", "value": [60]}]}
    ).compared

    assert compared == {
        "any": [
            {"expression": "trigger.amount > 100", "met": False},
            {"field": "trigger.amount", "operator": "in", "actual": 60, "expected": [60], "met": True},
        ],
        "met": True,
    }
    assert verdict({"not": {"field": "trigger.gone", "operator": "exists"}}).compared == {
        "not": {"field": "trigger.gone", "operator": "exists", "actual": None, "met": False},
        "met": True,
    }


def test_it_keeps_what_was_compared_small() -> None:
    scope: dict[str, Json] = {"trigger": {"text": "x" * 100_000, "list": cast(Json, list(range(5_000)))}}
    condition = parse_condition([{"field": f"trigger.{name}", "operator": "is_not_empty"} for name in ("text", "list")])

    assert condition.evaluate(scope).compared == {
        "all": [
            {"field": "trigger.text", "operator": "is_not_empty", "actual": "x" * 2_000 + "…", "met": True},
            {
                "field": "trigger.list",
                "operator": "is_not_empty",
                "actual": "a list of 5,000, too long to show",
                "met": True,
            },
        ],
        "met": True,
    }


@pytest.mark.parametrize("document", ["trigger.amount", "{{ trigger.name }}", "null", "'true'"])
def test_an_expression_must_give_true_or_false(document: str) -> None:
    with pytest.raises(EvaluationError, match=r"gives (a number|a text|null); compare it, to get true or false"):
        verdict(document)


def test_it_knows_what_it_refers_to() -> None:
    condition = parse_condition(
        {
            "all": [
                {"field": "trigger.a", "operator": "in", "value": ["{{ steps.b.output }}", {"c": "{{ trigger.a }}"}]},
                {"not": {"any": ["variables.d > step.0.output", {"field": "{{ trigger.e }}", "operator": "exists"}]}},
            ]
        }
    )

    names = [str(reference) for reference in condition.references]
    assert names == ["trigger.a", "steps.b.output", "variables.d", "step[0].output", "trigger.e"]
