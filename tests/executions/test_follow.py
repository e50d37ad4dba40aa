"""`manage.py follow`: an execution that others run, seen from a terminal."""

import json
import re
import signal
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from executions import services
from executions.engine import dispatch
from executions.models import Execution
from tests.executions.programs import scene
from tests.executions.programs.children import Child, child, ended, eventually, has_ended

pytestmark = pytest.mark.django_db(transaction=True)

FAILING: scene.Action = {"name": "Hopeless", "type": "create_task", "config": {"title": "{{ trigger.title }}"}}


def follow(execution: Execution, *options: str) -> Any:
    """The command, in a process of its own."""
    return child("manage.py", "follow", str(execution.pk), *options)


def started(*steps: scene.Action) -> Execution:
    return services.start(workflow=scene.workflow("Followed", *steps))


def run(*arguments: str) -> tuple[int, str]:
    """Its exit status and standard output, run in this process."""
    output = StringIO()
    try:
        call_command("follow", *arguments, stdout=output)
    except SystemExit as end:
        return int(str(end.code)), output.getvalue()
    return 0, output.getvalue()


def events_in(text: str) -> list[tuple[str, int | None, Any]]:
    """Kind, id and data of each."""
    found = re.findall(r"event: (\w+)\n(?:id: (\d+)\n)?data: (.*)\n\n", text)
    assert text.count("event: ") == len(found)
    return [(kind, int(position) if position else None, json.loads(data)) for kind, position, data in found]


@pytest.fixture
def engine() -> Iterator[Any]:
    """This process runs what is due; the one that follows doesn't."""
    with dispatch.executor() as executor:
        yield executor


def says(process: Child, text: str) -> None:
    """Comes back once a line of its output has this."""
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError(f"it ended without saying {text!r}")


def test_it_shows_what_another_process_runs_to_its_end() -> None:
    execution = started(scene.task("Call Ada"), scene.wait(0.3))
    with follow(execution) as process:
        says(process, str(execution.pk))
        with dispatch.executor():
            status, output, errors = ended(process)

    *_, last, summary = output.splitlines()
    assert (status, errors) == (0, "")
    assert last.startswith("2/2  ✔ success")
    assert summary.startswith("✔ COMPLETED after ")
    assert has_ended(execution)


@pytest.mark.parametrize("options", [(), ("--events",)])
def test_one_that_ends_otherwise_is_exit_status_1(engine: Any, options: tuple[str, ...]) -> None:
    with follow(started(FAILING), *options) as process:
        status, output, errors = ended(process)

    assert (status, errors) == (1, "")
    assert "INVALID_EXPRESSION" in output
    assert "FAILED" in output


@pytest.mark.parametrize("options", [(), ("--events",)])
def test_who_leaves_by_ctrl_c_cancels_nothing(options: tuple[str, ...]) -> None:
    execution = started(scene.wait(0.2))
    with follow(execution, *options) as process:
        says(process, str(execution.pk))
        process.send_signal(signal.SIGINT)
        status, _, errors = ended(process)

    assert (status, errors) == (130, "")
    assert not has_ended(execution)
    with dispatch.executor():
        eventually(lambda: has_ended(execution))
    assert execution.status == "COMPLETED"


def test_one_that_has_ended_is_shown_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    execution = services.run(execution=started(scene.task("Call Ada"), scene.task("Call Grace")))

    status, _ = run(str(execution.pk))

    title, identity, *steps, summary = capsys.readouterr().out.splitlines()
    assert status == 0
    assert (title, identity) == ("Followed in henge", f"execution {execution.pk}")
    assert [line[:14] for line in steps if line] == ["1/2  ✔ success", "2/2  ✔ success"]
    assert summary.startswith("✔ COMPLETED after ")


def test_it_prints_the_events_as_the_api_sends_them(engine: Any) -> None:
    execution = started(scene.task("Call Ada"), scene.wait(0.1))
    with follow(execution, "--events") as process:
        status, output, errors = ended(process)

    events = events_in(output)
    assert (status, errors) == (0, "")
    assert [kind for kind, _, _ in events][:2] == ["connected", "progress"]
    kind, position, data = events[-1]
    execution.refresh_from_db()
    assert (kind, position, data["status"]) == ("complete", execution.position, "COMPLETED")


def test_of_the_events_those_behind_an_id_are_printed() -> None:
    execution = services.run(execution=started(scene.task("Call Ada"), scene.task("Call Grace")))
    _, whole = run(str(execution.pk), "--events")
    first, second = [position for kind, position, _ in events_in(whole) if kind == "step"]

    status, output = run(str(execution.pk), "--events", "--since", str(first))

    assert status == 0
    assert [position for kind, position, _ in events_in(output) if kind == "step"] == [second]


@pytest.mark.parametrize("text", ["0198f3a1-0000-7000-8000-000000000000", "no id at all", ""])
def test_an_execution_that_is_not_there_is_named(text: str) -> None:
    with pytest.raises(CommandError, match=f"No execution {text!r}; the API and the admin list them"):
        call_command("follow", text)


def test_an_id_of_an_event_without_the_events_is_refused() -> None:
    execution = started(scene.task("Once"))

    with pytest.raises(CommandError, match="--since goes with --events"):
        run(str(execution.pk), "--since", "0")
