"""Definitions: what is filled in, what is accepted, and every fault with its path and mend."""

import json
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from executions.engine import scope
from executions.engine.journal import Assignment
from executions.engine.plan import StepRecord
from executions.states import StepStatus
from workflows.actions.registry import ACTIONS
from workflows.conditions.parsing import MAX_LEAVES
from workflows.definition import Definition, DefinitionInvalid, OnError, json_schema, load, parse, with_ids
from workflows.definition.references import ROOT_KEYS, STEP_KEYS
from workflows.documents import Json

NOTIFY: dict[str, Json] = {"recipient": "ada", "message": "Hello"}


def notify(name: str = "tell", /, **fields: Any) -> dict[str, Any]:
    return {"id": name, "type": "send_notification", "config": NOTIFY, **fields}


def saying(message: str, name: str = "tell") -> dict[str, Any]:
    return notify(name, config={"recipient": "ada", "message": message})


def faults_of(*actions: Any, **fields: Any) -> dict[str, str]:
    return faults_in({"actions": list(actions), **fields})


def faults_in(document: Any) -> dict[str, str]:
    with pytest.raises(DefinitionInvalid) as raised:
        parse(document)
    return {fault.path: fault.message for fault in raised.value.faults}


def read_or_refused(document: Any) -> Definition | DefinitionInvalid:
    try:
        return parse(with_ids(document))
    except DefinitionInvalid as error:
        return error


def test_it_reads_a_definition_with_its_defaults() -> None:
    definition = parse({"actions": [notify()]})

    action = definition.actions[0]
    assert (action.timeout, action.on_error, action.condition) == (30_000, OnError.STOP, None)
    assert action.retry_config.model_dump() == {
        "max_retries": 3, "delay_ms": 1000, "backoff_multiplier": 2, "max_delay_ms": 60_000, "jitter": True,
    }  # fmt: skip
    assert (definition.trigger.type, definition.variables, definition.timeout) == ("manual", {}, None)


def test_a_checked_definition_is_read_again_as_the_same() -> None:
    document: Json = {"trigger": {"type": "webhook", "path": "/x"}, "actions": [notify(onError="retry")]}

    assert load(document) == parse(document)
    assert load(document).trigger.model_extra == {"path": "/x"}


@pytest.mark.parametrize("conditions", [None, [], {}])
def test_an_action_may_have_no_conditions(conditions: Json) -> None:
    assert parse({"actions": [notify(conditions=conditions)]}).actions[0].condition is None


@pytest.mark.parametrize("name", ["a", "1", "action-1", "9b2e-4f", "_x", "-", "A" * 100])
def test_an_id_has_letters_digits_underscores_and_hyphens(name: str) -> None:
    parse({"actions": [notify(name), saying(f"{{{{ steps['{name}'].output }}}}", "last")]})


def test_it_fills_in_the_ids_that_were_left_out() -> None:
    actions: list[Any] = [{"type": "wait"}, {"id": "action-1"}, {"id": None}, {"id": "own"}, 5, {"id": "action-6"}, {}]

    document = with_ids({"actions": actions, "timeout": 5})

    assert isinstance(document, dict)
    assert document["timeout"] == 5
    filled: Any = document["actions"]
    assert [action["id"] if isinstance(action, dict) else action for action in filled] == [
        "action-2", "action-1", "action-3", "own", 5, "action-6", "action-7",
    ]  # fmt: skip
    assert actions[0] == {"type": "wait"}


@pytest.mark.parametrize("document", [None, 5, "x", [], {}, {"actions": None}, {"actions": {}}, {"actions": [1, None]}])
def test_it_leaves_alone_what_has_no_actions(document: Json) -> None:
    assert with_ids(document) == document


def test_it_fills_in_no_ids_beyond_the_limit() -> None:
    taken: list[Json] = [{"id": f"action-{number}"} for number in range(20_000)]
    began = time.process_time()

    document: Json = {"actions": [*([{}] * 150_000), *taken]}

    assert with_ids(document) is document
    assert time.process_time() - began < 1


