"""Prepares the database of DATABASE_URL for `stream`; prints as JSON whom to ask as, and for what."""

import json
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.core.management import call_command  # noqa: E402 (the apps have to be there first)

from tests.factories import MembershipFactory, WorkflowFactory, WorkspaceFactory, definition  # noqa: E402 (the apps have to be there first)
from workflows.documents import Json  # noqa: E402 (the apps have to be there first)
from workspaces import tokens  # noqa: E402 (the apps have to be there first)

USERS = 101
STEPS = 40
BUSY_STEPS = 300
PACED_STEPS = 100
HEAVY_STEPS = 40


def wait(**config: int) -> Json:
    return {"type": "wait", "config": {**config}}


def main() -> None:
    call_command("migrate", verbosity=0)
    workspace = WorkspaceFactory.create()
    members = [MembershipFactory.create(workspace=workspace) for _ in range(USERS)]
    of_them = [tokens.issue(user=each.user, name="benchmark", scopes=["read", "execute"])[1] for each in members]
    step: Json = {"type": "condition", "config": {"expression": "true"}}
    task: Json = {"type": "create_task", "config": {"title": "heavy", "description": "{{ trigger.text }}"}}
    workflows = {
        "heavy": definition(wait(durationMs=3000), *[task] * HEAVY_STEPS),
        "watched": definition(wait(durationMs=1500), *[wait(durationMs=20)] * STEPS),
        "paced": definition(wait(durationMs=2000), *[wait(durationMs=20)] * PACED_STEPS),
        "busy": definition(wait(durationMs=2000), *[step] * BUSY_STEPS),
        "asleep": definition(wait(hours=1)),
    }
    base = f"/api/workspaces/{workspace.slug}/workflows"
    made = {name: WorkflowFactory.create(workspace=workspace, definition=each) for name, each in workflows.items()}
    execute = {name: f"{base}/{workflow.pk}/execute" for name, workflow in made.items()}
    print(json.dumps({"tokens": of_them, "execute": execute, "executions": f"{base}/executions"}))


if __name__ == "__main__":
    main()
