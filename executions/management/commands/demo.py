import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from rich.console import Console
from rich.panel import Panel

import workflows
from executions.management.commands.run_workflow import exit_status, follow
from executions.management.demo_service import demo_service
from executions.states import ExecutionStatus
from workflows import services
from workflows.models import Workflow, WorkflowStatus
from workspaces.models import Membership, Organization, Role, Workspace

EXAMPLES = Path(workflows.__file__).parent / "examples"
ORDER = {"order": {"number": "A-1815", "customerId": 42, "total": 1250.0}}
PASSWORD = "demo"  # noqa: S105 (an example account, made only while DEBUG is on)
NEXT = """[bold]Next[/]
  make serve                                     admin and executor, http://127.0.0.1:8000 (ada / demo)
  {python} run_workflow demo "Nightly report" --data '{{"serviceUrl": "http://127.0.0.1:9"}}'
  {python} run_workflow demo "Order follow-up" --dry-run --data @order.json
  docs/getting-started.md                        your own workflow, in five minutes"""


class Command(BaseCommand):
    help = "Makes an example workspace with two people and three workflows, and runs one of them to its end."

    def handle(self, **_: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("The demo's accounts have a known password; it runs only while DEBUG is on.")
        workspace = _workspace()
        shown = {path.stem: _workflow(workspace, path) for path in sorted(EXAMPLES.glob("*.json"))}["order-follow-up"]
        console = Console()
        with demo_service() as address:
            settings.OUTBOUND_ALLOWED_HOSTS = [*settings.OUTBOUND_ALLOWED_HOSTS, address]
            data = {"serviceUrl": f"http://{address}", **ORDER}
            start = {"workflow": shown, "trigger_data": data, "trigger_type": "command", "dry_run": False}
            execution = follow(start, shown, console)
        if execution.status != ExecutionStatus.COMPLETED:
            raise CommandError(f"The demo ended as {execution.status}.", returncode=exit_status(execution))
        console.print(Panel(NEXT.format(python="python manage.py"), expand=False))


@transaction.atomic
def _workspace() -> Workspace:
    ada = _person("ada", is_staff=True, is_superuser=True)
    grace = _person("grace")
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


def _workflow(workspace: Workspace, path: Path) -> Workflow:
    """The example's workflow with its latest definition, ACTIVE."""
    document = json.loads(path.read_text(encoding="utf-8"))
    fields = {name: document.pop(name) for name in ("name", "description", "tags")}
    workflow = Workflow.objects.filter(workspace=workspace).addressed_by(fields["name"]).first()
    if workflow is None:
        return services.create(workspace=workspace, definition=document, status=WorkflowStatus.ACTIVE, **fields)
    services.change(workflow=workflow, definition=document, description=fields["description"], tags=fields["tags"])
    return services.set_status(workflow=workflow, status=WorkflowStatus.ACTIVE)
