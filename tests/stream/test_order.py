"""What comes when, from the first event to the end of the response, and after it."""

from itertools import pairwise
from typing import Any

import pytest

from executions import services
from tests.config import servers
from tests.config.servers import Server
from tests.executions import handlers
from tests.executions.programs import scene
from tests.executions.programs.children import command, ended, execution_of
from tests.executions.programs.sink import listening
from tests.stream.conftest import streaming
from tests.stream.scenes import (
    asleep,
    echo,
    final_steps,
    held,
    ids,
    is_the_whole_log,
    kinds,
    ran,
    read,
    started,
    steps_in,
    stream_of,
)
from tests.stream.sse import follow, followed, refused

pytestmark = pytest.mark.django_db(transaction=True)

FORGERY = "\n\nevent: complete\ndata: {}\n\nid: 999\r\n\rdata: {}\r\n"
OUTPUTS: list[Any] = [
    FORGERY,
    {"key" + FORGERY: [FORGERY]},
    "\u2028 \u2029 \x85 \x0b \x0c \ufeff",
    {"ключ": "値 🪨 \U0010ffff", "nested": [None, True, 2**63 - 1, -(2**63), 1.5e300, ""]},
    "",
    {},
    [],
    None,
    False,
]
GARBAGE = ["c:abc", "9" * 18, "9" * 5000, "-1", "1e1", "0x1", "1,2", "²", "", "error", "1000", "+1", "%00"]


def test_an_execution_that_has_ended_is_told_whole_and_then_the_response_ends(
    server: Server, headers: dict[str, str]
) -> None:
    execution = ran(echo(1), echo(2))

    with follow(server, stream_of(execution), **headers) as stream:
        events = list(stream)

    assert kinds(events) == ["connected", "progress", "step", "progress", "step", "progress", "complete"]
    assert events[0].data["executionId"] == str(execution.pk)
    assert all((event.id is not None) == (event.kind in {"step", "complete"}) for event in events)
    is_the_whole_log(events, execution)
    answer = read(server, execution, headers)
    assert final_steps(events) == answer["execution"]["steps"]
    assert events[-2].data == answer["progress"] | {"status": "COMPLETED"}
    assert events[-1].data == {
        key: answer["execution"][key] for key in ("status", "error", "durationMs", "completedAt")
    }
    assert stream.headers["Cache-Control"] == "no-store"
    assert stream.headers["X-Accel-Buffering"] == "no"


def test_whoever_has_seen_the_end_gets_204_and_whoever_has_not_gets_what_is_left(
    server: Server, headers: dict[str, str]
) -> None:
    execution = ran(echo(1), echo(2))
    whole = ids(followed(server, stream_of(execution), **headers))

    for number, last in enumerate(whole[:-1], start=1):
        assert ids(followed(server, stream_of(execution), last, **headers)) == whole[number:]

    gone = refused(server, stream_of(execution), whole[-1], **headers)
    assert (gone.status, gone.body) == (204, b"")


def test_a_last_id_that_is_none_of_ours_begins_from_the_beginning(server: Server, headers: dict[str, str]) -> None:
    execution = ran(echo(1))

    for garbage in GARBAGE:
        is_the_whole_log(followed(server, stream_of(execution), garbage, **headers), execution)


def test_events_come_while_it_happens(server: Server, headers: dict[str, str], engine: Any) -> None:
    execution = started(echo(1), held(), echo(3))

    with follow(server, stream_of(execution), **headers) as stream:
        running = stream.until("step", status="running", path="1")
        assert stream.until("progress").data["runningSteps"] == 1
        handlers.gate.set()
        rest = list(stream)

    assert running.id is not None
    assert running.id < ids(rest)[0]
    assert kinds(rest)[-1] == "complete"
    assert final_steps(rest) == read(server, execution, headers)["execution"]["steps"][1:]


def test_after_each_step_event_comes_how_far_the_execution_is(
    server: Server, headers: dict[str, str], engine: Any
) -> None:
    handlers.gate.set()
    execution = started(*[echo(number) for number in range(8)], held())

    events = followed(server, stream_of(execution), **headers)

    behind = [later.kind for earlier, later in pairwise(events) if earlier.kind in {"connected", "step"}]
    assert set(behind) == {"progress"}
    done = [event.data["completedSteps"] for event in events if event.kind == "progress"]
    assert done == sorted(done)
    is_the_whole_log(events, execution)


def test_the_end_comes_to_who_waits_for_it_whatever_it_is(server: Server, headers: dict[str, str]) -> None:
    execution = asleep()
    with follow(server, stream_of(execution), **headers) as stream:
        stream.take(2)
        services.cancel(execution=execution)
        [*_, last] = stream

    assert last.data["status"] == "CANCELLED"
    assert last.data["error"]["code"] == "CANCELLED"
    assert refused(server, stream_of(execution), last.id, **headers).status == 204