def test_it_tells_every_fault_at_once() -> None:
    faults = faults_of(
        {"id": "a", "type": "send_mail", "config": {}},
        {"id": "a", "type": "wait", "config": {"seconds": "5", "weeks": 1}, "timout": 5},
        {"id": "b c", "type": "call_api", "config": {"method": "GRAB"}, "onError": "ignore"},
        notify("c", conditions={"all": [{"field": "trigger.x", "operator": "equal", "value": 1}]}),
        notify("d", retryConfig={"maxRetries": -1}, timeout=0),
        saying("{{ steps.zz.output }} and {{ trigger. }}", "e"),
        saying("{{ steps.e.output }}", "f"),
        7,
        retries=3,
    )

    assert faults.keys() == {
        "actions[0].type",
        "actions[1].id", "actions[1].timout", "actions[1].config.seconds", "actions[1].config.weeks",
        "actions[2].id", "actions[2].onError", "actions[2].config.url", "actions[2].config.method",
        "actions[3].conditions.all[0].operator",
        "actions[4].retryConfig.maxRetries", "actions[4].timeout",
        "actions[5].config.message",
        "actions[7]",
        "retries",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("document", "path", "message"),
    [
        (None, "", "Give an object."),
        ([], "", "Give an object."),
        ("x", "", "Give an object."),
        ({}, "actions", "This field is required."),
        ({"actions": []}, "actions", "Give 1 or more items."),
        ({"actions": {}}, "actions", "Give a list."),
        ({"actions": [None]}, "actions[0]", "Give an object."),
        ({"actions": [notify()], "timeout": 0}, "timeout", "Give 1 or more."),
        ({"actions": [notify()], "timeout": "1s"}, "timeout", "Give a whole number."),
        ({"actions": [notify()], "variables": []}, "variables", "Give an object."),
        ({"actions": [notify()], "trigger": "manual"}, "trigger", "Give an object."),
        ({"actions": [notify()], "trigger": {"type": ""}}, "trigger.type", "Give 1 or more characters."),
        ({"actions": [notify()], "steps": []}, "steps", "Unknown field; remove it or correct its spelling."),
        ({"actions": [notify()], "variables": {"": 1}}, "variables.", "No expression can name it"),
        ({"actions": [notify()], "variables": {"a\x00": 1}}, "variables", "NUL character; remove it."),
        ({"actions": [notify()], "variables": {"a": float("nan")}}, "variables.a", "nan isn't a JSON number."),
        ({"actions": [notify()], "variables": {"a": {1}}}, "variables.a", "set isn't JSON"),
        ({"actions": [notify()], "variables": {"a": "x" * 2**20}}, "", "larger than 1,048,576 bytes."),
    ],
)  # fmt: skip
def test_it_says_what_is_wrong_with_the_whole(document: Any, path: str, message: str) -> None:
    faults = faults_in(document)

    assert path in faults
    assert message in faults[path]


