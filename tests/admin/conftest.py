"""Who signs in to the admin: superusers, and staff with a role in a workspace."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.factories import MembershipFactory, UserFactory, WorkspaceFactory
from workspaces.models import Membership, Role, Workspace

SignIn = Callable[[Workspace | None, Role], Client]


@pytest.fixture
def signed_in() -> SignIn:
    """A client of somebody of the staff with this role in the workspace; without a workspace, with none anywhere."""

    def sign_in(workspace: Workspace | None, role: Role = Role.MEMBER) -> Client:
        user = UserFactory.create(is_staff=True)
        if workspace:
            MembershipFactory.create(workspace=workspace, user=user, role=role)
        client = Client()
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def workspace() -> Workspace:
    workspace: Workspace = WorkspaceFactory.create(name="Ours", slug="ours")
    return workspace


@pytest.fixture
def newcomer() -> User:
    newcomer: User = UserFactory.create(username="newcomer", email="new@example.org")
    return newcomer


def member(workspace: Workspace, role: Role = Role.MEMBER) -> Membership:
    membership: Membership = MembershipFactory.create(workspace=workspace, role=role)
    return membership
