"""`manage.py create_token`: the token alone on standard output, what it is on standard error."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.factories import MembershipFactory, UserFactory, WorkspaceFactory
from workspaces import tokens
from workspaces.models import ApiToken, Membership

pytestmark = pytest.mark.django_db

type Captured = pytest.CaptureFixture[str]


@pytest.fixture
def membership() -> Membership:
    membership: Membership = MembershipFactory.create(user__username="ada", workspace__slug="sales")
    return membership


def create(*options: str) -> None:
    call_command("create_token", "ada", "--name", "ci", *options)


def days_left(token: ApiToken) -> timedelta | None:
    return token.expires_at - timezone.now() if token.expires_at else None


def test_it_prints_the_token_and_nothing_else(membership: Membership, capsys: Captured) -> None:
    create()

    printed = capsys.readouterr()
    assert printed.out.count("\n") == 1
    token = tokens.authenticate(printed.out.removesuffix("\n"))
    assert token is not None
    assert (token.user, token.name, token.scopes, token.workspace) == (membership.user, "ci", "read execute", None)


def test_it_says_beside_it_what_it_is(membership: Membership, capsys: Captured) -> None:
    create("--workspace", "sales")

    printed = capsys.readouterr()
    token = ApiToken.objects.get()
    assert printed.err == (
        f"ci ({printed.out[:8]}…): ada in Workspace may read execute, until {token.expires_at:%Y-%m-%d %H:%M} UTC. "
        "Keep it well: it can't be shown again.\n"
    )
    assert printed.out.strip() not in printed.err


def test_it_lasts_90_days_or_as_long_as_is_said(membership: Membership, capsys: Captured) -> None:
    for options, expected in (([], 90), (["--expires-in-days", "1"], 1), (["--expires-in-days", "3650"], 3650)):
        ApiToken.objects.all().delete()
        create(*options)
        left = days_left(ApiToken.objects.get())
        assert left is not None
        assert timedelta(days=expected, minutes=-5) < left <= timedelta(days=expected)


def test_it_lasts_for_ever_if_that_is_said(membership: Membership, capsys: Captured) -> None:
    create("--never-expires")

    assert ApiToken.objects.get().expires_at is None
    assert "in all workspaces may read execute, until it is revoked" in capsys.readouterr().err


def test_scopes_are_those_that_are_said(membership: Membership, capsys: Captured) -> None:
    create("--scope", "admin", "--scope", "write")

    assert ApiToken.objects.get().scopes == "write admin"


def test_a_workspace_is_named_by_its_slug_or_its_id(membership: Membership, capsys: Captured) -> None:
    for reference in ("sales", str(membership.workspace.pk)):
        ApiToken.objects.all().delete()
        create("--workspace", reference)
        assert ApiToken.objects.get().workspace == membership.workspace


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--workspace", "nowhere"], "No workspace 'nowhere'; give the slug or the id of one."),
        (["--workspace", ""], "No workspace ''"),
        (["--workspace", "\udcff"], "No workspace"),
        (["--workspace", "theirs"], "workspace: The user isn't a member of it"),
        (["--name", ""], "name: "),
        (["--name", "\udcff"], "name: Leave out control characters"),
        (["--scope", "reads"], "argument --scope: invalid choice"),
        (["--expires-in-days", "0"], "argument --expires-in-days: write whole days from 1 to 3650."),
        (["--expires-in-days", "-1"], "write whole days"),
        (["--expires-in-days", "1.5"], "write whole days"),
        (["--expires-in-days", "99999999999"], "write whole days"),
        (["--expires-in-days", "7", "--never-expires"], "not allowed with argument"),
    ],
)
def test_it_says_what_is_wrong(membership: Membership, capsys: Captured, options: list[str], said: str) -> None:
    WorkspaceFactory.create(slug="theirs")

    with pytest.raises(CommandError) as refused:
        create(*options)

    assert said in str(refused.value)
    assert "tri_" not in capsys.readouterr().out
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("user", ["eve", "", "ADA", "ada@example.org", "\udcff"])
def test_an_unknown_user_is_refused(membership: Membership, user: str) -> None:
    with pytest.raises(CommandError, match=r"No user .*createsuperuser|argument user: this isn't UTF-8"):
        call_command("create_token", user, "--name", "ci")


def test_a_user_who_is_not_active_gets_none() -> None:
    UserFactory.create(username="ada", is_active=False)

    with pytest.raises(CommandError, match="user: This user isn't active"):
        create()


def test_it_needs_a_name(membership: Membership) -> None:
    options: list[Any] = ["create_token", "ada"]

    with pytest.raises(CommandError, match="--name"):
        call_command(*options)