@pytest.mark.parametrize(
    ("fields", "path", "message"),
    [
        ({"id": "a b"}, "id", "Use letters, digits, _ and -, at most 100 of them."),
        ({"id": ""}, "id", "Use letters"),
        ({"id": 5}, "id", "Give a text."),
        ({"id": "a\n"}, "id", "Use letters"),
        ({"name": "x" * 201}, "name", "Give 200 characters at most."),
        ({"type": None}, "type", "Give a text."),
        ({"type": "send_notificaton"}, "type", "Did you mean send_notification? There are call_api, condition"),
        ({"type": "teleport"}, "type", "Unknown action type 'teleport'. There are call_api, condition, create_task"),
        ({"config": None}, "config", "Give an object."),
        ({"config": []}, "config", "Give an object."),
        ({"config": {"message": "x"}}, "config.recipient", "This field is required."),
        ({"config": {**NOTIFY, "to": 1}}, "config.to", "Unknown field"),
        ({"config": {**NOTIFY, "message": 5}}, "config.message", "Give a text."),
        ({"config": {**NOTIFY, "message": ""}}, "config.message", "Give 1 or more characters."),
        ({"config": {**NOTIFY, "email": 1}}, "config.email", "Give true or false."),
        ({"config": {**NOTIFY, "recipient": 1.5}}, "config.recipient", "Give a whole number, a text or a list."),
        ({"config": {**NOTIFY, "recipient": []}}, "config.recipient", "Give 1 or more items."),
        ({"config": {**NOTIFY, "recipient": [1.5]}}, "config.recipient[0]", "Give a whole number or a text."),
        ({"config": {**NOTIFY, "recipient": ["a"] * 101}}, "config.recipient", "Give 100 items at most."),
        ({"timeout": 30.5}, "timeout", "Give a whole number."),
        ({"timeout": True}, "timeout", "Give a whole number."),
        ({"timeout": 10**12}, "timeout", "Give 86,400,000 or less."),
        ({"onError": "explode"}, "onError", "Give 'stop', 'continue' or 'retry'."),
        ({"retryConfig": {"maxRetries": 101}}, "retryConfig.maxRetries", "Give 100 or less."),
        ({"retryConfig": {"backoffMultiplier": 0.5}}, "retryConfig.backoffMultiplier", "Give 1 or more."),
        ({"retryConfig": {"jitter": "yes"}}, "retryConfig.jitter", "Give true or false."),
        ({"retryConfig": {"max_retries": 1}}, "retryConfig.max_retries", "Unknown field"),
        ({"conditions": ""}, "conditions", "empty"),
        ({"conditions": 0}, "conditions", "a number is no condition"),
        ({"conditions": False}, "conditions", "a boolean is no condition"),
        ({"conditions": [{"field": "trigger.x"}]}, "conditions[0].operator", "required"),
        ({"conditions": ["trigger.x >"]}, "conditions[0]", "ends too early"),
        ({"conditions": [{"field": "trigger.x", "operator": "matches", "value": "("}]}, "conditions[0].value", "("),
    ],
)  # fmt: skip
def test_it_says_what_is_wrong_with_an_action(fields: dict[str, Any], path: str, message: str) -> None:
    faults = faults_of(notify(**fields))

    assert list(faults) == [f"actions[0].{path}"]
    assert message in faults[f"actions[0].{path}"]


@pytest.mark.parametrize(
    ("kind", "config", "path", "message"),
    [
        ("wait", {}, "", "Give either a duration"),
        ("wait", {"seconds": 1, "until": "2026-01-01T00:00:00Z"}, "", "Give either a duration"),
        ("wait", {"days": 1e300}, ".days", "Give 366 or less."),
        ("wait", {"durationMs": 2**62}, ".durationMs", "Give 31,622,400,000 or less."),
        ("wait", {"days": 366, "hours": 1}, "", "366 days at most"),
        ("wait", {"seconds": -1}, ".seconds", "Give 0 or more."),
        ("wait", {"until": "tomorrow"}, ".until", "ISO 8601 time with its offset"),
        ("wait", {"until": 1_700_000_000}, ".until", "ISO 8601 time with its offset"),
        ("wait", {"until": "1700000000"}, ".until", "ISO 8601 time with its offset"),
        ("wait", {"until": "2026-01-01T00:00:00"}, ".until", "a time with its offset"),
        ("wait", {"until": "9999-12-31T23:59:59-01:00"}, ".until", "the years 1 and 9999"),
        ("create_task", {"title": "x", "priority": "URGENT"}, ".priority", "Give 'LOW', 'MEDIUM', 'HIGH'"),
        ("create_task", {"title": "x", "dueAt": "2026-01-01"}, ".dueAt", "a time with its offset"),
        ("create_task", {"title": "x", "assignee": True}, ".assignee", "Give a whole number or a text."),
        ("condition", {}, "", "Give exactly one of field"),
        ("condition", {"expression": "true", "conditions": []}, "", "Give exactly one of field"),
        ("condition", {"expression": "true", "operator": "equals"}, "", "belong to a field"),
        ("condition", {"expression": "trigger.x >"}, ".expression", "ends too early"),
        ("condition", {"field": "trigger.", "operator": "exists"}, ".field", "a dot that no key follows"),
        ("condition", {"field": "trigger.x", "operator": "is"}, ".operator", "unknown operator"),
        ("condition", {"field": "trigger.x", "operator": "in", "value": 5}, ".value", "give a list"),
        ("condition", {"conditions": [{"field": 1, "operator": "exists"}]}, ".conditions[0].field", "required"),
        ("condition", {"conditions": {"any": ["1 +"]}}, ".conditions.any[0]", "ends too early"),
        ("condition", {"expression": "true", "onFalse": "{{ trigger.x }}"}, ".onFalse", "Give 'continue', 'skip_next'"),
        ("call_api", {"url": "https://x/", "json": 1, "form": {}}, "", "keep one of them"),
        ("call_api", {"url": "https://x/", "auth": {"type": "magic"}}, ".auth", "'basic', 'bearer', 'header'"),
        ("call_api", {"url": "https://x/", "body": 5}, ".body", "Give a text, an object or a list"),
        ("call_api", {"url": "{{ trigger.url }}", "headers": {"X-A": "{{ 1 + }}"}}, ".headers.X-A", "ends too early"),
    ],
)  # fmt: skip
def test_it_says_where_a_config_does_not_fit(kind: str, config: dict[str, Any], path: str, message: str) -> None:
    faults = faults_of({"id": "a", "type": kind, "config": config})

    assert list(faults) == [f"actions[0].config{path}"]
    assert message in faults[f"actions[0].config{path}"]


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("wait", {"seconds": "{{ trigger.seconds }}"}),
        ("wait", {"until": "{{ trigger.until }}"}),
        ("create_task", {"title": "{{ trigger.a }}", "dueAt": "{{ trigger.b }}", "priority": "{{ trigger.c }}"}),
        ("call_api", {"url": "{{ trigger.url }}", "method": "{{ trigger.m }}", "timeoutMs": "{{ trigger.t }}"}),
        ("send_notification", {"recipient": "{{ trigger.all }}", "message": "x", "email": "{{ trigger.mail }}"}),
        ("send_notification", {"recipient": 1, "message": "x", "title": "{{ trigger.title }}" + " " * 200}),
    ],
)
def test_it_leaves_to_the_run_what_an_expression_will_give(kind: str, config: dict[str, Any]) -> None:
    parse({"actions": [{"id": "a", "type": kind, "config": config}]})


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


