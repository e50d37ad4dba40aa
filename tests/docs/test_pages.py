"""The documentation's examples work, its links lead somewhere, its tables are complete."""

import json
import re
from pathlib import Path

import pytest
from django.core.management import call_command, get_commands

from executions import services
from executions.models import Execution
from tests.factories import MembershipFactory, UserFactory, WorkflowFactory, WorkspaceFactory, definition
from workflows.actions import registry
from workflows.definition import parse
from workflows.documents import Json
from workflows.management.commands.save_workflow import FIELDS
from workflows.models import Workflow

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
GETTING_STARTED = ROOT / "docs" / "getting-started.md"


def blocks(page: Path, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def workflows_in(page: Path) -> list[dict[str, Json]]:
    return [json.loads(block) for block in blocks(page, "json workflow")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_workflow_shown_can_be_saved(page: Path) -> None:
    for document in workflows_in(page):
        assert parse({name: value for name, value in document.items() if name not in FIELDS}).actions


def test_there_are_workflows_to_check() -> None:
    assert sum(len(workflows_in(page)) for page in PAGES) >= 2


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_shown_exists(page: Path) -> None:
    shell = "\n".join(blocks(page, "sh"))
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))

    assert set(re.findall(r"^make ([a-z]+)", shell, flags=re.MULTILINE)) <= targets
    assert set(re.findall(r"manage\.py ([a-z_]+)", shell)) <= set(get_commands())


def test_every_environment_variable_is_in_the_table() -> None:
    reading = r'(?:read\(\s*env\.\w+,\s*|env\.\w+\(\s*|database\(\s*|mailer\(\s*)"([A-Z_]+)"'
    variables = set(re.findall(reading, (ROOT / "config" / "settings.py").read_text()))
    assert {"DATABASE_URL", "LEASE_SECONDS", "EMAIL_URL"} <= variables

    table = set(re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs" / "operations.md").read_text(), flags=re.MULTILINE))

    assert table == variables


def test_every_action_type_and_its_config_is_described() -> None:
    page = (ROOT / "docs" / "actions.md").read_text(encoding="utf-8")
    for name in ("call_api", "condition", "create_task", "send_notification", "wait"):
        section = page.split(f"### `{name}`")[1].split("\n## ")[0]
        for field in registry.find(name).json_schema()["properties"]:
            assert f"`{field}`" in section or f'"{field}"' in section or name == "condition", f"{name}.{field}"


@pytest.mark.django_db(transaction=True)
def test_the_custom_handler_runs_as_it_stands() -> None:
    (source,) = blocks(ROOT / "docs" / "actions.md", "python handler")
    exec(compile(source, "actions.md", "exec"), {"__name__": "actions_page"})
    steps: Json = {"type": "shout", "config": {"text": "{{ trigger.name }}", "times": 3}}
    workflow = WorkflowFactory.create(definition=definition(steps))

    said = services.run(execution=services.start(workflow=workflow, trigger_data={"name": "hey"}))
    silent = services.run(execution=services.start(workflow=workflow, trigger_data={"name": "silence"}))

    assert said.steps.get().output == {"shouted": "HEY!!!"}
    assert silent.steps.get().error["code"] == "NOTHING_TO_SHOUT"


@pytest.mark.django_db(transaction=True)
def test_getting_started_works_as_it_stands(tmp_path: Path) -> None:
    workspace = WorkspaceFactory.create(slug="demo")
    MembershipFactory.create(workspace=workspace, user=UserFactory.create(username="ada"))
    (tmp_path / "hello.json").write_text(blocks(GETTING_STARTED, "json workflow")[0])
    call_command("save_workflow", "demo", str(tmp_path / "hello.json"), "--activate")
    hello = Workflow.objects.get(name="Hello")
    services.run(execution=services.start(workflow=hello, trigger_data={"name": "World"}))

    page: dict[str, object] = {"__name__": "page"}
    for source in blocks(GETTING_STARTED, "python runs"):
        exec(compile(source, "getting-started.md", "exec"), page)

    assert list(Execution.objects.order_by("created_at").values_list("status", flat=True)) == [
        "COMPLETED",
        "COMPLETED",
        "CANCELLED",
    ]
    assert Workflow.objects.get(name="Checklist").status == "ACTIVE"


@pytest.mark.parametrize(
    "expression",
    ["size(trigger.x) == 1", 'trigger.x.startsWith("a")', "has(trigger.y)", 'lower("A") + upper("a") + trim(" a ")'],
)
def test_the_functions_named_are_there(expression: str) -> None:
    task: Json = {"id": "a", "type": "create_task", "config": {"title": f"{{{{ string({expression}) }}}}"}}

    assert parse(definition(task)).actions
