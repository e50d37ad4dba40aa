"""`docs/getting-started.md` is lived through as it stands: typed into a shell beside a server, and in Django."""

import json
import re
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from executions.models import Execution
from tests.docs import terminal
from tests.docs.answers import faults, is_text, shown_json
from tests.docs.commands import MANAGE, own_options, shown
from tests.docs.pages import DOCS, ROOT, blocks, codes, executed, read, rows, section
from tests.executions.programs.children import database_url
from tests.factories import MembershipFactory, UserFactory, WorkspaceFactory
from workflows.models import Workflow
from workspaces.models import Task

PAGE = DOCS / "getting-started.md"
STEP = re.compile(r"^```(sh|json answer|text answer)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_what_is_typed_gives_what_is_shown(tmp_path: Path) -> None:
    """The page, and then what the README and the API's page show; the demo and a server are real."""
    place = terminal.checkout(tmp_path)
    (place / "hello.json").write_text(blocks(PAGE, "json workflow")[0])
    steps = [step for page in (PAGE, ROOT / "README.md", DOCS / "api.md") for step in steps_of(page)]

    printed = terminal.typed([command for command, _, _ in steps], place=place, database_url=database_url())

    assert sum(kind != "" for _, kind, _ in steps) > 15
    for (command, kind, answer), output in zip(steps, printed, strict=True):
        assert_shown(kind, answer, output, command)
    assert not Task.objects.filter(title="Hello, Emmy").exists(), "it was cancelled"


def steps_of(page: Path) -> list[tuple[str, str, str]]:
    """What to type, what kind of answer is shown for it (none: ""), and the answer."""
    steps: list[tuple[str, str, str]] = []
    for kind, text in STEP.findall(read(page)):
        if kind != "sh":
            command, nothing, _ = steps.pop()
            assert not nothing, f"two answers to {command}"
            steps.append((command, kind, text))
        elif page == PAGE or "curl" in text or "api " in text:
            steps.append((text, "", ""))
    return steps


def assert_shown(kind: str, answer: str, output: str, command: str) -> None:
    if kind == "json answer":
        found = list(faults(shown_json(answer), json.loads(output.splitlines()[-1])))
        assert found == [], f"{command}\n{output}"
    elif kind == "text answer":
        assert is_text(answer, output), f"{command}\n{output}"


@pytest.fixture
def hello(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the page, in the directory where the commands are typed, beside what the demo has made."""
    workspace = WorkspaceFactory.create(slug="demo")
    MembershipFactory.create(workspace=workspace, user=UserFactory.create(username="ada"))
    monkeypatch.chdir(tmp_path)
    (source,) = blocks(PAGE, "json workflow")
    assert '"nap": 1}' in source
    file = tmp_path / "hello.json"
    file.write_text(source.replace('"nap": 1}', '"nap": 0.1}'))
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
    misspelt = hello.read_text().replace('"assignee"', '"asignee"').replace("{{ trigger.name", "{{ tigger.name")
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
    table = rows(section(PAGE, "## On the command line"), "add", "and it")

    assert {code.split()[0] for row in table for code in codes(row["add"])} == own_options("run_workflow")
