"""API tokens: what is kept of one, what one can't be issued for, whose it is, and when it was used."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from tests.factories import MembershipFactory, OrganizationFactory, UserFactory, WorkspaceFactory
from workspaces import tokens
from workspaces.models import ApiToken, Role, Scope

pytestmark = pytest.mark.django_db

type Queries = Callable[[int], Any]


def issued(user: User | None = None, **fields: Any) -> tuple[ApiToken, str]:
    return tokens.issue(**{"user": user or UserFactory.create(), "name": "ci", "scopes": ["read"], **fields})


def faults(**fields: Any) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as raised:
        issued(**fields)
    assert not ApiToken.objects.exists()
    return raised.value.message_dict


def test_a_token_is_256_random_bits_that_no_other_has() -> None:
    user = UserFactory.create()
    texts = {issued(user)[1] for _ in range(20)}

    assert len(texts) == 20
    for text in texts:
        assert text.startswith("tri_")
        assert len(text.removeprefix("tri_")) == 43
        assert text.removeprefix("tri_").replace("-", "").replace("_", "").isalnum()


def test_only_its_digest_and_a_hint_are_kept() -> None:
    token, text = issued()

    assert token.digest == hashlib.sha256(text.encode()).hexdigest()
    assert token.hint == text[:8]
    assert text[8:] not in str(ApiToken.objects.values().get())
    assert str(token) == f"ci ({text[:8]}…)"


def test_scopes_are_kept_once_each_and_in_one_order() -> None:
    token, _ = issued(scopes=["write", "read", "read", Scope.EXECUTE])

    token.refresh_from_db()
    assert token.scopes == "read execute write"
    assert token.scope_set == {Scope.READ, Scope.EXECUTE, Scope.WRITE}


@pytest.mark.parametrize("scopes", ["", "reads", "read,write", " read", "read ", "read  write", "READ"])
def test_the_database_takes_known_scopes_only(scopes: str) -> None:
    token, _ = issued()

    with pytest.raises(IntegrityError, match="token_scopes_known"), transaction.atomic():
        ApiToken.objects.filter(pk=token.pk).update(scopes=scopes)


@pytest.mark.parametrize("role", Role)
def test_a_member_of_any_role_may_have_one_for_the_workspace(role: Role) -> None:
    membership = MembershipFactory.create(role=role)

    assert issued(membership.user, workspace=membership.workspace)[0].workspace == membership.workspace


def test_so_may_the_owner_of_its_organization() -> None:
    workspace = WorkspaceFactory.create()

    assert issued(workspace.organization.owner, workspace=workspace)[0].workspace == workspace


def test_nobody_else_may() -> None:
    membership = MembershipFactory.create()
    elsewhere = WorkspaceFactory.create(organization=OrganizationFactory.create(owner=membership.user))

    for stranger, workspace in ((membership.user, WorkspaceFactory.create()), (UserFactory.create(), elsewhere)):
        assert list(faults(user=stranger, workspace=workspace)) == ["workspace"]


@pytest.mark.parametrize("name", ["", " ", "\t", "a\x00b", "a\nb", "\x1b[2J", "\x7f", "a\ud800", "\udfff", "x" * 101])
def test_a_name_is_a_line_of_text_that_says_something(name: str) -> None:
    assert list(faults(name=name)) == ["name"]


@pytest.mark.parametrize("name", ["x", "x" * 100, "Ada's laptop", "día 7", "夜", "👩‍💻"])
def test_any_other_name_is_kept_as_it_is(name: str) -> None:
    token, _ = issued(name=name)

    token.refresh_from_db()
    assert token.name == name


@pytest.mark.parametrize("scopes", [[], ["reads"], ["read", ""], ["read write"], ["READ"], ["\ud800"], "read"])
def test_scopes_that_do_not_exist_are_refused(scopes: Any) -> None:
    assert faults(scopes=scopes) == {"scopes": ["Choose one or more of read, execute, write, admin."]}


def test_an_expiry_is_yet_to_come() -> None:
    assert list(faults(expires_at=timezone.now())) == ["expires_at"]
    assert list(faults(expires_at=datetime(1, 1, 1, tzinfo=UTC))) == ["expires_at"]
    for late in (timezone.now() + timedelta(seconds=5), datetime.max.replace(tzinfo=UTC)):
        token, _ = issued(expires_at=late)
        token.refresh_from_db()
        assert token.expires_at == late


def test_every_fault_is_told_at_once() -> None:
    user = UserFactory.create(is_active=False)

    assert list(
        faults(user=user, name="", scopes=[], workspace=WorkspaceFactory.create(), expires_at=timezone.now())
    ) == ["user", "name", "scopes", "workspace", "expires_at"]


def test_a_token_says_whose_it_is_in_one_query(django_assert_num_queries: Queries) -> None:
    token, text = issued()
    issued()
    tokens.authenticate(text)

    with django_assert_num_queries(1):
        found = tokens.authenticate(text)
        assert found is not None
        assert (found, found.user) == (token, token.user)


def test_a_text_that_is_no_token_says_nothing() -> None:
    token, text = issued()

    for other in ("", "tri_", text[:-1], f"{text}x", text.swapcase(), f" {text}", token.digest, token.hint, "\ud800"):
        assert tokens.authenticate(other) is None
    assert tokens.authenticate(text) == token


def test_a_token_that_has_expired_opens_nothing_and_stays_to_be_seen() -> None:
    token, text = issued(expires_at=timezone.now() + timedelta(hours=1))
    assert tokens.authenticate(text) == token

    ApiToken.objects.update(expires_at=timezone.now())

    assert tokens.authenticate(text) is None
    assert ApiToken.objects.get() == token


def test_a_revoked_token_is_gone_and_its_neighbour_is_not() -> None:
    token, text = issued()
    neighbour, its_text = issued(token.user)

    tokens.revoke(token=token)

    assert tokens.authenticate(text) is None
    assert tokens.authenticate(its_text) == neighbour


def test_it_opens_nothing_while_its_user_is_not_active() -> None:
    token, text = issued()

    for is_active in (False, True):
        User.objects.filter(pk=token.user.pk).update(is_active=is_active)
        assert (tokens.authenticate(text) is not None) is is_active


def test_a_token_of_a_workspace_that_its_user_has_left_is_still_known() -> None:
    membership = MembershipFactory.create()
    token, text = issued(membership.user, workspace=membership.workspace)

    membership.delete()

    assert tokens.authenticate(text) == token


def test_user_and_workspace_take_their_tokens_along() -> None:
    membership = MembershipFactory.create()
    issued(membership.user, workspace=membership.workspace)
    free, _ = issued(membership.user)

    membership.workspace.delete()
    assert list(ApiToken.objects.all()) == [free]
    membership.user.delete()
    assert not ApiToken.objects.exists()


def last_used(token: ApiToken) -> datetime | None:
    return ApiToken.objects.get(pk=token.pk).last_used_at


def test_its_use_is_recorded_once_a_minute(django_assert_num_queries: Queries) -> None:
    token, text = issued()
    other, _ = issued()
    for seconds_ago, queries in ((None, 2), (61, 2), (55, 1)):
        before = None if seconds_ago is None else timezone.now() - timedelta(seconds=seconds_ago)
        ApiToken.objects.update(last_used_at=before)
        began = timezone.now()

        with django_assert_num_queries(queries):
            found = tokens.authenticate(text)

        now = last_used(token)
        assert found is not None
        assert now is not None
        assert found.last_used_at == now
        assert now >= began if queries == 2 else now == before
        assert last_used(other) == before


def test_of_requests_at_the_same_time_one_records_it() -> None:
    """The other has read the row before, and writes after it: what it finds then is what counts."""
    token, text = issued()
    moment = timezone.now() - timedelta(seconds=5)
    written: list[str] = []

    def rival(execute: Any, sql: str, params: Any, *others: Any) -> Any:
        if sql.startswith("UPDATE") and not written:
            written.append(sql)
            ApiToken.objects.update(last_used_at=moment)
        return execute(sql, params, *others)

    with connection.execute_wrapper(rival):
        assert tokens.authenticate(text) == token

    assert written
    assert last_used(token) == moment
