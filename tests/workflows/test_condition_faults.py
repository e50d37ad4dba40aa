"""Conditions that are refused when they are parsed."""

import pytest

from tests.workflows.scope import SCOPE
from workflows.conditions import ConditionError, parse_condition
from workflows.documents import Json

TRUE: Json = {"field": "trigger.yes", "operator": "equals", "value": True}


def faults(document: Json) -> dict[str, str]:
    with pytest.raises(ConditionError) as raised:
        parse_condition(document)
    assert (raised.value.path, raised.value.message) == raised.value.faults[0]
    return dict(raised.value.faults)


@pytest.mark.parametrize(
    ("document", "path", "fault"),
    [
        (None, "", "null is no condition; give {field, operator, value}"),
        (5, "", "a number is no condition"),
        ([1], "[0]", "a number is no condition"),
        ({}, "field", "required"),
        ({"any": []}, "any", "at least one condition"),
        ({"any": TRUE}, "any", "an object; give a list of conditions"),
        ({"all": "trigger.yes"}, "all", "a text; give a list"),
        ({"all": [TRUE], "any": [TRUE]}, "", "all stands alone, without any"),
        ({"not": TRUE, "operator": "equals"}, "", "not stands alone, without operator"),
        ({"not": None}, "not", "null is no condition"),
        ("", "", "empty"),
        ("trigger.a >", "", "it ends too early"),
        ("{{ trigger.a }} and more", "", "a text around {{ }}"),
        ("{{ trigger.a", "", "no closing }}"),
        ({"all": [TRUE, {"field": "x", "operator": "exists"}]}, "all[1].field", "unknown name 'x'"),
        ({"field": 1, "operator": "exists"}, "field", "required; give a path"),
        ({"field": "trigger.a + 1", "operator": "exists"}, "field", "not a path; put an expression in {{ }}"),
        ({"field": "trigger.a"}, "operator", "required; one of equals, "),
        ({"field": "trigger.a", "operator": None}, "operator", "required"),
        ({"field": "trigger.a", "operator": "equal", "value": 1}, "operator", "did you mean equals?"),
        ({"field": "trigger.a", "operator": "equals"}, "value", "required; what equals compares the field with"),
        ({"field": "trigger.a", "operator": "exists", "value": None}, "value", "exists takes no value; remove it"),
        ({"field": "trigger.a", "operator": "in", "value": "abc"}, "value", "a text; give a list"),
        ({"field": "trigger.a", "operator": "less_than", "value": None}, "value", "null has no order"),
        ({"field": "trigger.a", "operator": "less_than", "value": True}, "value", "a boolean has no order"),
        ({"field": "trigger.a", "operator": "matches", "value": 5}, "value", "a text matches a pattern"),
        ({"field": "trigger.a", "operator": "matches", "value": "("}, "value", "invalid regular expression"),
        ({"field": "trigger.a", "operator": "matches", "value": "a{2000}"}, "value", "too costly"),
        ({"field": "trigger.a", "operator": "equals", "value": {"b": ["{{ c }}"]}}, "value.b[0]", "unknown name 'c'"),
        ({"field": "trigger.a", "operator": "equals", "value": ["{{ c }}"]}, "value[0]", "unknown name 'c'"),
        ({"field": "trigger.a", "operator": "equals", "value": "{{ c }}"}, "value", "unknown name 'c'"),
        ({"field": "trigger.a", "operator": "equals", "value": 1, "vlaue": 2}, "vlaue", "unknown key"),
        ([TRUE] * 201, "[200]", "more than 200 comparisons"),
    ],
)
def test_it_refuses_what_it_cannot_decide(document: Json, path: str, fault: str) -> None:
    assert fault in faults(document)[path]


def test_it_finds_every_fault_at_once() -> None:
    found = faults([{"field": "x", "operator": "y", "z": 1}, TRUE, {"any": ["(", {"not": 5}]}])

    assert list(found) == ["[0].z", "[0].field", "[0].operator", "[2].any[0]", "[2].any[1].not"]


def test_it_takes_sixteen_levels_and_two_hundred_comparisons() -> None:
    nested = TRUE
    for _ in range(16):
        nested = {"not": nested}

    assert parse_condition(nested).evaluate(SCOPE).met
    assert "groups deeper than 16 levels" in next(iter(faults({"not": nested}).values()))
    assert parse_condition([TRUE] * 200).evaluate(SCOPE).met
