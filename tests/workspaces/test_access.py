"""What a role may do, what a token's scopes add to that, and which workspaces exist for whom: without any HTTP."""

from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import MembershipFactory, OrganizationFactory, UserFactory, WorkspaceFactory
from workspaces import tokens
from workspaces.access import MAY, SCOPE, Caller, Entry, NotAllowed, Verb, enter, workspaces_of
from workspaces.models import ApiToken, Role, Scope, Workspace

ALLOWED = {
    Role.GUEST: "READ ATTEND",
    Role.MEMBER: "READ ATTEND EXECUTE",
    Role.ADMIN: "READ ATTEND EXECUTE WRITE ADMIN",
    Role.OWNER: "READ ATTEND EXECUTE WRITE ADMIN OWN",
}
SCOPES = {
    Verb.READ: "read", Verb.ATTEND: "execute", Verb.EXECUTE: "execute", Verb.WRITE: "write", Verb.ADMIN: "admin",
    Verb.OWN: "admin",
}  # fmt: skip


def entered(role: Role, *scopes: str) -> Entry:
    token = ApiToken(scopes=" ".join(scopes)) if scopes else None
    return Entry(Workspace(), role, Caller(User(), token))


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("verb", Verb, ids=lambda verb: verb.name)
def test_a_role_may_what_the_table_says(role: Role, verb: Verb) -> None:
    is_allowed = verb.name in ALLOWED[role].split()

    assert entered(role).may(verb) is is_allowed
    assert entered(role, *Scope.values).may(verb) is is_allowed


@pytest.mark.parametrize("scope", Scope.values)
@pytest.mark.parametrize("verb", Verb, ids=lambda verb: verb.name)
def test_a_token_may_what_its_scope_names_if_the_role_may(verb: Verb, scope: str) -> None:
    assert entered(Role.OWNER, scope).may(verb) is (SCOPES[verb] == scope)
    assert entered(Role.GUEST, scope).may(verb) is (SCOPES[verb] == scope and verb in (Verb.READ, Verb.ATTEND))


def test_every_role_and_every_verb_is_in_the_tables() -> None:
    assert set(MAY) == set(Role)
    assert set(SCOPE) == set(Verb) == {verb for verbs in MAY.values() for verb in verbs}


def test_each_role_may_what_the_one_below_it_may() -> None:
    order = [MAY[role] for role in (Role.GUEST, Role.MEMBER, Role.ADMIN, Role.OWNER)]

    for below, above in pairwise(order):
        assert below < above


def test_a_refusal_says_what_it_takes() -> None:
    with pytest.raises(
        NotAllowed,
        match=r"The role GUEST can't change workflows or see the names of secrets; that takes ADMIN or OWNER\.",
    ):
        entered(Role.GUEST).require(Verb.WRITE)
    with pytest.raises(
        NotAllowed,
        match=r"This token can't change workflows or see the names of secrets: its scope 'write' is missing\.",
    ):
        entered(Role.ADMIN, "read", "execute", "admin").require(Verb.WRITE)


def test_a_caller_with_a_session_has_every_scope() -> None:
    for verb in Verb:
        Caller(User()).require_scope(verb)


@pytest.mark.django_db
@pytest.mark.parametrize("role", Role)
def test_a_member_enters_with_his_role(role: Role) -> None:
    membership = MembershipFactory.create(role=role)

    for reference in (membership.workspace.slug, str(membership.workspace.pk)):
        entry = enter(Caller(membership.user), reference)
        assert (entry.workspace, entry.role) == (membership.workspace, role)


@pytest.mark.django_db
def test_the_organizations_owner_enters_as_an_owner() -> None:
    workspace = WorkspaceFactory.create()
    chief = workspace.organization.owner

    assert enter(Caller(chief), workspace.slug).role is Role.OWNER
    MembershipFactory.create(workspace=workspace, user=chief, role=Role.GUEST)
    assert enter(Caller(chief), workspace.slug).role is Role.OWNER
    assert workspaces_of(Caller(chief)).count() == 1


def nobody(workspace: Workspace) -> dict[str, Any]:
    """Who might be taken for somebody, and isn't."""
    neighbour = WorkspaceFactory.create(organization=workspace.organization)
    return {
        "a stranger": Caller(UserFactory.create()),
        "a superuser": Caller(UserFactory.create(is_superuser=True, is_staff=True)),
        "a member of a workspace beside it": Caller(MembershipFactory.create(workspace=neighbour, role="OWNER").user),
        "an owner of another organization": Caller(OrganizationFactory.create().owner),
    }


@pytest.mark.django_db
def test_for_everybody_else_it_does_not_exist() -> None:
    workspace = WorkspaceFactory.create()
    MembershipFactory.create(workspace=workspace)

    for name, caller in nobody(workspace).items():
        for reference in (workspace.slug, str(workspace.pk), "nowhere"):
            with pytest.raises(Workspace.DoesNotExist):
                enter(caller, reference)
        assert workspace not in workspaces_of(caller), name


@pytest.mark.django_db
def test_a_bound_token_enters_its_workspace_alone() -> None:
    here, elsewhere = (MembershipFactory.create(role="OWNER") for _ in range(2))
    MembershipFactory.create(workspace=elsewhere.workspace, user=here.user)
    bound, _ = tokens.issue(user=here.user, name="ci", scopes=["read"], workspace=here.workspace)
    free, _ = tokens.issue(user=here.user, name="ci", scopes=["read"])

    assert set(workspaces_of(Caller(here.user, free))) == {here.workspace, elsewhere.workspace}
    assert list(workspaces_of(Caller(here.user, bound))) == [here.workspace]
    with pytest.raises(Workspace.DoesNotExist):
        enter(Caller(here.user, bound), elsewhere.workspace.slug)
    here.delete()
    assert not workspaces_of(Caller(here.user, bound))


@pytest.mark.django_db
def test_to_enter_is_one_query_and_for_nonsense_none() -> None:
    membership = MembershipFactory.create()
    caller = Caller(membership.user)
    for reference, cost in ((membership.workspace.slug, 1), ("nowhere", 1), ("\x00", 0), ("x" * 64, 0), ("\n", 0)):
        with CaptureQueriesContext(connection) as queries, suppress(Workspace.DoesNotExist):
            enter(caller, reference)
        assert len(queries) == cost, reference


@pytest.mark.django_db
def test_nobody_in_particular_has_no_workspace() -> None:
    WorkspaceFactory.create()

    with pytest.raises(TypeError):
        list(workspaces_of(Caller(AnonymousUser())))  # type: ignore[arg-type]
