"""Every fault of a definition is found at once, with its path and its mend."""

from typing import Any

import pytest

from tests.workflows.definitions import NOTIFY, faults_in, faults_of, notify, saying
from workflows.definition import DefinitionInvalid, parse


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


def test_it_keeps_faults_to_a_readable_number() -> None:
    with pytest.raises(DefinitionInvalid, match=r"and 480 more$") as raised:
        parse({"actions": [notify(f"a{number}", one=1, two=2) for number in range(400)]})

    assert len(raised.value.faults) == 500
