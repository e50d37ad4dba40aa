from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.factories import OrganizationFactory, UserFactory, WorkspaceFactory
from workspaces.models import Membership, Organization, Role, Workspace

pytestmark = pytest.mark.django_db


def create(*arguments: str) -> str:
    output = StringIO()
    call_command("create_workspace", *arguments, stdout=output)
    return output.getvalue()


def test_a_user_gets_a_workspace_that_he_owns_and_an_organization_around_it() -> None:
    ada = UserFactory.create(username="ada")

    said = create("sales", "--owner", "ada", "--name", "Sales")

    workspace = Workspace.objects.get(slug="sales")
    assert workspace.name == "Sales"
    assert workspace.organization.owner == ada
    assert Membership.objects.get(workspace=workspace, user=ada).role == Role.OWNER
    assert "sales" in said


def test_it_joins_the_organization_of_that_slug_when_it_is_the_owners() -> None:
    ada = UserFactory.create(username="ada")
    organization = OrganizationFactory.create(slug="sales", owner=ada)

    create("sales", "--owner", "ada")

    assert Workspace.objects.get(slug="sales").organization == organization


@pytest.mark.parametrize("slug", ["Sales", "a b", "", "-a", "x" * 64, "01a20871-3912-7254-9f33-b595dde0b380"])
def test_a_slug_that_can_not_be_is_refused_and_leaves_nothing(slug: str) -> None:
    UserFactory.create(username="ada")

    with pytest.raises(CommandError, match="slug"):
        create(slug, "--owner", "ada")

    assert not Workspace.objects.exists()
    assert not Organization.objects.exists()


def test_a_slug_that_is_taken_is_refused() -> None:
    ada = UserFactory.create(username="ada")
    WorkspaceFactory.create(slug="sales", organization=OrganizationFactory.create(owner=ada))

    with pytest.raises(CommandError, match="slug"):
        create("sales", "--owner", "ada")

    assert Organization.objects.count() == 1


def test_the_organization_of_another_is_out_of_reach() -> None:
    UserFactory.create(username="ada")
    OrganizationFactory.create(slug="sales")

    with pytest.raises(CommandError, match="another"):
        create("sales", "--owner", "ada")

    assert not Workspace.objects.exists()


def test_an_owner_has_to_be() -> None:
    with pytest.raises(CommandError, match="createsuperuser"):
        create("sales", "--owner", "nobody")
