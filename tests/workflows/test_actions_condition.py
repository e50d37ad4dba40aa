"""`condition`: its forms, its output, and what an unmet one does to the steps behind it."""

from typing import Any

import pytest

from tests.executions.scenes import ran, statuses, steps
from tests.workflows.conftest import House
from workflows.actions.condition import ConditionConfig, condition
from workflows.actions.context import ActionError, Steer
from workflows.documents import Json

TRIGGER: dict[str, Json] = {"total": 1250, "customer": {"vip": False}, "tags": ["a"]}


def decided(house: House, *, dry: bool = False, **config: Any) -> Steer:
    context = house.context(scope={"trigger": TRIGGER, "variables": {"limit": 1000}}, is_simulation=dry)
    return condition(ConditionConfig.model_validate(config), context)


@pytest.mark.parametrize(
    ("config", "met", "compared"),
    [
        (
            {"field": "trigger.total", "operator": "greater_than", "value": "{{ variables.limit }}"}, True,
            {"field": "trigger.total", "operator": "greater_than", "actual": 1250, "expected": 1000, "met": True},
        ),
        (
            {"field": "trigger.gone", "operator": "exists"}, False,
            {"field": "trigger.gone", "operator": "exists", "actual": None, "met": False},
        ),
        (
            {"field": "trigger.gone", "operator": "equals", "value": None}, True,
            {"field": "trigger.gone", "operator": "equals", "actual": None, "expected": None, "met": True},
        ),
        (
            {"expression": "trigger.total > 2000 || trigger.customer.vip"}, False,
            {"expression": "trigger.total > 2000 || trigger.customer.vip", "met": False},
        ),
        ({"expression": "{{ 1 > 2000 }}"}, False, {"expression": "{{ 1 > 2000 }}", "met": False}),
        (
            {"conditions": ["trigger.total > 1", {"field": "trigger.tags", "operator": "contains", "value": "b"}]},
            False,
            {"all": [
                {"expression": "trigger.total > 1", "met": True},
                {"field": "trigger.tags", "operator": "contains", "actual": ["a"], "expected": "b", "met": False},
            ], "met": False},
        ),
        (
            {"conditions": {"not": {"any": ["trigger.customer.vip"]}}}, True,
            {"not": {"any": [{"expression": "trigger.customer.vip", "met": False}], "met": False}, "met": True},
        ),
        ({"conditions": []}, True, {"all": [], "met": True}),
    ],
)  # fmt: skip
def test_it_decides_and_says_what_was_compared(
    house: House, config: dict[str, Any], met: object, compared: Json
) -> None:
    steer = decided(house, **config)

    assert steer.output == {"conditionMet": met, "compared": compared, "onFalse": "continue"}
    assert steer.flow == "continue"


@pytest.mark.parametrize("on_false", ["continue", "skip_next", "stop"])
def test_only_an_unmet_one_steers(house: House, on_false: str) -> None:
    assert decided(house, expression="true", onFalse=on_false).flow == "continue"
    assert decided(house, expression="false", onFalse=on_false).flow == on_false


@pytest.mark.parametrize(
    "config",
    [
        {"expression": "trigger.gone > 1"},
        {"field": "trigger.gone", "operator": "greater_than", "value": 1},
        {"field": "trigger.total", "operator": "less_than", "value": "x"},
        {"expression": "trigger.total"},
        {"expression": "1 / 0 == 1"},
    ],
)
def test_what_cannot_be_compared_fails_for_good(house: House, config: dict[str, Any]) -> None:
    with pytest.raises(ActionError) as raised:
        decided(house, **config)

    assert (raised.value.code, raised.value.retryable) == ("CONDITION_ERROR", False)


def test_a_dry_run_assumes_what_it_cannot_know(house: House) -> None:
    steer = decided(house, dry=True, expression="trigger.gone > 1", onFalse="stop")

    assert steer.flow == "continue"
    assert isinstance(steer.output, dict)
    assert (steer.output["conditionMet"], steer.output["compared"], steer.output["onFalse"]) == (True, None, "stop")
    assert "no 'gone'" in str(steer.output["assumed"])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("on_false", "expected"),
    [
        ("continue", ["success", "success", "success"]),
        ("skip_next", ["success", "skipped", "success"]),
        ("stop", ["success"]),
    ],
)
def test_an_unmet_condition_in_an_execution(on_false: str, expected: list[str]) -> None:
    idle: Json = {"type": "wait", "config": {"durationMs": 0}}
    config: dict[str, Json] = {"field": "trigger.total", "operator": "less_than", "value": "{{ variables.limit }}"}
    decide: Json = {"id": "large", "type": "condition", "config": {**config, "onFalse": on_false}}

    execution = ran(decide, idle, idle, trigger=TRIGGER, variables={"limit": 1000})

    assert (execution.status, statuses(execution)) == ("COMPLETED", expected)
    assert steps(execution)[0].output == {
        "conditionMet": False,
        "compared": {
            "field": "trigger.total", "operator": "less_than", "actual": 1250, "expected": 1000, "met": False,
        },
        "onFalse": on_false,
    }  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_what_was_decided_is_seen_by_later_steps() -> None:
    execution = ran(
        {"id": "large", "type": "condition", "config": {"expression": "trigger.total > 1"}},
        {"type": "wait", "config": {"durationMs": 0}, "conditions": ["!steps.large.output.conditionMet"]},
        trigger=TRIGGER,
    )

    assert statuses(execution) == ["success", "skipped"]
