"""Creating and changing workflows: their fields, names, statuses, and what is refused."""

from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError

from tests.factories import UserFactory, WorkflowFactory, WorkspaceFactory, definition
from tests.workflows.test_versions import numbers, waiting
from workflows import services
from workflows.definition import DefinitionInvalid
from workflows.models import Workflow, WorkflowStatus, WorkflowVersion
from workflows.services import NameTaken, StatusNotAllowed

pytestmark = pytest.mark.django_db


def test_it_creates_a_workflow_with_its_first_version() -> None:
    user, workspace = UserFactory.create(), WorkspaceFactory.create()

    workflow = services.create(
        workspace=workspace, name="Orders", definition=definition(), description="Long", tags=["b", "a"],
        metadata={"z": 1, "y": 2}, created_by=user,
    )  # fmt: skip

    saved = Workflow.objects.get(pk=workflow.pk)
    assert (saved.name, saved.description, saved.status, saved.tags) == ("Orders", "Long", "DRAFT", ["b", "a"])
    assert list(saved.metadata) == ["z", "y"]
    assert saved.created_by == user
    assert saved.version is not None
    assert (saved.version.number, saved.version.created_by) == (1, user)
    assert saved.version.definition["actions"][0]["id"] == "action-1"


def test_it_changes_what_is_given_and_nothing_else() -> None:
    workflow = WorkflowFactory.create(description="Long", tags=["a"], metadata={"a": 1})
    Workflow.objects.filter(pk=workflow.pk).update(execution_count=7)

    changed = services.change(workflow=workflow, name="Other", description="")

    assert changed is workflow
    saved = Workflow.objects.get(pk=workflow.pk)
    assert (saved.name, saved.description, saved.tags, saved.metadata) == ("Other", "", ["a"], {"a": 1})
    assert saved.execution_count == changed.execution_count == 7
    assert numbers(workflow) == [1]


INVALID_FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "name"),
    ({"name": "x" * 201}, "name"),
    ({"name": "a\x00"}, "name"),
    ({"name": "\ud800"}, "name"),
    ({"name": 5}, "name"),
    ({"description": "\x00"}, "description"),
    ({"description": "\udfff"}, "description"),
    ({"description": "x" * 2**20}, "description"),
    ({"tags": "a"}, "tags"),
    ({"tags": {"a": 1}}, "tags"),
    ({"tags": ["a", 1]}, "tags"),
    ({"tags": ["a", "\x00"]}, "tags[1]"),
    ({"metadata": ["a"]}, "metadata"),
    ({"metadata": "a"}, "metadata"),
    ({"metadata": {"a": {1}}}, "metadata.a"),
    ({"metadata": {"a": float("nan")}}, "metadata.a"),
]


