import json
import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from rich.console import Console

import workflows
from executions.management.demo_service import demo_service
from executions.management.following import follow
from workflows import services
from workflows.documents import Json
from workflows.models import Workflow, WorkflowStatus
from workspaces.models import Membership, Organization, Role, Workspace

EXAMPLES = Path(workflows.__file__).parent / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.json"))
ORDER: Json = {"order": {"number": "A-1815", "customerId": 42, "total": 1250.0}}
PASSWORD = "demo"  # noqa: S105 (an example account, made only while DEBUG is on)
# No frame and no wrapping: a line is copied as it stands.
NEXT = """
[bold]Next[/]
  [dim]see what was made, at http://127.0.0.1:8000 as ada, password demo[/]
  make serve

  [dim]a workflow of which a step fails, and which goes on[/]
  {python} manage.py run_workflow demo "Nightly report"

  [dim]what a large order would send, without sending it[/]
  {python} manage.py run_workflow demo "Order follow-up" --dry-run \\
      --data '{{"order": {{"number": "B-7", "customerId": 7, "total": 2500}}}}'

  [dim]your own workflow, in five minutes[/]
  docs/getting-started.md
"""


class Command(BaseCommand):
    help = "Makes an example workspace with two people and three workflows, and runs one of them to its end."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("example", nargs="?", choices=NAMES, default="order-follow-up", help="which one to run")

    def handle(self, *, example: str, **_: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("The demo's accounts have a known password; it runs only while DEBUG is on.")
        workspace = _workspace()
        made = {name: _workflow(workspace, name) for name in NAMES}
        console = Console()
        with demo_service(settings.OUTBOUND_ALLOWED_HOSTS) as address, _allowed(address):
            variables = {"serviceUrl": f"http://{address}"}
            start = {"trigger_data": ORDER, "variables": variables}
            status = follow(workflow=made[example], console=console, **start)[1]
        if status:
            sys.exit(status)
        console.print(NEXT.format(python=_python()), highlight=False, soft_wrap=True)


@contextmanager
def _allowed(address: str) -> Iterator[None]:
    """Lets this process call the demo's service, which the guard against internal addresses would refuse."""
    earlier = settings.OUTBOUND_ALLOWED_HOSTS
    settings.OUTBOUND_ALLOWED_HOSTS = [*earlier, address]
    try:
        yield
    finally:
        settings.OUTBOUND_ALLOWED_HOSTS = earlier


def _python() -> str:
    """This interpreter as it is to be typed here."""
    relative = os.path.relpath(sys.executable)
    return sys.executable if relative.startswith("..") else relative


@transaction.atomic
def _workspace() -> Workspace:
    ada = _person("ada", is_staff=True, is_superuser=True)
    grace = _person("grace", is_staff=True)
    organization, _ = Organization.objects.get_or_create(slug="demo", defaults={"name": "Demo", "owner": ada})
    workspace, _ = Workspace.objects.get_or_create(slug="demo", defaults={"name": "Demo", "organization": organization})
    for user, role in ((ada, Role.OWNER), (grace, Role.MEMBER)):
        Membership.objects.get_or_create(workspace=workspace, user=user, defaults={"role": role})
    return workspace


def _person(username: str, **flags: bool) -> User:
    user, made = User.objects.get_or_create(
        username=username, defaults={"email": f"{username}@example.org", "first_name": username.title(), **flags}
    )
    if made:
        user.set_password(PASSWORD)
        user.save(update_fields=["password"])
    return user


def _workflow(workspace: Workspace, example: str) -> Workflow:
    """The example's workflow with its latest definition, ACTIVE."""
    document = json.loads((EXAMPLES / f"{example}.json").read_text(encoding="utf-8"))
    fields = {name: document.pop(name) for name in ("name", "description", "tags")}
    workflow = Workflow.objects.filter(workspace=workspace).addressed_by(fields["name"]).first()
    if workflow is None:
        return services.create(workspace=workspace, definition=document, status=WorkflowStatus.ACTIVE, **fields)
    services.change(workflow=workflow, definition=document, description=fields["description"], tags=fields["tags"])
    return services.set_status(workflow=workflow, status=WorkflowStatus.ACTIVE)
