"""What a run starts: three small workflows in two workspaces; and beside them one that nobody may touch."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from executions import services
from executions.engine import journal, runner
from executions.models import Execution, Step
from tests.executions.programs import scene
from tests.faults.history import Row
from tests.faults.sink import Sink
from workflows import services as workflows
from workflows.documents import Json
from workflows.models import Workflow, WorkflowStatus
from workspaces import tokens
from workspaces.models import Membership, Organization, Role, Task, Workspace

ASLEEP_SECONDS = 86_400
FLAKY: dict[str, Json] = {"onError": "retry", "retryConfig": {"maxRetries": 3, "delayMs": 40, "jitter": False}}


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody with a token, whose text is `bearer`."""

    user: User
    bearer: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A workflow that is started. `expected`: how its steps end; nothing where it is to be cancelled."""

    workflow: Workflow
    member: Member
    expected: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """`pieces`: two that end by themselves, the second in a workspace of its own, and one that is to be cancelled."""

    pieces: list[Piece]


def member(name: str) -> Member:
    user = User.objects.create_user(username=name, email=f"{name}@example.org")
    _, text = tokens.issue(user=user, name="of a client", scopes=["read", "execute"])
    return Member(user, text)


def place(slug: str, *members: Member) -> Workspace:
    owner, _ = User.objects.get_or_create(username="owner")
    organization, _ = Organization.objects.get_or_create(slug="stones", defaults={"name": "Stones", "owner": owner})
    made = Workspace.objects.create(slug=slug, name=slug, organization=organization)
    for each in members:
        Membership.objects.create(workspace=made, user=each.user, role=Role.MEMBER)
    return made


def active(workspace: Workspace, name: str, *steps: scene.Action) -> Workflow:
    definition: dict[str, Json] = {"actions": [*steps]}
    return workflows.create(workspace=workspace, name=name, definition=definition, status=WorkflowStatus.ACTIVE)


def call(sink: Sink, path: str, **more: Json) -> scene.Action:
    return {"type": "call_api", "config": {"url": f"{sink.url}/{path}", "method": "POST"}, **more}


def set_up(number: int, sink: Sink, ada: Member, bob: Member) -> Stage:
    henge, avebury = place(f"henge-{number}", ada), place(f"avebury-{number}", bob)
    flaky, missing = call(sink, "flaky", **FLAKY), call(sink, "missing", onError="continue")
    orders = [call(sink, "ok"), scene.task("pack"), scene.wait(0.12), flaky, missing, call(sink, "ok")]
    bills = [scene.task("write"), call(sink, "flaky", **FLAKY), scene.wait(0.12), scene.task("send")]
    long = [call(sink, "ok"), scene.wait(ASLEEP_SECONDS), scene.task("never"), call(sink, "ok")]
    return Stage(
        [
            _piece(henge, ada, "orders", orders, failed=4),
            _piece(avebury, bob, "bills", bills),
            Piece(active(henge, "long", *long), ada, ()),
        ]
    )


def _piece(workspace: Workspace, who: Member, name: str, steps: list[scene.Action], failed: int | None = None) -> Piece:
    expected = tuple("failed" if index == failed else "success" for index in range(len(steps)))
    return Piece(active(workspace, name, *steps), who, expected)


def bystander() -> Workspace:
    """A workspace with an execution that has ended and one that sleeps."""
    carnac = place("carnac")
    services.run(execution=services.start(workflow=active(carnac, "ended", scene.task("done"))))
    asleep = services.start(workflow=active(carnac, "asleep", scene.task("done"), scene.wait(ASLEEP_SECONDS)))
    claim = journal.claim(asleep.pk)
    assert claim
    runner.run(claim)
    return carnac


def rows_of(workspace: Workspace) -> list[Row]:
    """All that is stored there of workflows, executions, steps and tasks."""
    tables: list[Any] = [
        Workflow.objects.filter(workspace=workspace), Execution.objects.filter(workspace=workspace),
        Step.objects.filter(execution__workspace=workspace), Task.objects.filter(workspace=workspace),
    ]  # fmt: skip
    return [row for table in tables for row in table.order_by("pk").values()]


def execution_rows(execution_id: UUID | str) -> tuple[Row, list[Row]]:
    """That of the execution and those of its steps, by path."""
    execution: Any = Execution.objects.filter(pk=execution_id).values().get()
    steps: Any = Step.objects.filter(execution__pk=execution_id).order_by("path").values()
    return execution, list(steps)