@pytest.mark.parametrize(("fields", "path"), INVALID_FIELDS)
def test_it_refuses_fields_that_cannot_be_kept(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(ValidationError) as raised:
        WorkflowFactory.create(**fields)

    assert list(raised.value.message_dict) == [path]
    assert not Workflow.objects.exists()
    assert not WorkflowVersion.objects.exists()


@pytest.mark.parametrize(("fields", "path"), INVALID_FIELDS)
def test_a_change_that_is_refused_changes_nothing(fields: dict[str, Any], path: str) -> None:
    workflow = WorkflowFactory.create(definition=waiting(1))
    before = Workflow.objects.values().get(pk=workflow.pk)

    with pytest.raises(ValidationError) as raised:
        services.change(**{"workflow": workflow, "tags": ["new"], "definition": waiting(2), **fields})

    assert list(raised.value.message_dict) == [path]
    assert Workflow.objects.values().get(pk=workflow.pk) == before
    assert numbers(workflow) == [1]
    assert (workflow.name, workflow.tags) == (before["name"], [])


def test_it_tells_all_faulty_fields_at_once() -> None:
    with pytest.raises(ValidationError) as raised:
        WorkflowFactory.create(name="", description="\x00", tags=5, status="ASLEEP")

    assert raised.value.message_dict.keys() == {"name", "description", "tags", "status"}


def test_an_invalid_definition_leaves_nothing_behind() -> None:
    workspace = WorkspaceFactory.create()
    with pytest.raises(DefinitionInvalid, match="Unknown action type"):
        services.create(workspace=workspace, name="Orders", definition={"actions": [{"type": "x"}]})

    workflow = WorkflowFactory.create()
    with pytest.raises(DefinitionInvalid):
        services.change(workflow=workflow, name="Other", definition={"actions": []})

    assert Workflow.objects.get().name == workflow.name != "Other"


def test_a_fault_behind_the_first_write_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    workflow = WorkflowFactory.create(definition=waiting(1))
    monkeypatch.setattr(services, "_use", _out_of_order)

    with pytest.raises(RuntimeError):
        services.change(workflow=workflow, name="Other", definition=waiting(2))
    with pytest.raises(RuntimeError):
        WorkflowFactory.create(name="New")

    assert Workflow.objects.get().name == workflow.name != "Other"


def _out_of_order(*_: object) -> None:
    raise RuntimeError


def test_a_name_is_free_once_in_a_workspace() -> None:
    workflow = WorkflowFactory.create(name="Orders")
    other = WorkflowFactory.create(workspace=workflow.workspace, name="Bills")
    WorkflowFactory.create(name="Orders")

    with pytest.raises(NameTaken, match="has a workflow named 'Orders' already"):
        WorkflowFactory.create(workspace=workflow.workspace, name="Orders")
    with pytest.raises(NameTaken):
        services.change(workflow=other, name="Orders", definition=waiting(9))

    assert Workflow.objects.get(pk=other.pk).name == other.name == "Bills"
    assert numbers(other) == [1]


def test_archiving_frees_the_name() -> None:
    workflow = WorkflowFactory.create(name="Orders")
    services.set_status(workflow=workflow, status=WorkflowStatus.ARCHIVED)

    successor = WorkflowFactory.create(workspace=workflow.workspace, name="Orders")

    assert list(Workflow.objects.addressed_by("Orders")) == [successor]
    assert list(Workflow.objects.addressed_by(str(workflow.pk))) == [workflow]


def test_a_workflow_is_addressed_by_id_or_by_name_even_one_like_an_id() -> None:
    like_an_id = WorkflowFactory.create(name=str(uuid4()))

    assert list(Workflow.objects.addressed_by(like_an_id.name)) == [like_an_id]
    assert not Workflow.objects.addressed_by(str(uuid4()))
    assert not Workflow.objects.addressed_by("")


D, A, I, X = WorkflowStatus.DRAFT, WorkflowStatus.ACTIVE, WorkflowStatus.INACTIVE, WorkflowStatus.ARCHIVED  # noqa: E741 (as in the table of what leads where)
ALLOWED = {(D, D), (D, A), (I, A), (A, A), (A, I), (I, I), *((status, X) for status in WorkflowStatus)}


@pytest.mark.parametrize("current_status", WorkflowStatus)
@pytest.mark.parametrize("wished", WorkflowStatus)
def test_statuses_lead_where_they_may(current_status: WorkflowStatus, wished: WorkflowStatus) -> None:
    workflow = WorkflowFactory.create()
    Workflow.objects.filter(pk=workflow.pk).update(status=current_status)

    if (current_status, wished) in ALLOWED:
        assert services.set_status(workflow=workflow, status=wished).status == wished
    else:
        with pytest.raises(StatusNotAllowed, match=rf"that is {current_status} can't become {wished}; (only|none)"):
            services.set_status(workflow=workflow, status=wished)
    kept = wished if (current_status, wished) in ALLOWED else current_status
    assert Workflow.objects.get(pk=workflow.pk).status == kept


def test_an_archived_workflow_is_not_changed() -> None:
    workflow = WorkflowFactory.create()
    services.set_status(workflow=workflow, status=X)

    with pytest.raises(StatusNotAllowed, match="create another one"):
        services.change(workflow=workflow, name="Other")
