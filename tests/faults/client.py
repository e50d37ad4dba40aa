"""A client of the API: of the one in this process, or of a server that may die before it has answered."""

import json
from http.client import HTTPConnection, HTTPException
from typing import Any

from django.test import Client

from tests.faults.history import Event
from tests.faults.stage import Member
from workflows.models import Workflow

HOST = "127.0.0.1"
SECONDS = 20

type Answer = tuple[int | None, Any]
"""Status and body; None where none came."""


def path_of(workspace: str, execution: object) -> str:
    return f"/api/workspaces/{workspace}/workflows/executions/{execution}"


def execute_path(workflow: Workflow) -> str:
    return f"/api/workspaces/{workflow.workspace.slug}/workflows/{workflow.pk}/execute"


def ask(
    member: Member, method: str, path: str, body: str | None = None, port: int | None = None, **more: str
) -> Answer:
    headers = {"Authorization": f"Bearer {member.bearer}", **{k.replace("_", "-"): v for k, v in more.items()}}
    return _of_server(port, method, path, body, headers) if port else _here(method, path, body, headers)


def _here(method: str, path: str, body: str | None, headers: dict[str, str]) -> Answer:
    answer = Client(SERVER_NAME=HOST).generic(method, path, body or "", "application/json", headers=headers)
    return answer.status_code, json.loads(answer.content or b"null")


def _of_server(port: int, method: str, path: str, body: str | None, headers: dict[str, str]) -> Answer:
    connection = HTTPConnection(HOST, port, timeout=SECONDS)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    except (HTTPException, ConnectionError):
        return None, None
    finally:
        connection.close()


def stream(member: Member, path: str, since: int) -> list[Event]:
    """All that comes after the event `since`, of an execution that has ended; nothing when that was the last."""
    headers = {"Authorization": f"Bearer {member.bearer}", "Accept": "text/event-stream", "Last-Event-ID": str(since)}
    answer: Any = Client(SERVER_NAME=HOST).get(f"{path}/stream", headers=headers)
    if answer.status_code == 204:
        return []
    text = b"".join(answer.streaming_content).decode()
    return [_event(block) for block in text.split("\n\n") if block.strip(":\n ")]


def _event(block: str) -> Event:
    fields = dict(line.split(": ", 1) for line in block.strip().splitlines() if not line.startswith(":"))
    return Event(
        fields.get("event", "message"),
        int(fields["id"]) if "id" in fields else None,
        json.loads(fields.get("data", "null")),
    )
