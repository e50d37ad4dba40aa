"""`manage.py run_workflow`: what it says, what it prints as JSON, and how it ends."""

import json
import signal
from collections.abc import Iterator
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from executions.engine import dispatch
from executions.models import Execution
from tests.executions.programs import scene
from tests.executions.programs.children import Child, command, ended, eventually, execution_of, has_ended
from tests.executions.programs.sink import Sink, listening
from workflows import services
from workflows.models import Workflow, WorkflowStatus
from workspaces.models import Task

pytestmark = pytest.mark.django_db(transaction=True)

FAILING: scene.Action = {"name": "Hopeless", "type": "create_task", "config": {"title": "{{ trigger.title }}"}}


@pytest.fixture
def sink() -> Iterator[Sink]:
    with listening() as sink:
        yield sink


def run(*arguments: str) -> tuple[int, str, str]:
    """Its exit status, standard output and standard error, run in this process."""
    output, errors = StringIO(), StringIO()
    try:
        call_command("run_workflow", *arguments, stdout=output, stderr=errors)
    except SystemExit as end:
        return int(str(end.code)), output.getvalue(), errors.getvalue()
    return 0, output.getvalue(), errors.getvalue()


def run_json(*arguments: str) -> tuple[int, Any]:
    status, output, errors = run(*arguments, "--json")
    assert errors == ""
    return status, json.loads(output)


def refusal(*arguments: str) -> str:
    with pytest.raises(CommandError) as refused:
        call_command("run_workflow", *arguments)
    return str(refused.value)


@pytest.fixture
def workflow() -> Workflow:
    """One that notes what it was given."""
    title = "{{ trigger.title }} for {{ variables.reader }}"
    note: scene.Action = {"name": "Note it", "type": "create_task", "config": {"title": title}}
    return scene.workflow("Note", note, scene.wait(0.2), variables={"reader": "ada"})


def test_where_there_is_no_screen_it_prints_a_line_for_each_change_and_one_for_the_end(
    workflow: Workflow, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, _ = run("henge", "Note", "--data", json.dumps({"title": "stone " * 40}))

    title, identity, _, *changes, summary = capsys.readouterr().out.splitlines()
    assert status == 0
    assert title == "Note in henge"
    assert identity == f"execution {execution_of(workflow).pk}"
    assert [line.split("  ")[1].split(",")[0].split(":")[0] for line in changes] == [
        "▶ running", "✔ success", "▶ running", "◷ waiting", "✔ success",
    ]  # fmt: skip
    assert changes[0].startswith("1/2  ▶ running    Note it (create_task)")
    assert summary.startswith("✔ COMPLETED after ")


def test_a_failure_is_said_in_one_line_and_in_the_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    scene.workflow("Doomed", FAILING)

    status, _, _ = run("henge", "Doomed")

    *_, failed, summary = capsys.readouterr().out.splitlines()
    assert status == 1
    assert failed.startswith("1/1  ✘ failed     Hopeless (create_task), ")
    assert "INVALID_EXPRESSION: " in failed
    assert summary.startswith("✘ FAILED after ")


def test_a_timeout_of_the_workflow_is_said_too(capsys: pytest.CaptureFixture[str]) -> None:
    scene.workflow("Slow", scene.wait(60), timeout=100)

    status, _, _ = run("henge", "Slow")

    assert status == 1
    assert "TIMEOUT: The workflow's timeout of 100 ms is over." in capsys.readouterr().out.splitlines()[-1]


def test_as_json_it_prints_the_execution_and_nothing_else(
    workflow: Workflow, capsys: pytest.CaptureFixture[str]
) -> None:
    status, document = run_json(
        str(workflow.workspace_id), str(workflow.pk), "--data", '{"title": "Ort"}', "--variables", '{"reader": "us"}'
    )

    execution = document["execution"]
    assert status == 0
    assert execution["id"] == str(execution_of(workflow).pk)
    assert (execution["status"], execution["triggerType"]) == ("COMPLETED", "command")
    assert execution["variables"] == {"reader": "us"}
    assert [step["status"] for step in execution["steps"]] == ["success", "success"]
    assert Task.objects.get().title == "Ort for us"
    assert capsys.readouterr().out == ""


def test_as_json_a_failed_execution_is_an_execution_and_exit_status_1() -> None:
    scene.workflow("Doomed", FAILING)

    status, document = run_json("henge", "Doomed")

    assert status == 1
    assert document["execution"]["error"]["code"] == "INVALID_EXPRESSION"


def test_a_dry_run_makes_nothing(workflow: Workflow) -> None:
    status, document = run_json("henge", "Note", "--dry-run", "--data", '{"title": "Ort"}')

    assert status == 0
    assert document["execution"]["isSimulation"] is True
    assert document["execution"]["steps"][0]["output"]["simulated"] is True
    assert not Task.objects.exists()


def test_data_comes_from_a_file_or_from_standard_input(
    workflow: Workflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "data.json"
    file.write_text('{"title": "Blaue Blume, größer"}', encoding="utf-8")
    assert run_json("henge", "Note", "--data", f"@{file}")[0] == 0

    monkeypatch.setattr("sys.stdin", StringIO('{"title": "typed"}'))
    assert run_json("henge", "Note", "--data", "-")[0] == 0

    titles = set(Task.objects.values_list("title", flat=True))
    assert titles == {"Blaue Blume, größer for ada", "typed for ada"}


def test_detached_it_prints_the_id_alone_and_leaves_the_work_to_another_process(workflow: Workflow) -> None:
    status, output, errors = run("henge", "Note", "--detach", "--data", '{"title": "later"}')

    execution = execution_of(workflow)
    assert (status, output) == (0, f"{execution.pk}\n")
    assert errors.strip() == "Started; it runs in the next process that has an executor, such as `make serve`."
    assert execution.status == "PENDING"
    with dispatch.executor():
        eventually(partial(has_ended, execution))
    assert execution.status == "COMPLETED"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nowhere", "Note"], "WORKSPACE_NOT_FOUND", "No workspace 'nowhere'. There are: henge."),
        (["henge", "Noet"], "WORKFLOW_NOT_FOUND", "No workflow 'Noet' in henge. There are: 'Draft', 'Note'."),
        (["henge", "Draft"], "WORKFLOW_INACTIVE", "Workflow 'Draft' is DRAFT; activate it first"),
        (["henge", "Note", "--data", "{title: 1}"], "VALIDATION_ERROR", "--data isn't JSON: "),
        (["henge", "Note", "--data", ""], "VALIDATION_ERROR", "--data isn't JSON: "),
        (["henge", "Note", "--data", '["\\ud800"]'], "VALIDATION_ERROR", "triggerData[0]: "),
        (["henge", "Note", "--data", "[" * 100_000], "VALIDATION_ERROR", "--data isn't JSON: "),
        (["henge", "Note", "--data", "@/no/such/file"], "VALIDATION_ERROR", "--data: can't read '/no/such/file': "),
        (["henge", "Note", "--variables", "[1]"], "VALIDATION_ERROR", "--variables takes an object, such as"),
        (["henge", "Note", "--variables", "null"], "VALIDATION_ERROR", "--variables takes an object, such as"),
        (["henge", "Note", "--variables", "@/"], "VALIDATION_ERROR", "--variables: can't read '/': Is a directory."),
    ],
)  # fmt: skip
def test_a_refusal_says_what_is_wrong_and_what_there_is_also_as_json(
    workflow: Workflow, arguments: list[str], code: str, message: str
) -> None:
    services.create(
        workspace=workflow.workspace, name="Draft", definition={"actions": [scene.wait(0)]}, status=WorkflowStatus.DRAFT
    )

    assert refusal(*arguments).startswith(message)
    status, document = run_json(*arguments)
    assert (status, document["error"]) == (1, code)
    assert document["message"].startswith(message)
    assert not Execution.objects.exists()


