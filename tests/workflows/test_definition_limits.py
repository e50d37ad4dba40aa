"""Definitions at their limits, and whatever else may come."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.workflows.definitions import HANG_SECONDS, faults_in, notify, read_or_refused, saying
from workflows.conditions.parsing import MAX_LEAVES
from workflows.definition import Definition, load, with_ids


def many(count: int, make: Callable[[int], dict[str, Any]]) -> dict[str, Any]:
    return {"actions": [make(number) for number in range(count)]}


AT_THE_LIMITS: dict[str, dict[str, Any]] = {
    "actions": many(500, lambda n: saying("x" * 1_900, f"a{n}")),
    "same ids": {"actions": [notify("same")] * 500},
    "references": many(
        500, lambda n: saying("".join(f"{{{{ step.{n - 1}.output.k{m} }}}}" for m in range(9)), f"a{n}")
    ),
    "expressions": many(500, lambda n: saying("".join(f"{{{{trigger.a{n}+{m}}}}}" for m in range(10)), f"a{n}")),
    "more expressions": many(500, lambda n: saying("".join(f"{{{{trigger.a{n}+{m}}}}}" for m in range(60)), f"a{n}")),
    "conditions": many(25, lambda n: notify(f"a{n}", conditions=[f"trigger.a{n}>{m}" for m in range(MAX_LEAVES)])),
    "bad conditions": many(30, lambda n: notify(f"a{n}", conditions=[f"trigger.a{n}>{m}+" for m in range(150)])),
    "more conditions": many(500, lambda n: notify(f"a{n}", conditions=[f"trigger.a{n}>{m}" for m in range(80)])),
    "unknown fields": {"actions": [notify() | {f"k{m}": 1 for m in range(90_000)}]},
    "bad items": {"actions": [notify(config={"recipient": [1.5] * 200_000, "message": "m"})]},
    "no actions": {"actions": [7] * 400_000},
    "many ids": {"actions": [{}] * 300_000},
    "variables": {"actions": [notify()], "variables": {f"v{m}": "{{" for m in range(60_000)}},
}


@pytest.mark.parametrize("document", AT_THE_LIMITS.values(), ids=AT_THE_LIMITS)
def test_it_does_not_hang_at_the_limits(document: dict[str, Any]) -> None:
    began = time.process_time()
    read = read_or_refused(document)

    assert time.process_time() - began < HANG_SECONDS
    assert isinstance(read, Definition) or len(str(read)) < 20_000


def test_actions_beyond_the_limit_are_one_fault() -> None:
    assert faults_in({"actions": [notify("same")] * 501}) == {
        "actions": "Give 500 items at most; there are 501. Split the workflow."
    }


def test_expressions_beyond_the_limit_are_one_fault() -> None:
    faults = faults_in(AT_THE_LIMITS["more conditions"])

    assert faults == {"actions": "More than 5,000 expressions and comparisons; split the workflow."}


TEXTS = (
    "", "a", "{{", "{{ trigger.x }}", "{{ steps.a.output }}", "{{ step.0 }}", "equals", "in", "stop", "\ud800", "\x00",
)  # fmt: skip
texts = st.sampled_from(TEXTS) | st.text(max_size=5)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
)
KNOWN_FIELDS = (
    "recipient", "message", "title", "dueAt", "until", "seconds", "days", "durationMs", "url", "query", "headers",
    "auth", "body", "form", "field", "operator", "value", "conditions", "expression", "onFalse", "type",
)  # fmt: skip
configs = st.dictionaries(st.sampled_from(KNOWN_FIELDS), anything, max_size=4)
conditions = st.fixed_dictionaries({}, optional=dict.fromkeys(("field", "operator", "value", "all", "not"), anything))
actions = st.fixed_dictionaries(
    {"type": st.sampled_from(["wait", "condition", "call_api", "create_task", "send_notification"]) | anything},
    optional={
        "id": st.sampled_from(["a", "b"]) | anything,
        "config": configs | anything,
        "conditions": conditions | st.lists(conditions, max_size=2) | anything,
        **dict.fromkeys(("name", "timeout", "onError", "retryConfig", "zzz"), anything),
    },
)
documents = st.fixed_dictionaries(
    {"actions": st.lists(actions, max_size=3) | anything},
    optional=dict.fromkeys(("trigger", "variables", "timeout", "zzz"), anything),
)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents | anything)
def test_whatever_comes_is_read_or_refused(document: Any) -> None:
    read = read_or_refused(document)

    if isinstance(read, Definition):
        assert load(with_ids(document)) == read
        assert all(action.condition or not action.conditions for action in read.actions)
    else:
        assert read.faults
        assert all(fault.message for fault in read.faults)
