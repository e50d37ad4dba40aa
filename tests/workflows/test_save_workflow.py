"""`manage.py save_workflow`: from a file to a workflow, or to every fault of it."""

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.factories import WorkspaceFactory
from workflows.documents import Json
from workflows.models import Workflow

pytestmark = pytest.mark.django_db


def saved(folder: Path, document: Json, *options: str) -> str:
    slug = WorkspaceFactory.create().slug
    file = folder / "workflow.json"
    file.write_text(json.dumps(document))
    call_command("save_workflow", slug, str(file), *options)
    return slug


WAIT: Json = {"type": "wait", "config": {"seconds": 1}}


def test_it_saves_and_activates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved(tmp_path, {"name": "Nap", "tags": ["rest"], "actions": [WAIT]}, "--activate")

    workflow = Workflow.objects.get(name="Nap")
    assert (workflow.status, workflow.tags) == ("ACTIVE", ["rest"])
    assert "Nap: version 1, ACTIVE" in capsys.readouterr().out


def test_saving_again_changes_the_one_with_that_name(tmp_path: Path) -> None:
    slug = saved(tmp_path, {"name": "Nap", "actions": [WAIT]})
    (tmp_path / "workflow.json").write_text(json.dumps({"name": "Nap", "actions": [WAIT, WAIT]}))

    call_command("save_workflow", slug, str(tmp_path / "workflow.json"))

    workflow = Workflow.objects.get()
    assert workflow.version is not None
    assert workflow.version.number == 2


def test_it_says_every_fault_at_its_path(tmp_path: Path) -> None:
    broken: Json = {"name": "Broken", "actions": [{"type": "wiat"}, {"type": "wait", "config": {"seconds": "x"}}]}

    with pytest.raises(CommandError) as refused:
        saved(tmp_path, broken)

    assert "actions[0].type" in str(refused.value)
    assert "actions[1].config.seconds" in str(refused.value)
    assert not Workflow.objects.exists()


def test_a_file_that_cannot_be_read_is_said_in_a_sentence() -> None:
    with pytest.raises(CommandError, match=r"^Can't read 'nosuch\.json': No such file or directory\.$"):
        call_command("save_workflow", WorkspaceFactory.create().slug, "nosuch.json")


@pytest.mark.parametrize("text", ["{", "[]", '"text"'])
def test_what_is_no_workflow_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "workflow.json"
    file.write_text(text)

    with pytest.raises(CommandError, match=r"workflow\.json"):
        call_command("save_workflow", WorkspaceFactory.create().slug, str(file))
