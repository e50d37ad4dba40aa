"""What an expression gives, and how it fails."""

import pytest

from tests.workflows.scope import SCOPE, evaluated
from workflows.documents import Json
from workflows.expressions import (
    EvaluationError,
    MissingValue,
    Reference,
    parse_expression,
)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("trigger.user.id", 7),
        ("  trigger.user.id\n", 7),
        ("trigger . user . id", 7),
        ("trigger['user'].id", 7),
        ('trigger["user"]["id"]', 7),
        ("trigger.items[0].name", "first"),
        ("trigger.items.0.name", "first"),
        ("trigger.items[ 1 ].name", "second"),
        ("trigger.items[0].x-id", 5),
        ("trigger.headers.x-id", "q"),
        ("trigger.headers.0", "zero"),
        ("trigger.headers['0']", "zero"),
        ("trigger.headers.naïve", 2),
        ('trigger.headers["it\'s \\"odd\\"\\\\"]', 1),
        ("trigger.nothing", None),
        ("steps.fetch.output.total", 10),
        ("steps.action-1.error.code", "TIMEOUT"),
        ('steps["action-1"].status', "failed"),
        ("step.0.output.total", 10),
        ("step[0].output.total", 10),
        ("step.1", None),
        ("variables.index", 1),
        ("execution.id", "e1"),
        ("workflow.name", "Order"),
    ],
)
def test_it_follows_a_path(source: str, value: Json) -> None:
    assert evaluated(source) == value


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("trigger.amount * 2 > 100", True),
        ("trigger.amount * trigger.rate", 90.0),
        ("trigger.rate * 2", 3.0),
        ("trigger.rate + 1 - 1 / 2.0", 2.0),
        ("trigger.rate * 2.0 > 2", True),
        ("7 / 2", 3),
        ("7 % 4", 3),
        ("-trigger.rate", -1.5),
        ("trigger.name + '!'", "Ada!"),
        ("trigger.tags + ['c']", ["a", "b", "c"]),
        ("trigger.yes ? 'yes' : 0", "yes"),
        ("trigger.amount == 60.0", True),
        ("1 == 1.0", True),
        ("true == 1", False),
        ("'60' == trigger.amount", False),
        ("trigger.nothing == null", True),
        ("'a' in trigger.tags", True),
        ("'id' in trigger.user", True),
        ("trigger.tags[1]", "b"),
        ("trigger.items[variables.index].name", "second"),
        ("trigger.items[variables.index][variables.key]", "second"),
        ("trigger.items[variables.index - 1].x-id + 1", 6),
        ("steps.action-1.status == 'failed'", True),
        ("step.0.output.total + steps.fetch.output.total", 20),
        ("size(trigger.items) + trigger.tags.size()", 4),
        ("trigger.user.email.contains('@') && trigger.user.email.endsWith('.org')", True),
        ("trigger.user.email.matches('^[^@]+@[^@]+$')", True),
        ("type(trigger.amount) == int", True),
        ("int('5') + 1", 6),
        ("string(trigger.amount) + '%'", "60%"),
        ("double(trigger.amount) / 8.0", 7.5),
        ("timestamp('2026-01-02T00:00:00Z') - duration('24h') < timestamp('2026-01-02T00:00:00Z')", True),
        ("string(timestamp('2026-01-01T00:00:00Z') + duration('1h'))", "2026-01-01T01:00:00Z"),
        ("{'b': [1], 'a': trigger.user}", {"a": {"email": "ada@example.org", "id": 7}, "b": [1]}),
        ("[1u, 2.5, null, 'x']", [1, 2.5, None, "x"]),
        ("r'a\\b' + \"c\" + '''d'''", "a\\bcd"),
        ("'\\u00e9\\n'", "é\n"),
        ("lower('ABC') + upper('é') + trim(' x ')", "abcÉx"),
        ("join(split('a,b', ','), '-')", "a-b"),
        ("replace('aXbX', 'X', '--')", "a--b--"),
        ("sum([1, 2, 3])", 6),
        ("sum([1, 2.5])", 3.5),
        ("sum([])", 0),
        ("join([], ',')", ""),
        ("round(2.5) + round(-2.5) + round(7)", 7),
    ],
)
def test_it_evaluates_an_expression(source: str, value: Json) -> None:
    result = evaluated(source)

    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("has(trigger.user.id)", True),
        ("has(trigger.user.phone)", False),
        ("has(trigger.gone.far.away)", False),
        ("has(trigger.nothing)", True),
        ("has(trigger.items[5].name)", False),
        ("has(trigger.items[0].x-id)", True),
        ("has(trigger.items[variables.index].price)", True),
        ("has(trigger.user.phone) ? trigger.user.phone : 'none'", "none"),
        ("has(trigger.user.phone) && trigger.user.phone > 5", False),
        ("trigger.gone || trigger.yes", True),
        ("false && trigger.gone == 1", False),
        ("trigger.yes ? 1 : trigger.gone", 1),
    ],
)
def test_a_missing_value_may_be_passed_by(source: str, value: Json) -> None:
    assert evaluated(source) == value


