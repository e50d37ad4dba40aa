"""Workflows over the API: created, read, changed whole or not at all, activated, deactivated, archived."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.documents import call, new
from tests.api.house import House
from tests.factories import WorkflowFactory
from workflows.actions import registry
from workflows.documents import Json
from workflows.models import Workflow, WorkflowStatus, WorkflowVersion

WAIT: Json = {"id": "a", "type": "wait", "config": {"durationMs": 0}}
WAIT_LONGER: Json = {"id": "a", "type": "wait", "config": {"durationMs": 1}}


def create(house: House, **fields: Any) -> dict[str, Any]:
    answer = house.owner.post(f"{house.path}/workflows", new(**fields))
    assert answer.status == 201, answer.content
    workflow: dict[str, Any] = answer.json["workflow"]
    return workflow


def path(house: House, workflow: dict[str, Any]) -> str:
    return f"{house.path}/workflows/{workflow['id']}"


def stored(workflow: dict[str, Any]) -> tuple[Any, ...]:
    """Everything that is kept of it."""
    rows = WorkflowVersion.objects.filter(workflow=workflow["id"]).order_by("number").values()
    return Workflow.objects.filter(pk=workflow["id"]).values().get(), *rows


def test_a_new_workflow_is_shown_whole(house: House) -> None:
    actions: list[Json] = [{"type": "wait", "config": {"durationMs": 5}}, {**call(None), "onError": "continue"}]  # type: ignore[dict-item]

    answer = house.admin.post(
        f"{house.path}/workflows",
        {
            "name": "Welcome", "description": " as\nit is ", "status": "ACTIVE", "trigger": {"type": "form", "id": 7},
            "actions": actions, "variables": {"z": 1, "a": 2}, "timeout": 60_000, "tags": ["b", "a"],
            "metadata": {"color": "red"},
        },
    )  # fmt: skip

    assert answer.status == 201
    workflow = answer.json["workflow"]
    assert answer.headers["Location"] == f"/api/{path(house, workflow)}"
    assert {**workflow, "id": "", "createdAt": "", "updatedAt": ""} == {
        "id": "", "workspaceId": str(house.workspace.pk), "name": "Welcome", "description": " as\nit is ",
        "status": "ACTIVE", "version": 1, "trigger": {"type": "form", "id": 7},
        "actions": [{"id": "action-1", **actions[0]}, actions[1]],  # type: ignore[dict-item]
        "variables": {"z": 1, "a": 2}, "timeout": 60_000, "tags": ["b", "a"], "metadata": {"color": "red"},
        "maxRunning": None, "executionCount": 0, "successCount": 0, "failureCount": 0, "lastExecutedAt": None,
        "createdBy": house.people["admin"].pk, "createdAt": "", "updatedAt": "",
    }  # fmt: skip
    assert list(workflow["variables"]) == ["z", "a"]
    assert workflow["createdAt"].endswith("Z")
    assert house.guest.get(answer.headers["Location"]).json == {"workflow": workflow}


def test_what_is_not_said_is_a_draft_that_is_started_by_hand(house: House) -> None:
    workflow = create(house)

    assert (workflow["status"], workflow["trigger"], workflow["version"]) == ("DRAFT", {"type": "manual"}, 1)
    assert (workflow["variables"], workflow["tags"], workflow["metadata"], workflow["timeout"]) == ({}, [], {}, None)
    assert workflow["description"] == ""


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "name"), ({"name": "x" * 201}, "name"), ({"name": None}, "name"), ({"name": "a\x00"}, "name"),
    ({"description": None}, "description"), ({"description": "\x00"}, "description"),
    ({"status": "ARCHIVED"}, "status"), ({"status": "active"}, "status"),
    ({"tags": None}, "tags"), ({"tags": "a"}, "tags"), ({"tags": [1]}, "tags"),
    ({"metadata": None}, "metadata"), ({"metadata": []}, "metadata"), ({"metadata": ""}, "metadata"),
    ({"tags": {}}, "tags"), ({"tags": False}, "tags"), ({"metadata": 0}, "metadata"),
    ({"actions": None}, "actions"), ({"actions": []}, "actions"), ({"actions": {}}, "actions"),
    ({"actions": [{"type": "nope"}]}, "actions[0].type"), ({"actions": [5]}, "actions[0]"),
    ({"trigger": None}, "trigger"), ({"trigger": "manual"}, "trigger"), ({"trigger": {"type": 5}}, "trigger.type"),
    ({"variables": None}, "variables"), ({"variables": []}, "variables"), ({"variables": {"": 1}}, "variables."),
    ({"timeout": 0}, "timeout"), ({"timeout": "5"}, "timeout"), ({"timeout": 1.5}, "timeout"),
    ({"timeout": 2**62}, "timeout"), ({"id": "x"}, "id"), ({"version": 1}, "version"),
    ({"definition": {}}, "definition"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "at_fault"), REFUSED, ids=lambda value: str(value)[:40].replace("\x00", "NUL"))
def test_what_a_workflow_can_not_be_is_said_at_its_field(house: House, fields: dict[str, Any], at_fault: str) -> None:
    """When it is created, and when it is changed; then everything stays, also what was in order."""
    workflow = create(house, name="Mine", metadata={"a": 1})
    before = stored(workflow)

    for answer in (
        house.owner.post(f"{house.path}/workflows", new(**fields)),
        house.owner.patch(path(house, workflow), {"description": "new", "metadata": {"b": 2}, **fields}),
    ):
        assert answer.status == 400, answer.content
        assert answer.error in ("VALIDATION_ERROR", "WORKFLOW_INVALID")
        assert list(answer.json["errors"]) == [at_fault]
    assert stored(workflow) == before
    assert Workflow.objects.count() == 1


def test_a_name_is_taken_once_in_a_workspace(house: House) -> None:
    first, second = create(house, name="One"), create(house, name="Two")
    WorkflowFactory.create(workspace=house.elsewhere, name="Three")
    before = stored(second)

    for answer in (
        house.owner.post(f"{house.path}/workflows", new(name="One")),
        house.owner.post(f"{house.path}/workflows", new(name=" One ")),
        house.owner.patch(path(house, second), {"name": "One", "metadata": {"a": 1}, "actions": [WAIT_LONGER]}),
    ):
        assert (answer.status, answer.error) == (409, "WORKFLOW_ALREADY_EXISTS")
        assert "'One'" in answer.json["message"]
    assert stored(second) == before
    assert [create(house, name=name)["name"] for name in ("one", "Three", "Óne")] == ["one", "Three", "Óne"]
    assert house.owner.delete(path(house, first)).status == 200
    assert house.owner.patch(path(house, second), {"name": "One"}).status == 200


CHANGES: dict[str, tuple[dict[str, Any], int]] = {
    "nothing": ({}, 1),
    "its name": ({"name": "Other"}, 1),
    "its metadata": ({"metadata": {"a": 1}}, 1),
    "its status": ({"status": "ACTIVE"}, 1),
    "the same actions": ({"actions": [WAIT]}, 1),
    "the same actions with their names in another order": ({"actions": [dict(reversed(WAIT.items()))]}, 1),  # type: ignore[union-attr]
    "other actions": ({"actions": [WAIT_LONGER]}, 2),
    "another trigger": ({"trigger": {"type": "form"}}, 2),
    "other variables": ({"variables": {"a": 1}}, 2),
    "a timeout": ({"timeout": 5_000}, 2),
    "everything": ({"name": "Other", "actions": [WAIT_LONGER], "tags": ["x"], "timeout": 1, "status": "ACTIVE"}, 2),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_version_is_made_when_the_definition_changes_and_only_then(house: House, name: str) -> None:
    workflow = create(house)
    change, version = CHANGES[name]

    answer = house.owner.patch(path(house, workflow), change)

    assert answer.status == 200, answer.content
    changed = answer.json["workflow"]
    assert changed == {**workflow, **change, "version": version, "updatedAt": changed["updatedAt"]}
    assert house.owner.get(path(house, workflow)).json["workflow"] == changed
    assert WorkflowVersion.objects.filter(workflow=workflow["id"]).count() == version


def test_parts_of_a_definition_that_are_not_given_stay(house: House) -> None:
    workflow = create(house, variables={"a": 1}, timeout=5_000, trigger={"type": "form"})

    changed = house.owner.patch(path(house, workflow), {"actions": [WAIT_LONGER]}).json["workflow"]

    assert changed["actions"] == [WAIT_LONGER]
    assert [changed[part] for part in ("variables", "timeout", "trigger")] == [{"a": 1}, 5_000, {"type": "form"}]
    back = house.owner.patch(path(house, workflow), {"actions": [WAIT], "timeout": None}).json["workflow"]
    assert (back["timeout"], back["version"]) == (None, 3)


def test_an_earlier_definition_is_its_earlier_version(house: House) -> None:
    workflow = create(house)

    versions = [
        house.owner.patch(path(house, workflow), {"actions": [action]}).json["workflow"]["version"]
        for action in (WAIT_LONGER, WAIT, WAIT_LONGER)
    ]

    assert versions == [2, 1, 2]


def test_a_change_of_several_fields_is_all_or_nothing(house: House) -> None:
    workflow = create(house, status="ACTIVE")
    before = stored(workflow)
    whole = {"name": "Other", "description": "x", "tags": ["x"], "metadata": {"x": 1}, "actions": [WAIT_LONGER]}

    for wrong, status in (
        ({"status": "DRAFT"}, 409),
        ({"timeout": -1}, 400),
        ({"variables": {"x": "{{"}, "trigger": {"type": ""}}, 400),
        ({"metadata": {"x": "\x00"}}, 400),
    ):
        assert house.owner.patch(path(house, workflow), {**whole, **wrong}).status == status
        assert stored(workflow) == before


STATUSES = {
    ("activate", "DRAFT"): "ACTIVE",
    ("activate", "INACTIVE"): "ACTIVE",
    ("activate", "ACTIVE"): "ACTIVE",
    ("deactivate", "ACTIVE"): "INACTIVE",
    ("deactivate", "INACTIVE"): "INACTIVE",
    ("archive", "DRAFT"): "ARCHIVED",
    ("archive", "ACTIVE"): "ARCHIVED",
    ("archive", "INACTIVE"): "ARCHIVED",
    ("archive", "ARCHIVED"): "ARCHIVED",
}
VERBS: dict[str, Callable[[House, str], Any]] = {
    "activate": lambda house, path: house.owner.post(f"{path}/activate"),
    "deactivate": lambda house, path: house.owner.post(f"{path}/deactivate"),
    "archive": lambda house, path: house.owner.delete(path),
}


@pytest.mark.parametrize("status", WorkflowStatus.values)
@pytest.mark.parametrize("verb", VERBS)
def test_a_status_leads_to_the_next_or_is_409(house: House, verb: str, status: str) -> None:
    workflow = WorkflowFactory.create(workspace=house.workspace, status=status)
    expected = STATUSES.get((verb, status))

    answer = VERBS[verb](house, f"{house.path}/workflows/{workflow.pk}")

    if expected:
        assert (answer.status, answer.json["workflow"]["status"]) == (200, expected)
    else:
        assert (answer.status, answer.error) == (409, "WORKFLOW_STATUS_NOT_ALLOWED")
        assert status in answer.json["message"]
    workflow.refresh_from_db()
    assert workflow.status == (expected or status)


def test_an_archived_workflow_is_read_and_not_changed(house: House) -> None:
    workflow = create(house)
    assert house.owner.delete(path(house, workflow)).json["workflow"]["status"] == "ARCHIVED"
    before = stored(workflow)

    for body in ({"name": "Other"}, {"status": "ACTIVE"}, {"actions": [WAIT_LONGER]}):
        answer = house.owner.patch(path(house, workflow), body)
        assert (answer.status, answer.error) == (409, "WORKFLOW_STATUS_NOT_ALLOWED")
    started = house.owner.post(f"{path(house, workflow)}/execute")
    assert (started.status, started.error) == (400, "WORKFLOW_INACTIVE")
    assert house.owner.get(path(house, workflow)).status == 200
    assert stored(workflow) == before


def test_the_types_of_actions_come_with_their_schemas(house: House) -> None:
    types = house.stranger.get("action-types").json["actionTypes"]

    assert [each["type"] for each in types] == sorted(registry.ACTIONS)
    for each in types:
        assert set(each) == {"type", "description", "transactional", "schema"}
        assert each["description"] or each["type"].startswith("test_")
        assert each["schema"]["type"] == "object"
    transactional = {each["type"] for each in types if each["transactional"]}
    assert {"create_task", "send_notification"} <= transactional
    assert house.stranger.get("definition-schema").json["properties"]["actions"]["minItems"] == 1
