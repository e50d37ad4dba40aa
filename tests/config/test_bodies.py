"""Bodies that are too large, come in pieces, or never come to an end."""

import asyncio
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import LazySettings

from config import bodies
from config.bodies import Refused
from executions.models import Execution
from tests.config.processes import SECONDS
from tests.config.servers import Server, execute_path, read_raw, serving
from tests.executions.programs import scene
from workflows.models import Workflow
from workspaces import tokens

MAX_BYTES = 10


def request(**headers: str) -> Any:
    return {
        "type": "http",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }


def part(body: bytes, *, more: bool = True) -> Any:
    return {"type": "http.request", "body": body, "more_body": more}


class Client:
    """Sends these parts and then nothing more, without ever ending its request."""

    def __init__(self, *parts: Any) -> None:
        self.parts = list(parts)

    async def __call__(self) -> Any:
        if not self.parts:
            await asyncio.Event().wait()
        return self.parts.pop(0)


def read(client: Any, seconds: float = SECONDS, **headers: str) -> bytes:
    return asyncio.run(bodies.read(request(**headers), client, max_bytes=MAX_BYTES, seconds=seconds))


def refusal(client: Any, seconds: float = SECONDS, **headers: str) -> tuple[int, Any]:
    with pytest.raises(Refused) as refused:
        read(client, seconds, **headers)
    answer = refused.value.answer
    assert answer is not None
    assert answer.header(b"content-type") == b"application/problem+json"
    assert answer.header(b"connection") == b"close"
    return answer.status, json.loads(answer.body)["error"]


def test_it_reads_to_the_end_what_comes_in_pieces() -> None:
    assert read(Client(part(b"12345"), part(b""), part(b"67890", more=False))) == b"1234567890"


def test_it_reads_no_byte_of_what_says_that_it_is_too_large() -> None:
    client = Client(part(b"1"))
    assert refusal(client, content_length="11") == (413, "PAYLOAD_TOO_LARGE")
    assert len(client.parts) == 1


@pytest.mark.parametrize("length", ["9" * 5_000, "000000000000000000011"])
def test_a_length_of_any_length_is_compared(length: str) -> None:
    assert refusal(Client(), content_length=length)[0] == 413


def test_it_stops_reading_where_it_becomes_too_large() -> None:
    client = Client(part(b"12345"), part(b"678901"), part(b"never read"))
    assert refusal(client) == (413, "PAYLOAD_TOO_LARGE")
    assert len(client.parts) == 1


@pytest.mark.parametrize("length", ["-1", "+1", "1_0", "", "ten", "1,1"])
def test_what_is_no_length_is_counted(length: str) -> None:
    assert read(Client(part(b"1", more=False)), content_length=length) == b"1"
    assert refusal(Client(part(b"12345678901")), content_length=length)[0] == 413


def test_who_takes_too_long_is_told_so() -> None:
    assert refusal(Client(part(b"1")), seconds=0.01) == (408, "REQUEST_TIMEOUT")


def test_each_byte_in_time_is_too_late_in_the_end() -> None:
    async def drip() -> Any:
        await asyncio.sleep(0)
        return part(b"")

    assert refusal(drip, seconds=0.01) == (408, "REQUEST_TIMEOUT")


def test_nobody_answers_a_client_that_left() -> None:
    with pytest.raises(Refused) as refused:
        read(Client(part(b"1"), {"type": "http.disconnect"}))
    assert refused.value.answer is None


# From outside


@pytest.fixture
def server(transactional_db: None) -> Iterator[Server]:
    with serving(WEB_THREADS=2) as server:
        yield server


@pytest.fixture
def workflow(transactional_db: None) -> Workflow:
    return scene.workflow("task", scene.task("{{ trigger.title }}"))


@pytest.fixture
def head(workflow: Workflow) -> str:
    """The beginning of a request that executes the workflow; its body may be framed as a test likes."""
    _, token = tokens.issue(user=workflow.workspace.memberships.get().user, name="test", scopes=["read", "execute"])
    return (
        f"POST {execute_path(workflow)} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/json\r\n"
    )


def raw(server: Server, text: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS)
    connection.sendall(text.encode())
    return connection


def test_clients_that_drip_hold_no_thread(server: Server, head: str) -> None:
    dripping = [raw(server, f"{head}Content-Length: 100\r\n\r\n{{") for _ in range(20)]

    assert server.ask("GET", "/healthz").status == 200
    for connection in dripping:
        connection.close()
    assert server.ask("GET", "/healthz").status == 200
    assert not Execution.objects.exists()


def test_a_chunked_body_is_read_like_any_other(server: Server, head: str) -> None:
    body = '{"triggerData": {"title": "in pieces"}}'
    chunks = "".join(f"1\r\n{letter}\r\n" for letter in body)
    reply = read_raw(raw(server, f"{head}Transfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"))

    assert reply.status == 202
    assert reply.body["execution"]["triggerData"] == {"title": "in pieces"}


@pytest.mark.parametrize("framing", ["Content-Length: 1000000000", "Transfer-Encoding: chunked"])
def test_too_large_a_body_is_refused_before_it_has_come(
    server: Server, head: str, framing: str, settings: LazySettings
) -> None:
    size = settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1
    beginning = f"{size:x}\r\n{' ' * size}\r\n" if "chunked" in framing else ""
    reply = read_raw(raw(server, f"{head}{framing}\r\n\r\n{beginning}"))

    assert (reply.status, reply.body["error"], reply.headers["Connection"]) == (413, "PAYLOAD_TOO_LARGE", "close")
    assert not Execution.objects.exists()


def test_who_sends_too_much_without_looking_still_gets_the_answer(
    server: Server, head: str, settings: LazySettings
) -> None:
    size = 8 * settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    reply = read_raw(raw(server, f"{head}Content-Length: {size}\r\n\r\n{' ' * size}"))

    assert reply.status == 413


def test_an_upload_to_the_admin_is_bounded_alike(server: Server) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    connection = server.send("POST", "/admin/login/", "", **kind | {"Content-Length": "1000000000"})

    assert connection.getresponse().status == 413
    connection.close()


@pytest.mark.parametrize("name", ["Trilith-Held-By-Server", "Trilith_Held_By_Server"])
def test_no_header_of_a_client_changes_who_holds(server: Server, head: str, name: str) -> None:
    head = head.replace("/execute ", "/execute?wait=60 ")
    reply = read_raw(raw(server, f"{head}{name}: 1\r\nContent-Length: 2\r\n\r\n{{}}"))

    assert (reply.status, reply.headers["Preference-Applied"]) == (200, "wait=60")
