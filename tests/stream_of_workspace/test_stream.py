"""All executions of a workspace through a real server, run by another process than the one that streams."""

from itertools import pairwise
from typing import Any

import pytest

from executions import services
from executions.models import Execution
from tests.api.clients import with_token
from tests.config.servers import Server
from tests.executions import handlers
from tests.executions.programs import scene
from tests.executions.programs.children import eventually, has_ended
from tests.factories import ExecutionFactory, UserFactory, WorkflowFactory, WorkspaceFactory
from tests.stream.conftest import streaming
from tests.stream.scenes import echo, held, ids, kinds, read, reader
from tests.stream.sse import Event, Stream, follow, refused
from tests.stream_of_workspace.scenes import FAILING, asleep, in_rows, ran, started, statuses, stream_of, told
from workspaces import tokens
from workspaces.models import Membership, Workspace

pytestmark = pytest.mark.django_db(transaction=True)

SHARED = (
    "status", "triggerType", "isSimulation", "startedAt", "completedAt", "durationMs", "waitingFor", "workflowId",
)  # fmt: skip


@pytest.fixture
def headers() -> dict[str, str]:
    return reader()


def until(stream: Stream, execution: Execution, status: str) -> list[Event]:
    """What comes up to and with this state."""
    events = []
    for event in stream:
        events.append(event)
        if event.data.get("executionId") == str(execution.pk) and event.data["status"] == status:
            return events
    raise AssertionError(f"the stream ended after {events}")


def test_it_begins_with_what_has_not_ended(server: Server, headers: dict[str, str]) -> None:
    pending, sleeping = started(echo(1)), asleep()

    with follow(server, stream_of(), **headers) as stream:
        connected, *states = stream.take(3)

    assert connected.kind == "connected"
    assert [*connected.data] == ["workspaceId", "timestamp"]
    assert connected.data["workspaceId"] == str(scene.workspace().pk)
    assert connected.id is not None
    assert kinds(states) == ["execution"] * 2
    assert statuses(states) == in_rows(pending, sleeping)


def test_what_starts_goes_on_and_ends_elsewhere_is_told(server: Server, headers: dict[str, str], engine: Any) -> None:
    with follow(server, stream_of(), **headers) as stream:
        stream.take(1)
        execution = started(echo("a"), held(), echo("b"))
        running = until(stream, execution, "RUNNING")[-1]
        eventually(handlers.begun.is_set)
        handlers.gate.set()
        ended = until(stream, execution, "COMPLETED")[-1]

    assert running.data["workflowName"] == ended.data["workflowName"] == execution.workflow.name
    assert running.data["completedAt"] is running.data["error"] is None
    assert running.data["position"] < ended.data["position"]
    assert ended.data["progress"]["completedSteps"] == 3
    known = read(server, execution, headers)
    assert {name: ended.data[name] for name in SHARED} == {name: known["execution"][name] for name in SHARED}
    assert ended.data["progress"] == known["progress"]


def test_a_failure_is_told_without_its_traceback(server: Server, headers: dict[str, str], engine: Any) -> None:
    with follow(server, stream_of(), **headers) as stream:
        stream.take(1)
        execution = started(FAILING)
        failed = until(stream, execution, "FAILED")[-1]

    assert failed.data["error"]["code"] == "HANDLER_ERROR"
    assert "traceback" not in failed.data["error"]


def test_a_wait_and_a_cancel_are_told(server: Server, headers: dict[str, str], engine: Any) -> None:
    with follow(server, stream_of(), **headers) as stream:
        stream.take(1)
        execution = asleep()
        waiting = stream.until("execution", executionId=str(execution.pk), status="RUNNING")
        while not waiting.data["waitingFor"]:
            waiting = stream.until("execution", executionId=str(execution.pk), status="RUNNING")
        services.cancel(execution=execution)
        until(stream, execution, "CANCELLED")

    assert waiting.data["waitingFor"]["type"] == "timer"


def test_it_stays_open_when_nothing_runs_any_more(server: Server, headers: dict[str, str], engine: Any) -> None:
    with follow(server, stream_of(), **headers) as stream:
        for _ in range(2):
            until(stream, started(echo(1)), "COMPLETED")


def test_who_was_away_is_told_what_ended_began_and_went_on(server: Server, headers: dict[str, str]) -> None:
    before, lasting = ran(echo(0)), started(echo(1))
    with follow(server, stream_of(), **headers) as stream:
        until(stream, lasting, "PENDING")
        cursor = stream.last_id

    ended, failed, pending = ran(echo(1)), ran(FAILING), started(echo(2))
    services.run(execution=lasting)
    with streaming() as other, follow(other, stream_of(), cursor, **headers) as stream:
        events = until(stream, pending, "PENDING")

    assert events[0].id == cursor
    assert statuses(events).items() >= in_rows(ended, failed, lasting, pending).items()
    assert statuses(events).keys() <= in_rows(before, ended, failed, lasting, pending).keys()


