"""Versions of a definition: when there is a new one, how they are numbered, and that they never change."""

import threading
from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, connections

from tests.factories import UserFactory, WorkflowFactory, WorkspaceFactory, definition
from workflows import services
from workflows.definition import DefinitionInvalid
from workflows.documents import Json
from workflows.models import Workflow, WorkflowStatus, WorkflowVersion

pytestmark = pytest.mark.django_db


def waiting(ms: int) -> dict[str, Json]:
    return definition({"id": "a", "type": "wait", "config": {"durationMs": ms}})


def numbers(workflow: Workflow) -> list[int]:
    return sorted(workflow.versions.values_list("number", flat=True))


def current(workflow: Workflow) -> int:
    version = Workflow.objects.select_related("version").get(pk=workflow.pk).version
    assert version is not None
    return version.number


def test_another_definition_makes_a_version_and_keeps_the_earlier_ones() -> None:
    user, workflow = UserFactory.create(), WorkflowFactory.create(definition=waiting(1))

    changed = services.change(workflow=workflow, definition=waiting(2), changed_by=user)

    assert numbers(workflow) == [1, 2]
    assert changed.version is not None
    assert (changed.version.number, changed.version.created_by) == (2, user)
    first, second = workflow.versions.order_by("number")
    assert (first.definition, second.definition) == (waiting(1), waiting(2))


def test_equal_content_makes_no_version_whatever_the_order_of_its_keys() -> None:
    document: dict[str, Json] = {"variables": {"a": 1, "b": [1, 2]}, **waiting(1), "timeout": 5}
    workflow = WorkflowFactory.create(definition=document)

    for keys in permutations(document):
        services.change(workflow=workflow, definition={key: document[key] for key in keys})
    services.change(workflow=workflow, definition={**document, "variables": {"b": [1, 2], "a": 1}})

    assert numbers(workflow) == [1]


@pytest.mark.parametrize("other", [{"a": [2, 1]}, {"a": [1, 2, None]}, {"a": ["1", 2]}, {"a": [1, 2], "b": None}, {}])
def test_other_content_is_another_version(other: Json) -> None:
    workflow = WorkflowFactory.create(definition={**waiting(1), "variables": {"a": [1, 2]}})

    services.change(workflow=workflow, definition={**waiting(1), "variables": other})

    assert numbers(workflow) == [1, 2]


def test_going_back_to_an_earlier_content_points_back_to_its_version() -> None:
    workflow = WorkflowFactory.create(definition=waiting(1))
    services.change(workflow=workflow, definition=waiting(2))

    services.change(workflow=workflow, definition=waiting(1))

    assert current(workflow) == 1
    assert numbers(workflow) == [1, 2]


def test_left_out_ids_make_the_same_version_as_the_ones_filled_in() -> None:
    workflow = WorkflowFactory.create(definition={"actions": [{"type": "wait", "config": {"seconds": 1}}]})

    services.change(
        workflow=workflow,
        definition={"actions": [{"id": "action-1", "type": "wait", "config": {"seconds": 1}}]},
    )

    assert numbers(workflow) == [1]


def test_workflows_number_their_versions_each_for_itself() -> None:
    one, other = WorkflowFactory.create(definition=waiting(1)), WorkflowFactory.create(definition=waiting(1))

    services.change(workflow=one, definition=waiting(2))

    assert (numbers(one), numbers(other)) == ([1, 2], [1])


def test_no_change_of_a_workflow_changes_a_version() -> None:
    workflow = WorkflowFactory.create(definition=waiting(1))
    before = list(WorkflowVersion.objects.values())

    services.change(workflow=workflow, name="Other", tags=["x"], definition=waiting(2))
    services.set_status(workflow=workflow, status=WorkflowStatus.ARCHIVED)

    assert list(WorkflowVersion.objects.filter(number=1).values()) == before


# Its trigger


def triggered(**trigger: Json) -> dict[str, Json]:
    return {**waiting(1), "trigger": trigger}


def trigger_type(workflow: Workflow) -> str:
    return Workflow.objects.values_list("trigger_type", flat=True).get(pk=workflow.pk)


