"""Finding members. What is made for them is tested with the actions that make it."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.factories import MembershipFactory, UserFactory, WorkspaceFactory
from workspaces import services
from workspaces.models import Role, Workspace
from workspaces.services import NoSuchMember

pytestmark = pytest.mark.django_db


@pytest.fixture
def workspace() -> Workspace:
    workspace: Workspace = WorkspaceFactory.create()
    return workspace


@pytest.mark.parametrize("role", Role)
def test_a_member_of_any_role_is_found(workspace: Workspace, role: Role) -> None:
    user = MembershipFactory.create(workspace=workspace, role=role).user

    for reference in (user.pk, user.username, user.email.upper()):
        assert services.member(workspace_id=workspace.pk, reference=reference) == user


@pytest.mark.parametrize("reference", ["", "  ", "\t", "%", "_", "nobody", 0, -5, 2**31, 2**63 - 1])
def test_nobody_else_is(workspace: Workspace, reference: int | str) -> None:
    MembershipFactory.create(workspace=workspace, user__email="")

    with pytest.raises(NoSuchMember, match="give an id, a user name or an address"):
        services.member(workspace_id=workspace.pk, reference=reference)


def test_a_number_is_an_id_and_a_text_is_not(workspace: Workspace) -> None:
    user = MembershipFactory.create(workspace=workspace).user
    namesake = MembershipFactory.create(workspace=workspace, user=UserFactory.create(username=str(user.pk))).user

    assert services.member(workspace_id=workspace.pk, reference=user.pk) == user
    assert services.member(workspace_id=workspace.pk, reference=str(user.pk)) == namesake


def test_someone_who_left_or_is_not_active_is_not_found(workspace: Workspace) -> None:
    inactive = MembershipFactory.create(workspace=workspace, user__is_active=False).user
    left = MembershipFactory.create(workspace=workspace)
    left.delete()

    for user in (inactive, left.user):
        with pytest.raises(NoSuchMember):
            services.member(workspace_id=workspace.pk, reference=user.pk)


def test_finding_a_member_costs_one_or_two_queries(
    workspace: Workspace, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    user = MembershipFactory.create(workspace=workspace).user

    for reference, queries in ((user.pk, 1), (user.username, 1), (user.email, 2)):
        with django_assert_max_num_queries(queries):
            services.member(workspace_id=workspace.pk, reference=reference)
