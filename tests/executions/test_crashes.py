"""Processes that are killed by SIGKILL, and the next one that runs: it finishes what they left, and repeats nothing."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
from pytest_django import Settings

from executions import services
from executions.engine import dispatch
from executions.models import Execution, Step
from tests.executions.programs import scene
from tests.executions.programs.children import Child, command, ended, eventually, execution_of, has_ended, server
from tests.executions.programs.sink import Sink, listening
from workflows.models import Workflow
from workspaces.models import Task

pytestmark = pytest.mark.django_db(transaction=True)

PAUSE_SECONDS = 5
MOMENTS = ("step", "wait", "backoff")


@pytest.fixture
def sink(settings: Settings) -> Iterator[Sink]:
    """What effects are counted at; this process may call it too."""
    with listening() as sink:
        settings.OUTBOUND_ALLOWED_HOSTS = [sink.authority]
        yield sink


def in_the_middle_of(moment: str, sink: Sink) -> Workflow:
    """A workflow with a call, a task, the moment at which its process is to die, and another call and task."""
    middles = {
        "step": scene.call(sink, "step/held"),
        "wait": scene.wait(PAUSE_SECONDS),
        "backoff": scene.call(sink, "backoff/flaky", **scene.retried(PAUSE_SECONDS * 1000)),
    }
    return scene.workflow(
        moment,
        scene.call(sink, f"{moment}/before"), scene.task(f"{moment} before"),
        middles[moment],
        scene.call(sink, f"{moment}/after"), scene.task(f"{moment} after"),
    )  # fmt: skip


def has_come_to(moment: str, execution: Execution, sink: Sink) -> bool:
    execution.refresh_from_db()
    match moment:
        case "step":
            return bool(sink.asked("/step/held"))
        case "wait":
            return execution.waiting_for == "timer"
        case _:
            return execution.waiting_for == "retry"


def recorded_steps() -> list[Any]:
    """What is recorded of the steps that have ended, to the last column."""
    return list(Step.objects.exclude(status="running").order_by("id").values())


def kill(process: Child) -> None:
    process.kill()
    assert process.wait() == -signal.SIGKILL


def check_nothing_was_done_twice(sink: Sink) -> None:
    for moment in MOMENTS:
        assert len(sink.asked(f"/{moment}/before")) == 1
        assert len(sink.asked(f"/{moment}/after")) == 1
    titles = [f"{moment} {when}" for moment in MOMENTS for when in ("before", "after")]
    assert sorted(Task.objects.values_list("title", flat=True)) == sorted(titles)

    cut_off, again = sink.asked("/step/held")
    assert cut_off.headers["idempotency-key"] == again.headers["idempotency-key"]
    failed, retried = sink.asked("/backoff/flaky")
    assert failed.headers["idempotency-key"] == retried.headers["idempotency-key"]


def check_the_history(executions: dict[str, Execution]) -> None:
    """What was cut off says so, and a wait or a backoff that a process died in is none the worse for it."""
    for execution in executions.values():
        execution.refresh_from_db()
        assert (execution.status, execution.successful_steps) == ("COMPLETED", 5)
    attempts = {moment: execution.steps.get(path="2").attempts for moment, execution in executions.items()}
    assert [attempt["error"]["code"] for attempt in attempts["step"]] == ["INTERRUPTED"]
    assert attempts["wait"] is None
    assert [attempt["error"]["code"] for attempt in attempts["backoff"]] == ["HTTP_STATUS"]


@pytest.mark.slow
def test_a_server_finishes_what_killed_commands_have_left(sink: Sink) -> None:
    workflows = {moment: in_the_middle_of(moment, sink) for moment in MOMENTS}
    executions: dict[str, Execution] = {}
    with ExitStack() as running:
        processes = [running.enter_context(command(workflows[moment], sink=sink)) for moment in MOMENTS]
        for moment in MOMENTS:
            executions[moment] = execution_of(workflows[moment])
        for moment in MOMENTS:
            eventually(partial(has_come_to, moment, executions[moment], sink))
        for process in processes:
            kill(process)
    recorded = recorded_steps()
    assert len(recorded) == 6

    with server(sink):
        for execution in executions.values():
            eventually(partial(has_ended, execution))

    check_the_history(executions)
    check_nothing_was_done_twice(sink)
    assert [step for step in recorded_steps() if step in recorded] == recorded


@pytest.mark.slow
def test_a_command_finishes_what_a_killed_server_has_left_beside_a_workflow_of_its_own(sink: Sink) -> None:
    executions = {moment: services.start(workflow=in_the_middle_of(moment, sink)) for moment in MOMENTS}
    with server(sink) as process:
        for moment, execution in executions.items():
            eventually(partial(has_come_to, moment, execution, sink))
        kill(process)
    recorded = recorded_steps()
    assert len(recorded) == 6

    own = scene.workflow("own", scene.call(sink, "until-released"))
    with command(own, sink=sink) as process:
        for execution in executions.values():
            eventually(partial(has_ended, execution))
        sink.released.set()
        assert ended(process)[0] == 0

    check_the_history(executions)
    check_nothing_was_done_twice(sink)
    assert [step for step in recorded_steps() if step in recorded] == recorded


@pytest.mark.parametrize(
    "fault",
    [
        "claim.before=1", "claim.after=1", "commit.before=1", "commit.before=2", "commit.inside=1", "commit.inside=3",
        "commit.after=2", "effect.before=1", "effect.before=2", "effect.after=1", "effect.after=2",
    ],
)  # fmt: skip
def test_what_a_server_that_dies_at_a_named_point_leaves_is_finished_here(sink: Sink, fault: str) -> None:
    flaky = scene.call(sink, "flaky", **scene.retried(50))
    workflow = scene.workflow("doomed", scene.call(sink, "before"), scene.task("once"), scene.wait(0.1), flaky)
    execution = services.start(workflow=workflow)
    with server(sink, FAULT=fault, LEASE_SECONDS=1) as process:
        assert ended(process)[0] == -signal.SIGKILL
    recorded = recorded_steps()
    made_but_not_recorded = len(sink.asked("/before")) - len([step for step in recorded if step["path"] == "0"])

    with dispatch.executor():
        eventually(partial(has_ended, execution))

    assert (execution.status, execution.successful_steps, execution.steps.count()) == ("COMPLETED", 4, 4)
    assert [step for step in recorded_steps() if step in recorded] == recorded
    assert Task.objects.count() == 1
    assert len(sink.asked("/before")) == 1 + made_but_not_recorded
    assert len({request.headers["idempotency-key"] for request in sink.asked("/before")}) == 1


@pytest.mark.parametrize(
    ("fault", "status", "requests"), [("cancel.before", "COMPLETED", 2), ("cancel.after", "CANCELLED", 1)]
)
def test_a_command_that_dies_while_it_cancels_has_cancelled_or_has_not(
    sink: Sink, fault: str, status: str, requests: int
) -> None:
    workflow = scene.workflow("cancelled", scene.call(sink, "held"), scene.task("after"))
    with command(workflow, sink=sink, FAULT=f"{fault}=1", LEASE_SECONDS=1) as process:
        eventually(lambda: sink.asked("/held"))
        process.send_signal(signal.SIGINT)
        assert ended(process)[0] == -signal.SIGKILL

    with dispatch.executor():
        execution = execution_of(workflow)
        eventually(partial(has_ended, execution))

    assert execution.status == status
    assert len(sink.asked("/held")) == requests
    assert Task.objects.count() == requests - 1