def test_a_file_that_is_not_text_is_refused(workflow: Workflow, tmp_path: Path) -> None:
    (tmp_path / "picture").write_bytes(b"\xff\xd8\xff")
    assert refusal("henge", "Note", "--data", f"@{tmp_path}/picture").startswith("--data isn't JSON: ")


def test_ctrl_c_cancels_and_says_so(sink: Sink) -> None:
    workflow = scene.workflow("held", scene.call(sink, "held"), scene.task("after"))
    with command(workflow, sink=sink) as process:
        eventually(lambda: sink.asked("/held"))
        process.send_signal(signal.SIGINT)
        status, output, errors = ended(process)

    assert (status, errors) == (130, "")
    *_, step, summary = output.splitlines()
    assert step.startswith("1/2  ■ cancelled  held (call_api), ")
    assert summary.startswith("■ CANCELLED after ")
    assert summary.endswith(" by Ctrl-C; what its steps did before stays done")
    assert execution_of(workflow).status == "CANCELLED"
    assert not Task.objects.exists()


def test_ctrl_c_in_a_wait_prints_json_that_says_cancelled() -> None:
    workflow = scene.workflow("waiting", scene.wait(60))
    with command(workflow, "--json") as process:
        execution = execution_of(workflow)
        eventually(lambda: Execution.objects.filter(pk=execution.pk, waiting_for="timer").exists())
        process.send_signal(signal.SIGINT)
        status, output, _ = ended(process)

    assert status == 130
    assert json.loads(output)["execution"]["status"] == "CANCELLED"


def has_left(process: Child) -> bool:
    """Whether it has ended; if it hasn't, Ctrl-C is pressed once more."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    return process.poll() is not None


def test_ctrl_c_again_leaves_at_once_what_does_not_listen() -> None:
    inside: scene.Action = {"type": "test_deaf_inside", "config": {"seconds": 60}, "timeout": 60_000}
    workflow = scene.workflow("deaf", scene.wait(0), inside)
    with command(workflow) as process:
        execution = execution_of(workflow)
        eventually(execution.steps.filter(path="1", status="running").exists)
        process.send_signal(signal.SIGINT)
        eventually(lambda: has_left(process))
        status, _, errors = ended(process)

    assert status == 130
    assert "Left at once, as after a crash: the next process that runs settles what is open." in errors
