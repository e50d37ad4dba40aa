"""A workspace with one member, and workflows in it."""

from django.contrib.auth.models import User

from tests.executions.programs import actions
from tests.executions.programs.sink import Sink
from workflows import services
from workflows.documents import Json
from workflows.models import Workflow, WorkflowStatus
from workspaces.models import Membership, Organization, Workspace

type Action = dict[str, Json]

TYPES = actions.__name__  # importing them has registered them in this process too


def workspace() -> Workspace:
    ada, _ = User.objects.get_or_create(username="ada", email="ada@example.org")
    organization, _ = Organization.objects.get_or_create(slug="stones", defaults={"name": "Stones", "owner": ada})
    place, _ = Workspace.objects.get_or_create(slug="henge", defaults={"name": "Henge", "organization": organization})
    Membership.objects.get_or_create(workspace=place, user=ada)
    return place


def workflow(name: str, *steps: Action, **definition: Json) -> Workflow:
    """An ACTIVE one."""
    document: dict[str, Json] = {"actions": list(steps), **definition}
    return services.create(workspace=workspace(), name=name, definition=document, status=WorkflowStatus.ACTIVE)


def call(sink: Sink, path: str, **more: Json) -> Action:
    """A step that posts to `path`, which also says how it is answered."""
    return {"name": path, "type": "call_api", "config": {"url": f"{sink.url}/{path}", "method": "POST"}, **more}


def task(title: str) -> Action:
    return {"type": "create_task", "config": {"title": title}}


def wait(seconds: float) -> Action:
    return {"type": "wait", "config": {"seconds": seconds}}


def retried(delay_ms: int) -> Action:
    return {"onError": "retry", "retryConfig": {"maxRetries": 3, "delayMs": delay_ms, "jitter": False}}
