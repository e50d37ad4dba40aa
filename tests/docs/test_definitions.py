"""What `docs/definitions.md` says of fields, expressions and conditions is so."""

import json
from typing import Any

import pytest

from tests.docs.pages import DOCS, blocks, codes, read, rows, section
from workflows.conditions import parse_condition
from workflows.conditions.comparisons import COMPARISONS, PRESENCES
from workflows.conditions.parsing import MAX_GROUP_DEPTH, MAX_LEAVES
from workflows.definition import json_schema
from workflows.definition.checks import MAX_EXPRESSIONS
from workflows.definition.schema import MAX_ACTIONS
from workflows.documents import MAX_DEPTH, Json
from workflows.expressions import ExpressionError, render
from workflows.expressions.functions import MAX_TEXT
from workflows.expressions.syntax import FUNCTIONS, MAX_CHARACTERS, MAX_NESTING, METHODS
from workflows.expressions.templates import MAX_TEMPLATE_EXPRESSIONS
from workflows.expressions.values import MAX_CONTEXT

PAGE = DOCS / "definitions.md"
SCOPE: dict[str, Json] = json.loads(blocks(PAGE, "json scope")[0])
TABLES = (
    ("### Paths and texts", ("text", "gives", "")),
    ("### Computing", ("text", "gives", "")),
    ("### Types are never converted silently", ("text", "gives", "")),
    ("### Functions", ("text", "gives")),
)
EXAMPLES = [
    (row["text"].strip("`"), row["gives"].strip("`"))
    for heading, columns in TABLES
    for row in rows(section(PAGE, heading), *columns)
]
OPERATORS = rows(section(PAGE, "## Conditions"), "operator", "met, for example", "not met", "an error")


@pytest.mark.parametrize(("text", "gives"), EXAMPLES, ids=[text for text, _ in EXAMPLES])
def test_an_expression_gives_what_the_table_says(text: str, gives: str) -> None:
    if gives == "an error":
        with pytest.raises(ExpressionError):
            render(text, SCOPE)
    else:
        assert json.dumps(render(text, SCOPE)) == json.dumps(json.loads(gives))


def test_every_function_has_an_example() -> None:
    shown = " ".join(text for text, _ in EXAMPLES)
    unshown = {name for name in (*FUNCTIONS, *METHODS) if f"{name}(" not in shown}

    assert unshown == {"dyn", "uint", "double", "bool"}, (
        "double and bool are named beside string; no one needs the rest"
    )


def test_a_missing_value_is_explained_in_the_words_of_the_table() -> None:
    said = next(
        row[""] for row in rows(section(PAGE, "### Paths and texts"), "text", "gives", "") if "emial" in row["text"]
    )

    with pytest.raises(ExpressionError) as error:
        render("{{ trigger.user.emial }}", SCOPE)

    assert said == f"which says: {error.value.message}"


@pytest.mark.parametrize("row", OPERATORS, ids=lambda row: row["operator"])
def test_an_operator_decides_as_the_table_says(row: dict[str, str]) -> None:
    assert parse_condition(comparison(row, "met, for example")).evaluate(SCOPE).met
    assert not parse_condition(comparison(row, "not met")).evaluate(SCOPE).met
    if row["an error"]:
        condition = parse_condition(comparison(row, "an error"))
        with pytest.raises(ExpressionError):
            condition.evaluate(SCOPE)


def comparison(row: dict[str, str], column: str) -> Json:
    field, *value = codes(row[column])
    document: dict[str, Json] = {"field": field, "operator": row["operator"].strip("`")}
    return document | ({"value": json.loads(value[0])} if value else {})


def test_every_operator_is_in_the_table() -> None:
    assert {row["operator"].strip("`") for row in OPERATORS} == {*COMPARISONS, *PRESENCES}


def test_every_condition_shown_is_one_and_is_met() -> None:
    shown = [json.loads(block) for block in blocks(PAGE, "json condition")]

    assert len(shown) == 3
    assert [parse_condition(document).evaluate(SCOPE).met for document in shown] == [True] * 3


@pytest.mark.parametrize(
    ("column", "part"), [("field", ""), ("field of an action", "Action"), ("field of `retryConfig`", "RetryPolicy")]
)
def test_the_fields_and_their_defaults_are_those_of_the_schema(column: str, part: str) -> None:
    schema = json_schema()
    properties: dict[str, Any] = (schema["$defs"][part] if part else schema)["properties"]
    shown = {codes(row[column])[0]: row["default"] for row in rows(read(PAGE), column, "default", "what it is")}

    assert shown.keys() == properties.keys()
    for name, field in properties.items():
        if "default" in field and name not in ("trigger", "retryConfig"):
            assert shown[name] == f"`{json.dumps(field['default'])}`", name


def test_the_limits_are_those_of_the_code() -> None:
    limits = {row["limit"]: row[""] for row in rows(read(PAGE), "limit", "")}

    assert limits == {
        "a definition, and every document that is stored": f"1 MiB, {MAX_DEPTH} levels, integers of 64 bits",
        "actions": str(MAX_ACTIONS),
        "expressions and comparisons in a definition": f"{MAX_EXPRESSIONS:,}",
        "one expression": f"{MAX_CHARACTERS} characters, {MAX_NESTING} levels of brackets",
        "expressions in one text": f"{MAX_TEMPLATE_EXPRESSIONS}, in 64 KiB",
        "what one expression computes with": (
            f"{MAX_CONTEXT // 1024} KiB, texts of {MAX_TEXT // 1024} KiB; a plain path has no such limit"
        ),
        "conditions": f"{MAX_LEAVES} comparisons, {MAX_GROUP_DEPTH} levels of groups",
    }
