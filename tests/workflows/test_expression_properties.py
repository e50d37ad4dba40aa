"""What holds for every path, value and text."""

import threading
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workflows.scope import evaluated
from workflows.documents import Json
from workflows.expressions import (
    ExpressionError,
    Reference,
    parse_expression,
    render,
)


def test_eight_threads_share_one_expression() -> None:
    expression = parse_expression(
        "trigger.amount * 2 > 100 ? join(split(trigger.name, ','), '-') : string(trigger.amount)"
    )
    wrong: list[Json] = []

    def evaluate_often(thread: int) -> None:
        for round_ in range(2_000):
            amount = thread * 10 + round_ % 7
            value = expression.evaluate({"trigger": {"amount": amount, "name": f"{amount},x"}})
            if value != (f"{amount}-x" if amount * 2 > 100 else str(amount)):
                wrong.append(value)

    threads = [threading.Thread(target=evaluate_often, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


KEYS = st.one_of(
    st.integers(0, 10**15 - 1), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
)


@settings(deadline=None)
@given(st.lists(KEYS, max_size=5), st.sampled_from(["trigger", "steps", "step", "variables"]))
def test_a_reference_written_out_reads_as_itself(keys: list[str | int], root: str) -> None:
    reference = Reference(root, tuple(keys))

    assert parse_expression(str(reference)).path == reference


@settings(deadline=None)
@given(st.lists(st.text(st.sampled_from("abz-_09"), min_size=1, max_size=8), min_size=1, max_size=5))
def test_it_finds_what_lies_at_a_path(keys: list[str]) -> None:
    value: Json = "found"
    for key in reversed(keys):
        value = {key: value, "other": 1} if key != "other" else {key: value}

    assert evaluated(str(Reference("trigger", tuple(keys))), {"trigger": value}) == "found"


FRAGMENTS = st.sampled_from(
    (
        *("trigger", ".a", "-b", "[0]", "['x']", "{{", "}}", "'", '"', "\\", "(", ")", "{", "}", "[[", "]]"),
        *("has(", "size(", "join(", "sum(", "matches(", ".matches('a')", "steps.", "in", "null", "true", "=="),
        *("1", "1.5", "u", "0x", "e9", "9223372036854775807", "+", "-", "%", "?", ":", ",", "//", "`", " ", "\n"),
        *("&&", "!", "r'", "'''", "\x00", "\ud800", "\x85", "\u202e", "é"),
    )
)


@settings(deadline=None)
@given(st.lists(st.one_of(FRAGMENTS, st.text(max_size=3)), max_size=25).map("".join))
def test_a_template_raises_nothing_but_its_own_errors(text: str) -> None:
    for source in (text, f"{{{{ {text} }}}}", f"a {{{{ trigger{text} }}}} b"):
        with suppress(ExpressionError):
            render([source], {"trigger": {"a": [1, {"x": None}], "x": "t"}, "steps": {}})


@settings(deadline=None)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**63 - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abé", max_size=3), inner, max_size=4),
        max_leaves=12,
    )
)
def test_a_value_comes_through_as_it_went_in(value: Json) -> None:
    scope: dict[str, Json] = {"trigger": {"a": value}}

    for result in (render("{{ trigger.a }}", scope), evaluated("[trigger.a][0]", scope)):
        assert result == value
        assert type(result) is type(value)
