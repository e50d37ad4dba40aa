"""Clients that wait for the end of an execution, at a server that holds no thread for them."""

import asyncio
import select
import signal
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from config.answers import Answer
from config.holding import Holding
from executions import services
from executions.endings import Endings
from executions.models import Execution
from tests.config.servers import Server, execute_path, reply, serving
from tests.executions.programs import scene
from tests.executions.programs.children import APPLICATION_NAME, eventually
from tests.factories import MembershipFactory, UserFactory
from workflows.models import Workflow
from workspaces import tokens
from workspaces.fields import uuid7
from workspaces.models import ApiToken, Membership

pytestmark = pytest.mark.django_db(transaction=True)

MANY = 200
LONG_SECONDS = 600


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def sleeper() -> Workflow:
    """A workflow that doesn't end by itself while a test runs."""
    return scene.workflow("sleeper", scene.wait(LONG_SECONDS))


@pytest.fixture
def authorization() -> dict[str, str]:
    """Of a member, whom nothing else lets in."""
    user = UserFactory.create()
    MembershipFactory.create(workspace=scene.workspace(), user=user)
    _, text = tokens.issue(user=user, name="test", scopes=["read", "execute"])
    return {"Authorization": f"Bearer {text}"}


def start(server: Server, workflow: Workflow, seconds: int, **headers: str) -> HTTPConnection:
    """Starts an execution, and waits for it elsewhere than here."""
    return server.send("POST", execute_path(workflow), "{}", **headers, Prefer=f"wait={seconds}")


def started(count: int = 1) -> list[Execution]:
    """The executions, once there are so many."""
    eventually(lambda: Execution.objects.count() == count, seconds=60)
    return list(Execution.objects.all())


def are_answered(connections: list[HTTPConnection]) -> bool:
    readable, _, _ = select.select([each.sock for each in connections], [], [], 0)
    return bool(readable)


def database_connections(server: Server) -> int:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", [APPLICATION_NAME])
            return int(cursor.fetchone()[0])
    return server.files.count(Path(str(connection.settings_dict["NAME"])))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="threads and files are counted by way of /proc")
def test_two_hundred_wait_without_threads_or_connections_and_others_are_answered(
    server: Server, sleeper: Workflow, authorization: dict[str, str]
) -> None:
    waiting = [start(server, sleeper, 60, **authorization) for _ in range(MANY)]
    executions = started(MANY)

    workflow = execute_path(sleeper).removesuffix("/execute")
    for _ in range(20):
        assert server.ask("GET", workflow, **authorization).status == 200
    assert not are_answered(waiting)
    assert server.threads < MANY / 4
    assert database_connections(server) < MANY / 4

    for execution in executions:
        services.cancel(execution=execution)
    replies = [reply(each) for each in waiting]
    assert {each.status for each in replies} == {200}
    assert {each.body["execution"]["status"] for each in replies} == {"CANCELLED"}
    assert {UUID(each.body["execution"]["id"]) for each in replies} == {each.pk for each in executions}


def test_a_wait_that_outlasts_the_execution_gives_it_with_its_steps(
    server: Server, authorization: dict[str, str]
) -> None:
    workflow = scene.workflow("short", scene.wait(0.2), scene.task("done"))

    answer = reply(start(server, workflow, 60, **authorization))

    execution = Execution.objects.get()
    assert answer.status == 200
    assert answer.headers["Location"] == f"/api/workspaces/henge/workflows/executions/{execution.pk}"
    assert answer.headers["Preference-Applied"] == "wait=60"
    assert answer.body["execution"]["status"] == "COMPLETED"
    assert [step["status"] for step in answer.body["execution"]["steps"]] == ["success", "success"]


def test_an_execution_that_outlasts_the_wait_is_accepted(
    server: Server, sleeper: Workflow, authorization: dict[str, str]
) -> None:
    answer = reply(start(server, sleeper, 1, **authorization))

    assert (answer.status, answer.headers["Preference-Applied"]) == (202, "wait=1")
    assert answer.headers["Location"].endswith(str(Execution.objects.get().pk))
    assert answer.body["execution"]["status"] == "RUNNING"


def test_a_cancel_ends_the_wait(server: Server, sleeper: Workflow, authorization: dict[str, str]) -> None:
    waiting = start(server, sleeper, 60, **authorization)
    [execution] = started()

    path = f"/api/workspaces/henge/workflows/executions/{execution.pk}"
    assert server.ask("POST", path, **authorization).status == 200

    answer = reply(waiting)
    assert (answer.status, answer.body["execution"]["status"]) == (200, "CANCELLED")


def test_who_lost_access_meanwhile_is_told_so_and_nothing_else(
    server: Server, sleeper: Workflow, authorization: dict[str, str]
) -> None:
    waiting = start(server, sleeper, 60, **authorization)
    [execution] = started()
    tokens.revoke(token=ApiToken.objects.get())
    services.cancel(execution=execution)

    answer = reply(waiting)

    assert (answer.status, answer.body["error"]) == (401, "UNAUTHORIZED")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "Location" not in answer.headers


def test_a_member_who_was_removed_meanwhile_finds_nothing(
    server: Server, sleeper: Workflow, authorization: dict[str, str]
) -> None:
    waiting = start(server, sleeper, 60, **authorization)
    [execution] = started()
    Membership.objects.all().delete()
    services.cancel(execution=execution)

    assert reply(waiting).status == 404


def test_a_token_that_may_not_read_was_accepted_all_the_same(server: Server, sleeper: Workflow) -> None:
    user = sleeper.workspace.memberships.get().user
    _, text = tokens.issue(user=user, name="test", scopes=["execute"])
    waiting = start(server, sleeper, 60, Authorization=f"Bearer {text}")
    [execution] = started()
    services.cancel(execution=execution)

    answer = reply(waiting)

    assert (answer.status, answer.body["execution"]["status"]) == (202, "PENDING")
    assert answer.headers["Location"].endswith(str(execution.pk))


