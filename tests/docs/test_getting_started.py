"""`docs/getting-started.md` is lived through as it stands, save that nobody sleeps for ten seconds."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from executions.models import Execution
from tests.docs.commands import MANAGE, own_options, shown
from tests.docs.pages import DOCS, blocks, codes, executed, rows, section
from tests.factories import MembershipFactory, UserFactory, WorkspaceFactory
from workflows.models import Workflow
from workspaces.models import Task

PAGE = DOCS / "getting-started.md"


@pytest.fixture
def hello(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the page, in the directory where the commands are typed, beside what the demo has made."""
    workspace = WorkspaceFactory.create(slug="demo")
    MembershipFactory.create(workspace=workspace, user=UserFactory.create(username="ada"))
    monkeypatch.chdir(tmp_path)
    (source,) = blocks(PAGE, "json workflow")
    assert '"seconds": 10' in source
    file = tmp_path / "hello.json"
    file.write_text(source.replace('"seconds": 10', '"seconds": 0.1'))
    return file


def typed(command: str) -> None:
    """Types the page's one command of that name."""
    (words,) = [line[2:] for line in shown(PAGE) if line[:3] == [*MANAGE, command]]
    call_command(*words)


@pytest.mark.django_db(transaction=True)
def test_the_commands_and_the_code_work_one_after_another(hello: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed("save_workflow")
    typed("run_workflow")
    assert "✔ COMPLETED" in capsys.readouterr().out

    executed(PAGE, "python runs")

    ended = Execution.objects.order_by("created_at").values_list("status", flat=True)
    assert list(ended) == ["COMPLETED", "COMPLETED", "CANCELLED"]
    assert list(Task.objects.values_list("title", flat=True)) == ["Hello, World"] * 2
    assert Workflow.objects.get(name="Checklist").status == "ACTIVE"


@pytest.mark.django_db(transaction=True)
def test_the_faults_are_told_in_the_words_of_the_page(hello: Path) -> None:
    misspelt = hello.read_text().replace('"seconds"', '"secs"').replace("{{ trigger.name", "{{ tigger.name")
    hello.write_text(misspelt)
    (shown,) = [block for block in blocks(PAGE, "text") if block.startswith("CommandError: ")]

    with pytest.raises(CommandError) as error:
        call_command("save_workflow", "demo", "hello.json")

    assert f"CommandError: {error.value}".split() == shown.split()


@pytest.mark.django_db(transaction=True)
def test_a_dry_run_makes_no_task(hello: Path) -> None:
    call_command("save_workflow", "demo", "hello.json", "--activate")

    call_command("run_workflow", "demo", "Hello", "--data", '{"name": "World"}', "--dry-run")

    assert not Task.objects.exists()


def test_every_option_of_run_workflow_is_in_the_table() -> None:
    table = rows(section(PAGE, "## Ways to run it"), "add", "and it")

    assert {code.split()[0] for row in table for code in codes(row["add"])} == own_options("run_workflow")