@pytest.mark.parametrize(
    ("source", "message", "reference"),
    [
        ("trigger.user.emial", "trigger.user has no 'emial'; it has: email, id", ("user", "emial")),
        ("trigger.items[2].name", "trigger.items has no item 2; it has 2, counted from 0", ("items", 2, "name")),
        ("trigger.items.name", "trigger.items is a list, so it has no 'name'; take one item", ("items", "name")),
        ("trigger.name.first", "trigger.name is a text, so it has no 'first'", ("name", "first")),
        ("trigger.nothing.x", "trigger.nothing is null, so it has no 'x'", ("nothing", "x")),
        ("trigger.gone + 1", "trigger has no 'gone'; it has: amount, amount-tax, ", ("gone",)),
    ],
)
def test_it_says_what_is_there_instead(source: str, message: str, reference: tuple[str | int, ...]) -> None:
    with pytest.raises(MissingValue) as raised:
        evaluated(source)

    assert raised.value.message.startswith(message)
    assert str(raised.value) == raised.value.message
    assert raised.value.reference == Reference("trigger", reference)


def test_it_says_that_a_step_has_not_run() -> None:
    with pytest.raises(MissingValue, match=r"step\[1\] hasn't run, so it has no 'output'"):
        evaluated("step.1.output")
    with pytest.raises(MissingValue, match="steps has no 'later'; it has: action-1, fetch"):
        evaluated("steps.later.output")


def test_it_lists_a_few_keys_only() -> None:
    crowd: dict[str, Json] = {f"key{index:03}": index for index in range(500)}

    with pytest.raises(MissingValue, match=r"key009 and 490 more$"):
        evaluated("trigger.x", {"trigger": crowd})


def test_a_scope_may_lack_a_root() -> None:
    with pytest.raises(MissingValue, match="there is no variables here; there are: trigger"):
        evaluated("variables.a", {"trigger": None})


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("trigger.name + trigger.amount", r"'\+' doesn't take string and int; convert"),
        ("trigger.nothing > 1", "'>' doesn't take null and int"),
        ("trigger.name > 1", "'>' doesn't take string and int"),
        ("!trigger.amount", "a condition that isn't true or false"),
        ("trigger.amount ? 1 : 2", "a condition that isn't true or false"),
        ("trigger.amount.matches('6')", "'matches' doesn't take int and string"),
        ("lower(trigger.amount)", "'lower' doesn't take int"),
        ("1 / 0", "divide by zero"),
        ("trigger.rate * 9007199254740993", "can't be mixed with decimals without loss"),
        ("sum(['a'])", "one item is a text"),
        ("sum([true])", "one item is a boolean"),
        ("join([1], ',')", "one item is a number"),
        ("round(1e300)", "beyond 64 bits"),
        ("timestamp(0)", r"a time, which JSON doesn't have; write string\(…\)"),
        ("type(1)", "its result is a type"),
        ("{1: 2}", "keys that aren't text"),
        ("0.0 / 0.0", "nan, which isn't a JSON number"),
        ("'x'.matches('[')", "invalid regular expression"),
        ("trigger.items[variables.index].gone", 'there is no key "gone"'),
        ("trigger.items[-1]", "Index error"),
    ],
)
def test_it_fails_where_types_or_values_do_not_fit(source: str, fault: str) -> None:
    expression = parse_expression(source)

    with pytest.raises(EvaluationError, match=fault):
        expression.evaluate(SCOPE)


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (2**63, "an integer beyond 64 bits"),
        (-(2**63) - 1, "an integer beyond 64 bits"),
        ("x" * 70_000, "70,000 characters; at most 65,536"),
        ("a\x00b", "NUL"),
        ("\ud800", "lone surrogate"),
        ({"a\x00": 1}, "NUL"),
        ([0] * 100_000, "larger than 256 KiB"),
    ],
)
def test_it_computes_with_small_plain_json_only(value: Json, fault: str) -> None:
    with pytest.raises(EvaluationError, match=fault):
        evaluated("[trigger.a]", {"trigger": {"a": value}})


def test_it_hands_over_the_values_it_names_only() -> None:
    scope: dict[str, Json] = {"trigger": {"wanted": 1, "large": "x" * 1_000_000}}

    assert evaluated("trigger.wanted + 1", scope) == 2
    assert evaluated("has(trigger.large) && trigger.wanted == 1", scope) is True
    assert evaluated("trigger.large", scope) == "x" * 1_000_000
