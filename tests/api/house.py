"""A workspace with somebody in each role, and a row of each kind; and a stranger with a workspace of his own."""

from dataclasses import dataclass, field
from functools import cached_property

from django.contrib.auth.models import User

from executions import services as executions
from executions.models import Execution
from tests.api.clients import Api, with_token
from tests.factories import ExecutionFactory, MembershipFactory, UserFactory, WorkflowFactory, WorkspaceFactory
from workflows.models import Workflow, WorkflowStatus
from workspaces import secrets, tokens
from workspaces.models import ApiToken, Membership, Notification, Role, Secret, Task, Workspace
from workspaces.services import create_task, notify

ROLES = ("guest", "member", "admin", "owner")
PEOPLE = ("stranger", *ROLES)


@dataclass
class House:
    slug: str = "sales"
    people: dict[str, User] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.people |= {name: UserFactory.create(username=f"{name}-of-{self.slug}") for name in PEOPLE}
        for name in ROLES:
            MembershipFactory.create(workspace=self.workspace, user=self.people[name], role=Role(name.upper()))

    @property
    def path(self) -> str:
        return f"workspaces/{self.slug}"

    @cached_property
    def workspace(self) -> Workspace:
        workspace: Workspace = WorkspaceFactory.create(slug=self.slug)
        return workspace

    @cached_property
    def elsewhere(self) -> Workspace:
        """Where the stranger is the owner, and the owner of this one too."""
        workspace: Workspace = WorkspaceFactory.create()
        for name in ("stranger", "owner"):
            MembershipFactory.create(workspace=workspace, user=self.people[name], role=Role.OWNER)
        return workspace

    @cached_property
    def intern(self) -> Membership:
        """One more member, of the lowest role."""
        membership: Membership = MembershipFactory.create(workspace=self.workspace, role=Role.GUEST)
        return membership

    @cached_property
    def workflow(self) -> Workflow:
        return WorkflowFactory.create(workspace=self.workspace)

    @cached_property
    def secret(self) -> Secret:
        secret, _ = secrets.put(workspace=self.workspace, name="API_KEY", value="sk-4f0a81c2d9e7")
        return secret

    @cached_property
    def draft(self) -> Workflow:
        return WorkflowFactory.create(workspace=self.workspace, status=WorkflowStatus.DRAFT)

    @cached_property
    def execution(self) -> Execution:
        return ExecutionFactory.create(workflow=self.workflow)

    @cached_property
    def ended(self) -> Execution:
        """An execution of which nothing is to come, so that its stream has an end."""
        return executions.cancel(execution=ExecutionFactory.create(workflow=self.workflow))

    @cached_property
    def task(self) -> Task:
        return create_task(workspace_id=self.workspace.pk, title="Call Ada")

    @cached_property
    def token(self) -> ApiToken:
        return tokens.issue(user=self.people["owner"], name="ci", scopes=["read"], workspace=self.workspace)[0]

    def notification_of(self, name: str) -> Notification:
        return notify(workspace_id=self.workspace.pk, recipient=self.people[name], message="Ada has called")

    def own_token_of(self, name: str) -> ApiToken:
        return tokens.issue(user=self.people[name], name="laptop", scopes=["read"])[0]

    def api(self, name: str) -> Api:
        """By a session; `anonymous` has none."""
        return Api(user=self.people.get(name))

    @cached_property
    def guest(self) -> Api:
        return with_token(self.people["guest"])

    @cached_property
    def member(self) -> Api:
        return with_token(self.people["member"])

    @cached_property
    def admin(self) -> Api:
        return with_token(self.people["admin"])

    @cached_property
    def owner(self) -> Api:
        return with_token(self.people["owner"])

    @cached_property
    def stranger(self) -> Api:
        return with_token(self.people["stranger"])