def test_whoever_asks_again_with_the_key_waits_for_the_same_execution(
    server: Server, sleeper: Workflow, authorization: dict[str, str]
) -> None:
    headers = authorization | {"Idempotency-Key": "once"}
    first = start(server, sleeper, 60, **headers)
    [execution] = started()
    again = start(server, sleeper, 60, **headers)
    assert not are_answered([first, again])
    services.cancel(execution=execution)

    replies = [reply(first), reply(again), reply(start(server, sleeper, 60, **headers))]

    assert [each.status for each in replies] == [200, 200, 200]
    assert [each.headers.get("Idempotency-Replayed") for each in replies] == [None, "true", "true"]
    assert {each.body["execution"]["id"] for each in replies} == {str(execution.pk)}


def test_what_is_wrong_is_said_without_waiting(
    server: Server, sleeper: Workflow, authorization: dict[str, str]
) -> None:
    assert reply(start(server, sleeper, 60)).status == 401
    refused = server.ask("POST", f"{execute_path(sleeper)}?wait=61", "{}", **authorization)
    assert (refused.status, refused.body["error"]) == (400, "VALIDATION_ERROR")
    assert not Execution.objects.exists()


def test_a_server_that_is_told_to_stop_answers_whoever_waits(
    server: Server, sleeper: Workflow, authorization: dict[str, str]
) -> None:
    waiting = [start(server, sleeper, 60, **authorization) for _ in range(20)]
    started(20)

    server.process.send_signal(signal.SIGTERM)

    assert {reply(each).status for each in waiting} == {202}
    _, log = server.process.communicate(timeout=60)
    assert server.process.returncode == -signal.SIGTERM
    assert "Application shutdown complete." in log
    assert "Cancel" not in log  # which is what uvicorn says of responses that it gives up
    assert "Traceback" not in log


# Inside the server


def accepted(execution_id: UUID, seconds: int = 60) -> Answer:
    headers = {
        "location": f"/api/workspaces/henge/workflows/executions/{execution_id}",
        "preference-applied": f"wait={seconds}",
        "content-length": "5",
    }
    return Answer(202, [(name.encode(), value.encode()) for name, value in headers.items()], b"first")


SCOPE: Any = {
    "type": "http",
    "method": "POST",
    "path": "/api/workspaces/henge/workflows/1/execute",
    "query_string": b"wait=60",
    "headers": [(b"authorization", b"Bearer of this client"), (b"content-length", b"2"), (b"prefer", b"wait=60")],
}


class Asked:
    """Stands in for Django: answers each request in the same way, and keeps what was asked."""

    def __init__(self, status: int, body: bytes = b"{}") -> None:
        self.answer = Answer(status, [(b"content-length", str(len(body)).encode())], body)
        self.requests: list[Any] = []

    async def __call__(self, scope: Any, body: bytes) -> Answer:
        self.requests.append(scope)
        return self.answer


async def stays() -> Any:
    await asyncio.Event().wait()


async def leaves() -> Any:
    return {"type": "http.disconnect"}


async def hold(asked: Asked, first: Answer, receive: Any = stays) -> Answer | None:
    return await Holding(asked, Endings(), at_once=1).hold(first, SCOPE, receive)


def ended() -> Execution:
    return services.cancel(execution=services.start(workflow=scene.workflow("ended", scene.wait(LONG_SECONDS))))


def test_the_location_is_read_in_the_clients_name() -> None:
    asked = Asked(200)
    answer = asyncio.run(hold(asked, accepted(ended().pk)))

    assert answer is not None
    assert (answer.status, answer.body, answer.header(b"content-length")) == (200, b"{}", b"2")
    assert answer.header(b"preference-applied") == b"wait=60"
    [request] = asked.requests
    assert (request["method"], request["query_string"]) == ("GET", b"")
    assert request["path"].endswith(str(Execution.objects.get().pk))
    assert request["headers"] == [(b"authorization", b"Bearer of this client")]


@pytest.mark.parametrize(("status", "answered"), [(403, 202), (429, 202), (401, 401), (404, 404), (503, 503)])
def test_what_came_of_reading_it_is_the_answer_unless_it_is_for_others_or_for_later(status: int, answered: int) -> None:
    answer = asyncio.run(hold(Asked(status), accepted(ended().pk)))

    assert answer is not None
    assert answer.status == answered


@pytest.mark.parametrize(("completed_at", "status"), [(b"null", 202), (b'"2026-11-23T12:00:00Z"', 200)])
def test_an_end_at_the_last_moment_counts(completed_at: bytes, status: int) -> None:
    execution = services.start(workflow=scene.workflow("runs", scene.wait(LONG_SECONDS)))
    asked = Asked(200, b'{"execution": {"completedAt": %b}}' % completed_at)

    answer = asyncio.run(hold(asked, accepted(execution.pk, seconds=1)))

    assert answer is not None
    assert answer.status == status


@pytest.mark.parametrize("status", [200, 400, 404, 500])
def test_no_other_answer_is_held(status: int) -> None:
    first = Answer(status, accepted(uuid7()).headers, b"")
    assert asyncio.run(hold(Asked(200), first)) is first


def test_a_client_that_leaves_leaves_nothing_behind() -> None:
    execution = services.start(workflow=scene.workflow("runs", scene.wait(LONG_SECONDS)))
    asked = Asked(200)

    async def held_and_left() -> None:
        assert await hold(asked, accepted(execution.pk), leaves) is None
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.wait_for(asyncio.gather(*others, return_exceptions=True), timeout=30)

    asyncio.run(held_and_left())
    assert asked.requests == []
