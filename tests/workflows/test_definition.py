"""Definitions: what is filled in and what is accepted; and their JSON Schemas."""

import json
import time
from typing import Any

import pytest

from tests.workflows.definitions import HANG_SECONDS, notify, saying
from workflows.actions.registry import ACTIONS
from workflows.definition import OnError, json_schema, load, parse, with_ids
from workflows.documents import Json


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
    assert time.process_time() - began < HANG_SECONDS


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