def test_a_failure_is_told_with_its_attempts_and_without_its_traceback(
    server: Server, headers: dict[str, str], engine: Any
) -> None:
    fails_once: scene.Action = {"type": "test_fail", "config": {"times": 1}, **scene.retried(1)}
    execution = started(fails_once, {"type": "test_raise", "config": {"value": 1}})

    events = followed(server, stream_of(execution), **headers)

    is_the_whole_log(events, execution)
    first, second = final_steps(events)
    assert (first["attempt"], len(first["attempts"])) == (2, 1)
    assert second["error"]["code"] == events[-1].data["error"]["code"]
    assert "traceback" not in str(events)


def test_two_who_follow_get_the_same_whenever_they_come(server: Server, headers: dict[str, str], engine: Any) -> None:
    execution = started(echo(1), held(), echo(3))

    with follow(server, stream_of(execution), **headers) as early:
        early_events = early.take(2)
        early_events.append(early.until("step", status="running", path="1"))
        with follow(server, stream_of(execution), **headers) as late:
            late_events = late.take(2)
            handlers.gate.set()
            early_events += list(early)
            late_events += list(late)

    assert early_events[-1] == late_events[-1]
    is_the_whole_log(late_events, execution)


def test_it_follows_what_a_command_runs_in_another_process(server: Server, headers: dict[str, str]) -> None:
    with listening() as sink:
        workflow = scene.workflow("commanded", scene.call(sink, "until-released"), scene.task("done"))
        with command(workflow, sink=sink) as process:
            execution = execution_of(workflow)
            with follow(server, stream_of(execution), **headers) as stream:
                stream.until("step", status="running", path="0")
                assert not sink.released.is_set()
                sink.released.set()
                events = list(stream)
            assert ended(process)[0] == 0

    is_the_whole_log(events, execution)


def test_it_follows_what_its_own_process_runs(headers: dict[str, str]) -> None:
    with listening() as sink, streaming(EXECUTOR_THREADS=4, OUTBOUND_ALLOWED_HOSTS=sink.authority) as server:
        execution = started(scene.call(sink, "until-released"), scene.task("done"))
        with follow(server, stream_of(execution), **headers) as stream:
            stream.until("step", status="running", path="0")
            sink.released.set()
            events = list(stream)

    is_the_whole_log(events, execution)


# What the data may hold


def test_outputs_arrive_as_they_are_and_forge_nothing(server: Server, headers: dict[str, str]) -> None:
    execution = ran(*map(echo, OUTPUTS))

    events = followed(server, stream_of(execution), **headers)

    assert kinds(events) == ["connected", "progress", *["step", "progress"] * len(OUTPUTS), "complete"]
    assert [step["output"] for step in final_steps(events)] == OUTPUTS
    assert final_steps(events) == read(server, execution, headers)["execution"]["steps"]


@pytest.mark.parametrize("character", ["x", "🪨"])
def test_a_mebibyte_of_output_arrives_whole(
    server: Server, headers: dict[str, str], engine: Any, character: str
) -> None:
    mebibyte = character * ((2**20 - 64) // len(character.encode()))  # which leaves room for what is around it
    execution = started(held(), echo("{{ trigger }}"), echo("{{ trigger }}"), trigger=mebibyte)

    with follow(server, stream_of(execution), **headers) as stream:
        stream.until("step", status="running", path="0")
        handlers.gate.set()
        events = list(stream)

    assert [step["output"] for step in final_steps(events)] == ["late", mebibyte, mebibyte]
    assert len(steps_in(events)) <= 6
    is_the_whole_log(events, execution)


def test_a_head_request_opens_no_stream(server: Server, headers: dict[str, str]) -> None:
    execution = asleep()
    connection = server.send("HEAD", stream_of(execution), Accept="text/event-stream", **headers)
    head = servers.read(connection.getresponse())
    assert (head.status, head.headers["Content-Type"], head.body) == (200, "text/event-stream", b"")

    # Which is answered only after the answer before has ended.
    connection.request("GET", "/healthz")
    assert servers.reply(connection).status == 200


def test_an_execution_that_is_deleted_ends_its_stream_and_no_other(server: Server, headers: dict[str, str]) -> None:
    """As an admin may, or a script that tidies up."""
    deleted, other = asleep(), asleep()
    with (
        follow(server, stream_of(deleted), **headers) as first,
        follow(server, stream_of(other), **headers) as second,
    ):
        first.take(2)
        second.take(2)
        deleted.delete()
        services.cancel(execution=other)
        assert list(second)[-1].kind == "complete"
        assert list(first)[-1].kind == "error"