@pytest.mark.parametrize(
    ("document", "type_"),
    [
        (waiting(1), "manual"),
        (triggered(), "manual"),
        (triggered(type="webhook", path="/orders"), "webhook"),
        (triggered(type="x" * 64), "x" * 64),
    ],
)
def test_a_workflow_has_the_type_of_its_definitions_trigger(document: dict[str, Json], type_: str) -> None:
    workflow = WorkflowFactory.create(definition=document)

    assert workflow.trigger_type == trigger_type(workflow) == type_


def test_it_changes_with_the_version_that_is_current() -> None:
    workflow = WorkflowFactory.create(definition=triggered(type="webhook"))
    types = []
    for document in (triggered(type="schedule"), waiting(1), triggered(type="webhook")):
        changed = services.change(workflow=workflow, definition=document)
        assert changed.trigger_type == trigger_type(workflow)
        types.append(changed.trigger_type)

    assert types == ["schedule", "manual", "webhook"], "also back to an earlier version"


def test_other_changes_leave_it() -> None:
    workflow = WorkflowFactory.create(definition=triggered(type="webhook"))

    services.change(workflow=workflow, name="Other")
    services.set_status(workflow=workflow, status=WorkflowStatus.INACTIVE)
    with pytest.raises(DefinitionInvalid):
        services.change(workflow=workflow, definition={"trigger": {"type": "schedule"}, "actions": []})
    with pytest.raises(ValidationError):
        services.change(workflow=workflow, name="", definition=triggered(type="schedule"))

    assert trigger_type(workflow) == "webhook"


def test_a_definition_is_read_once(django_assert_num_queries: Callable[[int], Any]) -> None:
    workflow = WorkflowFactory.create(definition=waiting(5))
    assert workflow.version_id is not None
    first = services.definition_of(workflow.version_id)

    with django_assert_num_queries(0):
        assert services.definition_of(workflow.version_id) is first


def at_once(*works: Callable[[], object]) -> list[object]:
    """What each of them gives or raises, all begun at the same time on connections of their own."""
    barrier, outcomes = threading.Barrier(len(works)), [None] * len(works)

    def perform(place: int, work: Callable[[], Any]) -> None:
        barrier.wait(10)
        try:
            outcomes[place] = work()
        except Exception as error:  # noqa: BLE001 (it is what the test looks at)
            outcomes[place] = error  # type: ignore[call-overload]
        finally:
            connections.close_all()

    threads = [threading.Thread(target=perform, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return list(outcomes)


@pytest.mark.django_db(transaction=True)
def test_versions_are_numbered_without_a_gap_when_many_change_at_once() -> None:
    workflow = WorkflowFactory.create(definition=waiting(0))

    outcomes = at_once(
        *(
            lambda ms=ms: services.change(workflow=Workflow.objects.get(pk=workflow.pk), definition=waiting(ms))
            for ms in range(1, 9)
        )
    )

    assert [error for error in outcomes if isinstance(error, Exception)] == []
    assert numbers(workflow) == list(range(1, 10))


@pytest.mark.django_db(transaction=True)
def test_one_of_many_that_are_created_at_once_gets_the_name() -> None:
    workspace = WorkspaceFactory.create()

    outcomes = at_once(*[lambda: WorkflowFactory.create(workspace=workspace, name="Orders")] * 6)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NameTaken"] * 5 + ["Workflow"]
    assert Workflow.objects.count() == WorkflowVersion.objects.count() == 1


@pytest.mark.postgresql
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer, which hides the race")
@pytest.mark.django_db(transaction=True)
def test_without_the_lock_the_numbers_collide(monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin of the race above: it shows that the test sees what the locked row prevents."""
    workflow = WorkflowFactory.create(definition=waiting(0))
    monkeypatch.setattr(type(Workflow.objects.all()), "select_for_update", lambda self: self)
    monkeypatch.setattr(services, "_save", lambda *_, **__: None)  # its UPDATE locks the row too

    outcomes = at_once(
        *(
            lambda ms=ms: services.change(workflow=Workflow.objects.get(pk=workflow.pk), definition=waiting(ms))
            for ms in range(1, 17)
        )
    )

    assert any(isinstance(outcome, Exception) for outcome in outcomes)
