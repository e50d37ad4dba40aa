"""Prepares the database of DATABASE_URL for `api`; prints as JSON where to ask and with which token."""

import json
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.core.management import call_command  # noqa: E402 (the apps have to be there first)

from tests.factories import MembershipFactory, WorkflowFactory, definition  # noqa: E402 (the apps have to be there first)
from workflows.documents import Json  # noqa: E402 (the apps have to be there first)
from workspaces import tokens  # noqa: E402 (the apps have to be there first)

ONE_STEP: Json = {"type": "condition", "config": {"expression": "true"}}
SLEEP: Json = {"type": "wait", "config": {"hours": 1}}


def main() -> None:
    call_command("migrate", verbosity=0)
    member = MembershipFactory.create()
    workflows = f"/api/workspaces/{member.workspace.slug}/workflows"
    short, long = (
        WorkflowFactory.create(workspace=member.workspace, definition=definition(step)) for step in (ONE_STEP, SLEEP)
    )
    _, token = tokens.issue(user=member.user, name="benchmark", scopes=["read", "execute"])
    scene = {
        "token": token,
        "execute": f"{workflows}/{short.pk}/execute",
        "sleep": f"{workflows}/{long.pk}/execute",
        "executions": f"{workflows}/executions",
    }
    print(json.dumps(scene))


if __name__ == "__main__":
    main()
