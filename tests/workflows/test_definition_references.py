"""What an expression of a definition may refer to."""

from typing import Any
from uuid import uuid4

import pytest

from executions.engine import scope
from executions.engine.journal import Assignment
from executions.engine.plan import StepRecord
from executions.states import StepStatus
from tests.workflows.definitions import faults_of, notify, saying
from workflows.definition import parse
from workflows.definition.references import ROOT_KEYS, STEP_KEYS
from workflows.documents import Json


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("steps.gone.output", "steps.gone.output: there is no action 'gone' in this workflow; earlier ones are first"),
        ("steps.frist.output", "perhaps first is meant"),
        ("steps.middle.output", "an action can't refer to itself"),
        ("steps.last.output", "runs later; refer to an earlier one, or move it up"),
        ("steps.first.outptu", "a step has status and output and error, and no 'outptu'"),
        ("step.1.output", "can't refer to itself"),
        ("step[2].output", "runs later"),
        ("step[3].output", "no action with the index 3; give 0 to 2"),
        ('step["0"].output', "no action with the index 0"),
        ("step.first.output", "no action with the index first"),
        ("execution.name", "execution has id, and no 'name'"),
        ("workflow.title", "workflow has id and name, and no 'title'"),
    ],
)
def test_it_finds_references_that_lead_nowhere(reference: str, message: str) -> None:
    field = {"field": reference, "operator": "equals", "value": 1}
    group = {"any": [field, {"field": "trigger.x", "operator": "equals", "value": f"{{{{ {reference} }}}}"}]}
    ways: dict[str, dict[str, Any]] = {
        "config.message": saying(f"Hello {{{{ {reference} }}}}", "middle"),
        "conditions[0]": notify("middle", conditions=[field]),
        "conditions.any[1]": notify("middle", conditions=group),
        "conditions": notify("middle", conditions=f"{reference} == 1"),
        "config": {"id": "middle", "type": "condition", "config": field},
        "config.expression": {"id": "middle", "type": "condition", "config": {"expression": f"{reference} == 1"}},
        "config.conditions[0]": {"id": "middle", "type": "condition", "config": {"conditions": [field]}},
    }
    for path, action in ways.items():
        faults = faults_of(notify("first"), action, notify("last"))

        assert f"actions[1].{path}" in faults
        assert message in faults[f"actions[1].{path}"]


@pytest.mark.parametrize(
    "reference",
    ["steps.first.output.a.b", "steps['first'].error.code", "step.0.status", "step[0]", "steps", "step", "trigger.x.y",
     "variables.not_yet", "execution.id", "workflow.name"],
)  # fmt: skip
def test_it_accepts_references_that_may_lead_somewhere(reference: str) -> None:
    parse({"actions": [notify("first"), saying(f"Hello {{{{ {reference} }}}}", "second")]})


def test_the_keys_that_it_knows_are_those_an_execution_has() -> None:
    definition = parse({"actions": [notify("a")]})
    record = StepRecord("0", "a", "send_notification", "", StepStatus.SUCCESS)
    built = scope.build(assignment(), definition, [record])

    assert {root: tuple(keys(built[root])) for root in ROOT_KEYS} == dict(ROOT_KEYS)
    steps = built["steps"]
    assert isinstance(steps, dict)
    assert tuple(keys(steps["a"])) == STEP_KEYS


def keys(value: Json) -> list[str]:
    assert isinstance(value, dict)
    return list(value)


def assignment() -> Assignment:
    given = dict.fromkeys(Assignment.__dataclass_fields__)
    ids = {name: uuid4() for name in given if name.endswith("_id")}
    return Assignment(**{**given, **ids, "workflow_name": "W", "variables": {}})  # type: ignore[arg-type]
