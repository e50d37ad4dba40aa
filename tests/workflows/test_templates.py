"""Texts that hold expressions, and the configs that hold such texts."""

import copy

import pytest

from tests.workflows.scope import SCOPE
from workflows.documents import Json
from workflows.expressions import (
    EvaluationError,
    ExpressionError,
    parse_template,
    render,
    templates_in,
)


def rendered(text: str) -> Json:
    template = parse_template(text)
    assert template is not None
    return template.render(SCOPE)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ trigger.amount }}", 60),
        ("{{trigger.yes}}", True),
        ("{{ trigger.nothing }}", None),
        ("{{ trigger.tags }}", ["a", "b"]),
        (" {{ trigger.amount }}", " 60"),
        ("Hello {{ trigger.name }}!", "Hello Ada!"),
        ("{{ trigger.name }}{{ trigger.amount }}", "Ada60"),
        ("{{ trigger.rate }} {{ trigger.yes }}", "1.5 true"),
        ("{{ trigger.tags }}: {{ trigger.user }}", '["a","b"]: {"id":7,"email":"ada@example.org"}'),
        ("{{ '}}' }}", "}}"),
        ("a {{ '}}' + \"}}\" }} b", "a }}}} b"),
        ("{{ '{{' }} as it is", "{{ as it is"),
        ("{{ {'a': {'b': 1}} }}", {"a": {"b": 1}}),
        ("{{{'a': {'b': 1}}}}", {"a": {"b": 1}}),
        ("é {{ trigger.name }} }}", "é Ada }}"),
    ],
)
def test_it_renders_a_text(text: str, value: Json) -> None:
    result = rendered(text)

    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize("text", ["", "plain", "{ trigger.a }", "}} {", "{%x%}"])
def test_a_text_without_braces_is_no_template(text: str) -> None:
    assert parse_template(text) is None


def test_a_template_knows_whether_it_is_single_and_what_it_refers_to() -> None:
    single, mixed = (
        parse_template("{{ trigger.a }}"),
        parse_template("{{ trigger.a }} {{ steps.b.output + trigger.a }}"),
    )

    assert single is not None
    assert mixed is not None
    assert single.is_single
    assert not mixed.is_single
    assert [str(reference) for reference in mixed.references] == ["trigger.a", "steps.b.output"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{{ trigger.a", "no closing }}"),
        ("{{ 'a }}", "closing quote"),
        ("{{}}", "empty"),
        ("ok {{ trigger.a }} {{ foo }}", "unknown name 'foo'"),
        ("{{ {{ trigger.a }} }}", "."),
        ("{{ trigger.a " + " " * 600 + "}}", "longer than 500 characters"),
        ("{{ 1 }}" * 101, "more than 100 expressions"),
        ("{{ 1 }}" + " " * 70_000, "at most 65,536"),
    ],
)
def test_it_refuses_a_template_it_cannot_read(text: str, fault: str) -> None:
    with pytest.raises(ExpressionError, match=fault):
        parse_template(text)


def test_null_in_a_text_is_an_error_that_says_the_mend() -> None:
    with pytest.raises(EvaluationError, match=r"trigger.nothing .*null can't stand in a text; give another value"):
        rendered("Hello {{ trigger.nothing }}")


def test_it_renders_every_text_of_a_value_and_no_key() -> None:
    config: Json = {
        "url": "https://x/{{ trigger.user.id }}",
        "{{ key }}": [1, None, {"a": "{{ trigger.tags }}"}],
        "n": 1.5,
    }

    assert render(config, SCOPE) == {"url": "https://x/7", "{{ key }}": [1, None, {"a": ["a", "b"]}], "n": 1.5}


def test_a_value_without_braces_is_rendered_as_itself() -> None:
    config: Json = {"url": "https://x", "items": [1, {"a": "b"}]}

    assert render(config, {}) is config


def test_a_receiver_may_change_what_was_rendered() -> None:
    before = copy.deepcopy(SCOPE)

    value = render({"a": "{{ trigger.user }}"}, SCOPE)
    assert isinstance(value, dict)
    assert isinstance(value["a"], dict)
    value["a"]["id"] = "changed"

    assert before == SCOPE


@pytest.mark.parametrize(
    "config", [["{{ trigger.a }}"] * 40, "{{ trigger.a }}" * 40, ["x" * 1_048_570, "{{ 'some more' }}"]]
)
def test_it_renders_no_more_than_a_mebibyte(config: Json) -> None:
    with pytest.raises(EvaluationError, match="larger than 1,048,576 bytes"):
        render(config, {"trigger": {"a": "x" * 30_000}})


def test_it_finds_each_template_with_its_path() -> None:
    config: Json = {
        "url": "{{ a }}",
        "headers": {"X-A": "b {{", "X-B": "plain"},
        "items": [1, "{{", {"name": "{{ c }}"}],
    }

    assert list(templates_in(config)) == [
        ("url", "{{ a }}"),
        ("headers.X-A", "b {{"),
        ("items[1]", "{{"),
        ("items[2].name", "{{ c }}"),
    ]
    assert list(templates_in("{{ x }}")) == [("", "{{ x }}")]
