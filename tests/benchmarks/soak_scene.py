"""Prepares the database of DATABASE_URL for `soak`; prints as JSON where to ask, with which token and which session."""

import json
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.executions.programs.settings")
django.setup()

from django.conf import settings  # noqa: E402 (the apps have to be there first)
from django.core.management import call_command  # noqa: E402 (the apps have to be there first)
from django.test import Client  # noqa: E402 (the apps have to be there first)

from tests.factories import MembershipFactory, UserFactory, WorkflowFactory, definition  # noqa: E402 (the apps have to be there first)
from workflows.documents import Json  # noqa: E402 (the apps have to be there first)
from workspaces import tokens  # noqa: E402 (the apps have to be there first)

QUICK: Json = {"type": "test_pid", "config": {"seconds": 0.001}}
BROKEN: Json = {"type": "test_log", "config": {"text": "{{ trigger.missing }}"}}
LARGE: Json = {"type": "test_log", "config": {"text": "{{ trigger.text }}"}}


def steps(refused: str) -> dict[str, list[Json]]:
    """By the kind of workflow; `refused` is where nothing answers."""
    policy: Json = {"maxRetries": 2, "delayMs": 200, "jitter": False}
    call: Json = {"type": "call_api", "config": {"url": refused}, "onError": "retry", "retryConfig": policy}
    return {
        "quick": [QUICK] * 3,
        "waiting": [QUICK, {"type": "wait", "config": {"seconds": 1}}, QUICK],
        "retried": [QUICK, call],
        "failing": [QUICK, BROKEN],
        "cancelled": [QUICK, {"type": "wait", "config": {"hours": 1}}],
        "large": [LARGE, QUICK],
    }


def main(refused: str) -> None:
    call_command("migrate", verbosity=0)
    member = MembershipFactory.create()
    path = f"/api/workspaces/{member.workspace.slug}/workflows"
    made = {
        kind: WorkflowFactory.create(workspace=member.workspace, name=kind, definition=definition(*actions))
        for kind, actions in steps(refused).items()
    }
    _, token = tokens.issue(user=member.user, name="soak", scopes=["read", "execute"])
    client = Client()
    client.force_login(UserFactory.create(is_staff=True, is_superuser=True))
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    execute = {kind: f"{path}/{workflow.pk}/execute" for kind, workflow in made.items()}
    pages = ["/admin/", "/admin/executions/execution/", f"{path}/{made['quick'].pk}/executions?limit=50"]
    scene = {
        "token": token,
        "cookie": f"{cookie.key}={cookie.value}",
        "execute": execute,
        "executions": f"{path}/executions",
        "pages": pages,
        "quick": made["quick"].pk.hex,
    }
    print(json.dumps(scene))


if __name__ == "__main__":
    main(sys.argv[1])
