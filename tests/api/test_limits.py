"""How many may run at once, and how long what ended is kept: read by all members, set by those who administer."""

from typing import Any

import pytest

from tests.api.house import House
from tests.factories import definition
from workflows.models import Workflow, WorkflowVersion

pytestmark = pytest.mark.django_db

LIMITS = {"maxRunning": None, "retentionDays": None, "retentionCount": None}
WRONG_NUMBERS: list[Any] = [-1, 1.5, "5", True, [], {}, 2_147_483_648, 10**30]


def limits(house: House) -> dict[str, Any]:
    workspace = house.guest.get(house.path).json["workspace"]
    return {name: workspace[name] for name in LIMITS}


def test_a_workspace_has_none_of_its_own_at_first(house: House) -> None:
    assert limits(house) == LIMITS


def test_what_is_given_is_set_and_the_rest_stays(house: House) -> None:
    answer = house.admin.patch(house.path, {"maxRunning": 10, "retentionDays": 90, "retentionCount": 0})
    assert (answer.status, answer.json["workspace"]["maxRunning"]) == (200, 10)

    answer = house.admin.patch(house.path, {"retentionDays": None})

    assert answer.json["workspace"] | {"role": "GUEST"} == house.guest.get(house.path).json["workspace"]
    assert limits(house) == {"maxRunning": 10, "retentionDays": None, "retentionCount": 0}
    assert house.admin.patch(house.path, {}).status == 200
    [listed] = house.guest.get("workspaces").json["workspaces"]
    assert {name: listed[name] for name in LIMITS} == limits(house)


@pytest.mark.parametrize("value", WRONG_NUMBERS)
@pytest.mark.parametrize("field", LIMITS)
def test_what_is_no_limit_is_refused_by_name(house: House, field: str, value: Any) -> None:
    before = limits(house)

    answer = house.owner.patch(house.path, {field: value})

    assert (answer.status, answer.error) == (400, "VALIDATION_ERROR")
    assert list(answer.json["errors"]) == [field]
    assert limits(house) == before


def test_none_at_all_may_not_run_and_other_fields_are_not_for_here(house: House) -> None:
    assert list(house.owner.patch(house.path, {"maxRunning": 0}).json["errors"]) == ["maxRunning"]
    assert list(house.owner.patch(house.path, {"slug": "other"}).json["errors"]) == ["slug"]
    assert limits(house) == LIMITS


def test_a_workflow_has_a_limit_that_makes_no_version(house: House) -> None:
    path = f"{house.path}/workflows"
    made = house.admin.post(path, {"name": "Limited", "maxRunning": 2, **definition()}).json["workflow"]
    assert (made["maxRunning"], made["version"]) == (2, 1)

    for wished in (7, None, 1):
        changed = house.admin.patch(f"{path}/{made['id']}", {"maxRunning": wished}).json["workflow"]
        assert (changed["maxRunning"], changed["version"]) == (wished, 1)
    assert house.admin.patch(f"{path}/{made['id']}", {"name": "Other"}).json["workflow"]["maxRunning"] == 1

    assert house.guest.get(f"{path}/{made['id']}").json["workflow"]["maxRunning"] == 1
    assert WorkflowVersion.objects.filter(workflow=made["id"]).count() == 1


@pytest.mark.parametrize("value", [0, *WRONG_NUMBERS])
def test_a_workflows_is_refused_by_name_too(house: House, value: Any) -> None:
    made = house.admin.post(f"{house.path}/workflows", {"name": "Limited", "maxRunning": value, **definition()})
    changed = house.admin.patch(f"{house.path}/workflows/{house.workflow.pk}", {"maxRunning": value})

    for answer in (made, changed):
        assert (answer.status, list(answer.json["errors"])) == (400, ["maxRunning"])
    assert Workflow.objects.get().max_running is None
