"""What is followed, and what a dashboard has to show of it."""

from collections.abc import Iterable
from itertools import count
from typing import Any

from executions import services
from executions.models import Execution
from tests.executions.programs import scene
from tests.stream.sse import Event
from workspaces.models import Workspace

LONG_SECONDS = 600
FAILING: scene.Action = {"type": "test_raise", "config": {"value": "there is no such key"}}

_numbers = count(1)


def started(*steps: scene.Action) -> Execution:
    """A PENDING execution of a workflow of its own, which makes a task unless told otherwise."""
    return services.start(workflow=scene.workflow(f"Workflow {next(_numbers)}", *(steps or [scene.task("Call Ada")])))


def ran(*steps: scene.Action) -> Execution:
    return services.run(execution=started(*steps))


def asleep() -> Execution:
    """One that doesn't end by itself while a test runs."""
    return started(scene.wait(LONG_SECONDS))


def stream_of(workspace: Workspace | None = None) -> str:
    return f"/api/workspaces/{(workspace or scene.workspace()).slug}/workflows/executions/stream"


def told(events: Iterable[Event]) -> dict[str, Any]:
    """The latest state of each execution, as a dashboard keeps it."""
    states: dict[str, Any] = {}
    for event in events:
        if event.kind == "execution":
            earlier = states.get(event.data["executionId"])
            if earlier is None or earlier["position"] <= event.data["position"]:
                states[event.data["executionId"]] = event.data
    return states


def statuses(events: Iterable[Event]) -> dict[str, str]:
    return {key: state["status"] for key, state in told(events).items()}


def in_rows(*executions: Execution) -> dict[str, str]:
    return {str(execution.pk): Execution.objects.get(pk=execution.pk).status for execution in executions}