def test_cut_after_every_other_event_it_still_tells_the_end_of_each(
    server: Server, headers: dict[str, str], engine: Any
) -> None:
    with follow(server, stream_of(), **headers) as stream:
        events = stream.take(1)
        executions = [started(echo(number), echo(number)) for number in range(12)]
        events += stream.take(1)
        cursor = stream.last_id

    ends = {str(execution.pk): "COMPLETED" for execution in executions}
    for _ in range(100):
        with follow(server, stream_of(), cursor, **headers) as stream:
            stream.take(1)
            events += stream.take(len(ends)) if all(map(has_ended, executions)) else stream.take(2)
            assert stream.last_id >= cursor
            cursor = stream.last_id
        if statuses(events) == ends:
            break

    assert statuses(events) == ends


def test_its_ids_only_grow(server: Server, headers: dict[str, str], engine: Any) -> None:
    with follow(server, stream_of(), **headers) as stream:
        events = stream.take(1)
        for number in range(4):
            events += until(stream, started(echo(number)), "COMPLETED")

    assert all(event.id is not None for event in events)
    assert all(earlier <= later for earlier, later in pairwise(ids(events)))


@pytest.mark.parametrize("cursor", ["garbage", "5", "-1", "9" * 16, "9" * 40, "1e15", ""])
def test_a_cursor_that_is_none_means_from_now(server: Server, headers: dict[str, str], cursor: str) -> None:
    long_ago = ran(echo(1))
    Execution.objects.filter(pk=long_ago.pk).update(completed_at="2026-01-01T00:00:00Z")
    pending = started(echo(2))

    with follow(server, stream_of(), cursor, **headers) as stream:
        events = until(stream, pending, "PENDING")

    assert statuses(events) == in_rows(pending)


def test_nothing_of_other_workspaces_is_told(server: Server, headers: dict[str, str], engine: Any) -> None:
    scene.workspace()
    elsewhere = WorkflowFactory.create()
    ExecutionFactory.create(workflow=elsewhere)
    with follow(server, stream_of(), **headers) as stream:
        events = stream.take(1)
        assert has_ended_soon(ExecutionFactory.create(workflow=elsewhere))
        here = started(echo(1))
        events += until(stream, here, "COMPLETED")

    assert {*told(events)} == {str(here.pk)}


def has_ended_soon(execution: Execution) -> bool:
    return eventually(lambda: has_ended(execution))


def test_who_may_not_read_there_gets_nothing(server: Server, headers: dict[str, str]) -> None:
    path = stream_of()
    _, writing = tokens.issue(user=Membership.objects.all()[0].user, name="t", scopes=["write"])
    _, foreign = tokens.issue(user=UserFactory.create(), name="t", scopes=["read"])

    assert refused(server, path, Authorization=f"Bearer {foreign}").status == 404
    assert refused(server, path, Authorization=f"Bearer {writing}").status == 403
    assert refused(server, path).status == 401
    assert refused(server, f"{path}?ticket=x", **headers).status == 400


def test_who_loses_access_is_told_so_and_the_stream_ends(server: Server, headers: dict[str, str]) -> None:
    with follow(server, stream_of(), **headers) as stream:
        stream.take(1)
        Membership.objects.exclude(user__username="ada").delete()
        rest = list(stream)

    assert kinds(rest) == ["error"]
    assert refused(server, stream_of(), **headers).status == 404


def test_a_user_has_twenty_streams_of_either_kind(server: Server, headers: dict[str, str]) -> None:
    execution = asleep()
    one = f"/api/workspaces/henge/workflows/executions/{execution.pk}/stream"
    streams = [follow(server, path, **headers) for path in [stream_of(), one] * 10]

    answer = refused(server, stream_of(), **headers)

    assert (answer.status, answer.body["error"]) == (429, "RATE_LIMITED")
    for stream in streams:
        stream.close()
    eventually(lambda: is_open(server, headers))


def is_open(server: Server, headers: dict[str, str]) -> bool:
    try:
        follow(server, stream_of(), **headers).close()
    except AssertionError:
        return False
    return True


def test_a_server_that_would_hold_a_thread_tells_what_there_is_and_ends() -> None:
    workspace: Workspace = WorkspaceFactory.create()
    execution = ExecutionFactory.create(workflow=WorkflowFactory.create(workspace=workspace))
    api = with_token(workspace.organization.owner)

    first = api.ask("GET", stream_of(workspace))
    services.cancel(execution=execution)
    cursor = first.content.split(b"id: ")[1].split(b"\n")[0]
    second = api.ask("GET", stream_of(workspace), **{"Last-Event-ID": cursor.decode()})

    assert first.type == "text/event-stream"
    assert (first.content.count(b"event: execution"), first.content.count(b'"PENDING"')) == (1, 1)
    assert (second.content.count(b"event: execution"), second.content.count(b'"status":"CANCELLED"')) == (1, 1)