def test_it_keeps_faults_to_a_readable_number() -> None:
    with pytest.raises(DefinitionInvalid, match=r"and 480 more$") as raised:
        parse({"actions": [notify(f"a{number}", one=1, two=2) for number in range(400)]})

    assert len(raised.value.faults) == 500


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
def test_it_ends_within_a_second_at_the_limits(document: dict[str, Any]) -> None:
    began = time.process_time()
    read = read_or_refused(document)

    assert time.process_time() - began < 1
    assert isinstance(read, Definition) or len(str(read)) < 20_000


def test_actions_beyond_the_limit_are_one_fault() -> None:
    assert faults_in({"actions": [notify("same")] * 501}) == {
        "actions": "Give 500 items at most; there are 501. Split the workflow."
    }


def test_expressions_beyond_the_limit_are_one_fault() -> None:
    faults = faults_in(AT_THE_LIMITS["more conditions"])

    assert faults == {"actions": "More than 5,000 expressions and comparisons; split the workflow."}


def test_every_action_has_a_json_schema() -> None:
    assert {"call_api", "condition", "create_task", "send_notification", "wait"} <= ACTIONS.keys()
    for name in ("call_api", "condition", "create_task", "send_notification", "wait"):
        schema = ACTIONS[name].json_schema()

        assert json.loads(json.dumps(schema)) == schema
        assert schema["title"] == name
        assert schema["description"]
        assert schema["additionalProperties"] is False
        assert not any("_" in field for field in schema["properties"])


def test_a_schema_describes_its_fields() -> None:
    properties = ACTIONS["create_task"].json_schema()["properties"]

    assert all(field.get("description") for field in properties.values())
    assert {"dueAt", "assignee", "priority"} <= properties.keys()


def test_the_whole_definition_has_a_json_schema() -> None:
    schema = json_schema()
    action = schema["$defs"]["Action"]

    assert schema["required"] == ["actions"]
    assert action["required"] == ["type"]
    assert action["properties"]["type"]["enum"] == sorted(ACTIONS)
    assert "retryConfig" in action["properties"]
    assert action["additionalProperties"] is False


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
