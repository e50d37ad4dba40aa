"""Actions with several executions at once, as the list and its pages send them."""

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from executions.models import Execution
from tests.admin.lists import LIST
from tests.admin.pages import words

CANCEL, AGAIN = "cancel_selected", "run_again_selected"


def post(client: Client, action: str, executions: Iterable[Execution], address: str = LIST, **fields: Any) -> Any:
    selected = [str(execution.pk) for execution in executions]
    return client.post(address, {"action": action, "_selected_action": selected, **fields})


def asked(client: Client, action: str, executions: Iterable[Execution], **fields: Any) -> str:
    """The page that asks."""
    answer: HttpResponse = post(client, action, executions, index="0", **fields)
    assert answer.status_code == 200, answer
    return answer.content.decode()


def confirmed(client: Client, action: str, executions: Iterable[Execution], **fields: Any) -> str:
    """The page that tells what happened."""
    fields = {"once": uuid4(), **fields}
    answer = post(client, action, executions, **fields)
    assert answer.status_code == 302
    return words(client.get(answer.url).content.decode())


def statuses(*executions: Execution) -> list[str]:
    return [Execution.objects.get(pk=execution.pk).status for execution in executions]


def user_of(client: Client) -> User:
    return User.objects.get(pk=client.session["_auth_user_id"])
