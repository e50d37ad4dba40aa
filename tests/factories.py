# mypy: disable-error-code="no-untyped-call"
"""What tests are about, made with as little said as possible: `WorkflowFactory(definition=…)`, `UserFactory()`."""

from django.contrib.auth.models import User
from factory.base import Factory
from factory.declarations import LazyAttribute, LazyFunction, Sequence, SubFactory
from factory.django import DjangoModelFactory

from executions import services as executions
from executions.models import Execution
from workflows import services as workflows
from workflows.documents import Json
from workflows.models import Workflow, WorkflowStatus
from workspaces.models import Membership, Organization, Role, Workspace


def definition(*actions: Json, **fields: Json) -> dict[str, Json]:
    """A definition of these actions; without any, of one that does nothing."""
    return {"actions": list(actions) or [{"type": "wait", "config": {"durationMs": 0}}], **fields}


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User

    username = Sequence("user{}".format)
    email = LazyAttribute(lambda user: f"{user.username}@example.org")


class OrganizationFactory(DjangoModelFactory[Organization]):
    class Meta:
        model = Organization

    name = "Organization"
    slug = Sequence("organization-{}".format)
    owner = SubFactory(UserFactory)


class WorkspaceFactory(DjangoModelFactory[Workspace]):
    class Meta:
        model = Workspace

    name = "Workspace"
    slug = Sequence("workspace-{}".format)
    organization = SubFactory(OrganizationFactory)


class MembershipFactory(DjangoModelFactory[Membership]):
    class Meta:
        model = Membership

    workspace = SubFactory(WorkspaceFactory)
    user = SubFactory(UserFactory)
    role = Role.MEMBER


class WorkflowFactory(Factory[Workflow]):
    """Through the service, so that its definition is checked and it has its first version."""

    class Meta:
        model = workflows.create

    workspace = SubFactory(WorkspaceFactory)
    name = Sequence("Workflow {}".format)
    status = WorkflowStatus.ACTIVE
    definition = LazyFunction(definition)


class ExecutionFactory(Factory[Execution]):
    """Through the service: PENDING, with its workflow's variables."""

    class Meta:
        model = executions.start

    workflow = SubFactory(WorkflowFactory)
