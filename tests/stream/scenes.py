"""Executions to follow, a member who may, and what the API says of them otherwise."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from executions import services
from executions.models import Execution
from executions.representation import in_order, progress_json, step_json
from tests.config.servers import Server
from tests.executions import handlers
from tests.executions.programs import scene
from tests.factories import MembershipFactory, UserFactory
from tests.stream.sse import Event
from workflows.documents import Json
from workspaces import tokens
from workspaces.fields import uuid7

FINAL = {"success", "failed", "skipped", "cancelled"}
ACTIONS = handlers.__name__  # importing them has registered them in this process
LONG_SECONDS = 600


def started(*steps: scene.Action, trigger: Json = None) -> Execution:
    """A PENDING execution of a new workflow."""
    return services.start(workflow=scene.workflow(f"followed {uuid7()}", *steps), trigger_data=trigger)


def ran(*steps: scene.Action) -> Execution:
    return services.run(execution=started(*steps))


def asleep() -> Execution:
    """One that doesn't end by itself while a test runs."""
    return started(scene.wait(LONG_SECONDS))


def echo(value: Json) -> scene.Action:
    return {"type": "test_echo", "config": {"value": value}}


def held() -> scene.Action:
    """A step that lasts until `handlers.gate` is open."""
    return {"type": "test_hang"}


def reader() -> dict[str, str]:
    """Headers of a new member's token that may read."""
    user = UserFactory.create()
    MembershipFactory.create(workspace=scene.workspace(), user=user)
    _, text = tokens.issue(user=user, name="test", scopes=["read"])
    return {"Authorization": f"Bearer {text}"}


def path_of(execution: Execution) -> str:
    return f"/api/workspaces/{execution.workspace.slug}/workflows/executions/{execution.pk}"


def stream_of(execution: Execution) -> str:
    return f"{path_of(execution)}/stream"


def read(server: Server, execution: Execution, headers: dict[str, str]) -> Any:
    """What GET of the execution answers."""
    answer = server.ask("GET", path_of(execution), **headers)
    assert answer.status == 200, answer
    return answer.body


def steps_in(events: Iterable[Event]) -> list[Event]:
    return [event for event in events if event.kind == "step"]


def final_steps(events: Iterable[Event]) -> list[Any]:
    return [event.data for event in steps_in(events) if event.data["status"] in FINAL]


def kinds(events: Iterable[Event]) -> list[str]:
    return [event.kind for event in events]


def ids(events: Iterable[Event]) -> list[int]:
    return [event.id for event in events if event.id is not None]


def is_the_whole_log(events: list[Event], execution: Execution) -> None:
    """Each step's final state once, no id twice or out of turn, and the end once, as the last."""
    execution.refresh_from_db()
    assert all(earlier < later for earlier, later in pairwise(ids(events))), ids(events)
    assert final_steps(events) == [step_json(step) for step in in_order(execution)]
    assert kinds(events).count("complete") == 1
    assert (events[-1].kind, events[-1].id) == ("complete", execution.position)
    assert events[-1].data["status"] == execution.status
    last_progress = [event.data for event in events if event.kind == "progress"][-1]
    assert last_progress == progress_json(execution) | {"status": execution.status}
