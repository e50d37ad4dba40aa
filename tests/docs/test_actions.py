"""What `docs/actions.md` says of configs, outputs and handlers is so, and its handlers run as they stand."""

import dataclasses
import inspect
import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from executions import services
from executions.models import Execution
from tests.config.processes import environment
from tests.docs import terminal
from tests.docs.pages import DOCS, blocks, codes, rows, section
from tests.factories import MembershipFactory, UserFactory, WorkflowFactory, WorkspaceFactory, definition
from tests.workflows.http_server import replying, serving
from workflows.actions import registry
from workflows.actions.context import ActionContext
from workflows.documents import Json
from workspaces import secrets
from workspaces.models import Task, Workspace

PAGE = DOCS / "actions.md"
BUILT_IN = ("call_api", "condition", "create_task", "send_notification", "wait")
TRIGGER: Json = {"number": "A-7", "total": 1250, "customer": "emmy", "cents": 700}


def shown(name: str, kind: str) -> Any:
    """The example `action` or `output` in the section of a built-in action."""
    (block,) = [block for block in blocks(PAGE, f"json {kind}") if block in section(PAGE, f"### {name}")]
    return json.loads(block)


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_table_of_a_config_is_its_schema(name: str) -> None:
    schema = registry.find(name).json_schema()
    table = {row["config"].strip("`"): row["default"] for row in config_table(name)}

    assert list(table) == list(schema["properties"])
    for field, described in schema["properties"].items():
        expected = (
            "required" if field in schema.get("required", ()) else f"`{json.dumps(described.get('default', {}))}`"
        )
        assert table[field] == expected, field


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_values_that_a_table_lists_are_all_there_are(name: str) -> None:
    schema = registry.find(name).json_schema()
    for row in config_table(name):
        field = schema["properties"][row["config"].strip("`")]
        choices = field.get("enum") or schema.get("$defs", {}).get(field.get("$ref", "").split("/")[-1], {}).get("enum")
        assert set(choices or ()) <= set(codes(row["what it is"]))


def config_table(name: str) -> list[dict[str, str]]:
    return rows(section(PAGE, f"### {name}"), "config", "default", "what it is")


def test_every_built_in_action_is_described() -> None:
    ours = {name for name, kind in registry.ACTIONS.items() if kind.handler.__module__.startswith("workflows.actions.")}

    assert ours == set(BUILT_IN)


@pytest.fixture
def workspace() -> Workspace:
    made = WorkspaceFactory.create()
    for username in ("ada", "grace"):
        MembershipFactory.create(workspace=made, user=UserFactory.create(username=username))
    secrets.put(workspace=made, name="LEDGER_TOKEN", value="sk-4f0a81c2d9e7")
    return made


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", BUILT_IN)
def test_an_example_gives_the_output_shown(name: str, workspace: Workspace, settings: Settings) -> None:
    with serving(replying(201, b'{"id":"i7"}', content_type="application/json")) as server:
        settings.OUTBOUND_ALLOWED_HOSTS = [server.authority]
        example = json.dumps(shown(name, "action")).replace("ledger.example", server.authority)
        workflow = WorkflowFactory.create(workspace=workspace, definition=definition(json.loads(example)))

        step = ran(workflow).steps.get()

    assert step.status == "success", step.error
    assert shape(step.output) == shape(shown(name, "output"))


def ran(workflow: Any, *, dry_run: bool = False, trigger: Json = TRIGGER) -> Execution:
    execution = services.start(workflow=workflow, trigger_data=trigger, dry_run=dry_run)
    return services.run(execution=execution)


def shape(value: Json) -> Any:
    """Its keys and the types of what it holds, in their order; of headers nothing, since every server has its own."""
    if isinstance(value, dict):
        return {key: "…" if key == "headers" else shape(item) for key, item in value.items()}
    return [shape(item) for item in value] if isinstance(value, list) else type(value).__name__


@pytest.mark.django_db(transaction=True)
def test_the_custom_handler_runs_as_it_stands(handlers: dict[str, Any]) -> None:
    (source,) = blocks(PAGE, "json workflow")
    document = {name: value for name, value in json.loads(source).items() if name != "name"}
    workflow = WorkflowFactory.create(definition=document)

    charged, refused = ran(workflow), ran(workflow, trigger={"customer": "emmy", "cents": 50_001})
    dry = ran(workflow, dry_run=True)

    key = f"{charged.pk}:0"
    assert charged.steps.get().output == {"reference": key, "customer": "emmy"}
    assert charged.steps.get().log[0]["message"].startswith("charged at attempt 1, with ")
    assert handlers["charged"] == {key: 700}
    error = refused.steps.get().error
    assert (refused.status, refused.steps.get().attempt, error["code"]) == ("FAILED", 1, "OVER_LIMIT")
    assert error["details"] == {"limitCents": 50_000}
    assert dry.steps.get().output == {"simulated": True, "wouldSend": {"charge": "emmy", "amountCents": 700}}


def test_an_app_that_is_made_as_shown_has_its_handlers_found(tmp_path: Path) -> None:
    place = terminal.checkout(tmp_path)
    (place / "with_shop.py").write_text('from config.settings import *\n\nINSTALLED_APPS += ["shop"]\n')
    (making,) = [block for block in blocks(PAGE, "sh") if "startapp" in block]

    subprocess.run(shlex.split(making), cwd=place, env=environment(), check=True)
    (place / "shop" / "actions.py").write_text("\n".join(blocks(PAGE, "python handler")))
    asked = "from workflows.actions import registry; print(registry.ACTIONS['charge'].handler.__module__)"
    answer = subprocess.run(
        [".venv/bin/python", "manage.py", "shell", "--verbosity=0", "-c", asked], cwd=place,
        env=environment(DJANGO_SETTINGS_MODULE="with_shop", PYTHONPATH=place), capture_output=True, text=True,
        check=True,
    )  # fmt: skip

    assert answer.stdout.strip() == "shop.actions"


@pytest.mark.django_db(transaction=True)
def test_the_other_handlers_run_too(handlers: dict[str, Any]) -> None:
    actions: list[Json] = [
        {"type": "cool_down", "config": {"seconds": 0.1}},
        {"type": "poll", "config": {}},
        {"type": "open_case", "config": {"title": "A case"}},
        {"type": "sample", "config": {"every": 2**62}},
        {"type": "open_case", "config": {"title": "Another case"}},
    ]

    execution = ran(WorkflowFactory.create(definition=definition(*actions)))

    outputs = [step.output for step in execution.steps.order_by("path")]
    task = Task.objects.get()
    assert outputs == [{"cooled": True}, {"looked": 3}, {"taskId": str(task.pk)}, {"chosen": False}]
    assert (task.title, task.execution_id, execution.status) == ("A case", execution.pk, "COMPLETED")


def test_the_arguments_of_the_decorator_are_all_told() -> None:
    table = rows(section(PAGE, "### What `@action` takes"), "argument", "default", "means")

    assert {codes(row["argument"])[0] for row in table} == set(inspect.signature(registry.action).parameters)


def test_what_the_context_has_is_all_told() -> None:
    table = rows(section(PAGE, "### The context"), "attribute", "is")
    told = {name.split("(")[0] for row in table for name in (*codes(row["attribute"]), *codes(row["is"]))}
    public = {name for name in dir(ActionContext) if not name.startswith("_")}
    fields = {field.name for field in dataclasses.fields(ActionContext)}

    assert (public | fields) - told == {"started", "lines", "first_id", "masker"}, (
        "what the engine keeps there for itself"
    )
