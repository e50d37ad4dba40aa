"""The list of executions as somebody sees it, and executions to list."""

import re
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import UUID

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from executions.models import Execution
from executions.states import FINAL
from tests.admin.pages import words
from tests.factories import WorkflowFactory
from workflows.models import Workflow

LIST = reverse("admin:executions_execution_changelist")
_CHECKBOX = re.compile(r'name="_selected_action" value="([0-9a-f-]{36})"')


def an_execution(workflow: Workflow | None = None, minutes_ago: float = 1, **fields: Any) -> Execution:
    """COMPLETED unless said otherwise, and as the journal would have left it."""
    workflow = workflow or WorkflowFactory.create()
    created = timezone.now() - timedelta(minutes=minutes_ago)
    status = fields.setdefault("status", "COMPLETED")
    end = {"completed_at": created} if status in FINAL else {"wake_at": created + timedelta(days=1)}
    began = None if status == "PENDING" else created
    return Execution.objects.create(
        workspace_id=workflow.workspace_id,
        workflow=workflow,
        version_id=workflow.version_id,
        **{
            "created_at": created,
            "started_at": began,
            "total_steps": 4,
            **end,
            **fields,
        },
    )


def failed(message: str, workflow: Workflow | None = None, **fields: Any) -> Execution:
    error = {"code": "ON_PURPOSE", "message": message, "traceback": "in pay_the_bill"}
    return an_execution(workflow, **{"status": "FAILED", "error": error, **fields})


def source(client: Client, address: str = "", **query: Any) -> str:
    """Of the list at this address, or with this query."""
    answer = client.get(f"{LIST}{address}", query or None)
    assert answer.status_code == 200, answer
    return answer.content.decode()


def shown(client: Client, address: str = "", **query: Any) -> list[UUID]:
    """The ids in the order of their rows."""
    return ids_in(source(client, address, **query))


def ids_in(page: str) -> list[UUID]:
    return [UUID(pk) for pk in _CHECKBOX.findall(page)]


def notes(page: str) -> str:
    said = " ".join(words(note) for note in re.findall(r'<p class="t-note">.*?</p>', page, re.DOTALL))
    return re.sub(r" ([.,])", r"\1", said)


def link(page: str, kind: str) -> str | None:
    """The query of the link to the `next` page, which is older, or to the one before, `prev`."""
    found = re.search(rf'<a [^>]*href="(\?[^"]*)" rel="{kind}"', page)
    return unescape(found[1]) if found else None


def statements(client: Client, address: str = "", **query: Any) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        source(client, address, **query)
    return [statement["sql"] for statement in captured.captured_queries]
