"""Tokens in the admin: issued there and shown once, never changed, revoked by deleting them."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.admin.conftest import SignIn
from tests.factories import MembershipFactory, WorkspaceFactory
from workspaces import tokens
from workspaces.models import ApiToken, Membership, Role, Workspace

pytestmark = pytest.mark.django_db

ADD = "admin:workspaces_apitoken_add"
LIST = "admin:workspaces_apitoken_changelist"


@pytest.fixture
def membership() -> Membership:
    membership: Membership = MembershipFactory.create(user__username="ada", workspace__name="Sales")
    return membership


def filled_in(owner: User, **fields: Any) -> dict[str, Any]:
    tomorrow = timezone.now() + timedelta(days=1)
    return {
        "user": owner.pk,
        "name": "ci",
        "scopes": ["read", "write"],
        "expires_at_0": tomorrow.date(),
        "expires_at_1": "12:00",
        **fields,
    }


def texts_in(page: str) -> list[str]:
    return re.findall(r"tri_[\w-]{43}", page)


def test_it_issues_a_token_and_shows_it_once(admin_client: Client, membership: Membership) -> None:
    page = admin_client.post(
        reverse(ADD), filled_in(membership.user, workspace=membership.workspace.pk), follow=True
    ).content.decode()

    [text] = texts_in(page)
    token = tokens.authenticate(text)
    assert token is not None
    assert (token.user, token.name, token.scopes) == (membership.user, "ci", "read write")
    assert token.workspace == membership.workspace
    assert token.expires_at is not None
    assert texts_in(admin_client.get(reverse(LIST)).content.decode()) == []


def test_the_admins_log_leads_to_the_token_and_does_not_hold_it(admin_client: Client, membership: Membership) -> None:
    page = admin_client.post(reverse(ADD), filled_in(membership.user), follow=True).content.decode()

    token, entry = ApiToken.objects.get(), LogEntry.objects.get()
    assert (entry.object_id, entry.object_repr) == (str(token.pk), str(token))
    assert texts_in(page)[0] not in str(LogEntry.objects.values())


def test_without_workspace_and_expiry_it_is_for_all_of_them_and_for_ever(
    admin_client: Client, membership: Membership
) -> None:
    admin_client.post(reverse(ADD), filled_in(membership.user, expires_at_0="", expires_at_1=""))

    token = ApiToken.objects.get()
    assert (token.workspace, token.expires_at) == (None, None)


def test_the_form_proposes_oneself_reading_and_executing_and_90_days(admin_client: Client, admin_user: User) -> None:
    page = admin_client.get(reverse(ADD)).content.decode()
    proposed = {
        "user": re.findall(r'<option value="(\d+)" selected', page),
        "scopes": re.findall(r'name="scopes" value="(\w+)"[^>]*\schecked(?=[\s>])', page),
        **dict(re.findall(r'name="(expires_at_\d)" value="([^"]+)"', page)),
    }

    admin_client.post(reverse(ADD), {"name": "mine", **proposed})

    token = ApiToken.objects.get()
    assert (token.user, token.scopes) == (admin_user, "read execute")
    assert token.expires_at is not None
    assert timedelta(days=90, minutes=-5) < token.expires_at - timezone.now() <= timedelta(days=90)
    assert re.findall(r'name="scopes" value="(\w+)"', page) == ["read", "execute", "write", "admin"]


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("name", {"name": " "}),
        ("name", {"name": "x" * 101}),
        ("name", {"name": "a\x07b"}),
        ("name", {"name": "a\x00b"}),
        ("scopes", {"scopes": []}),
        ("scopes", {"scopes": ["everything"]}),
        ("expires_at", {"expires_at_0": "2020-01-01"}),
        ("expires_at", {"expires_at_0": "soon"}),
        ("user", {"user": 0}),
        ("workspace", {"workspace": "79e09881-6f3c-4689-a357-641cf1df34e1"}),
    ],
)
def test_what_can_not_be_issued_is_said_at_its_field(
    admin_client: Client, membership: Membership, field: str, fields: dict[str, Any]
) -> None:
    response = admin_client.post(reverse(ADD), filled_in(membership.user, **fields))

    assert response.status_code == 200
    assert list(response.context["adminform"].form.errors) == [field]
    assert not ApiToken.objects.exists()


def test_so_is_a_workspace_of_others(admin_client: Client, membership: Membership) -> None:
    theirs = WorkspaceFactory.create()

    response = admin_client.post(reverse(ADD), filled_in(membership.user, workspace=theirs.pk))

    assert response.context["adminform"].form.errors == {
        "workspace": ["The user isn't a member of it; choose one of the user's own, or none for all of those."]
    }


def test_a_token_is_looked_at_and_not_changed(admin_client: Client, membership: Membership) -> None:
    token, _ = tokens.issue(user=membership.user, name="ci", scopes=["read"])
    address = reverse("admin:workspaces_apitoken_change", args=[token.pk])

    page = admin_client.get(address).content.decode()
    assert token.hint in page
    assert token.digest not in page
    assert 'name="scopes"' not in page
    assert admin_client.post(address, filled_in(membership.user, name="other")).status_code == 403
    token.refresh_from_db()
    assert token.name == "ci"


def test_deleting_it_revokes_it(admin_client: Client, membership: Membership) -> None:
    (one, its_text), (_, other_text) = (
        tokens.issue(user=membership.user, name="ci", scopes=["read"]) for _ in range(2)
    )

    admin_client.post(reverse("admin:workspaces_apitoken_delete", args=[one.pk]), {"post": "yes"})

    assert tokens.authenticate(its_text) is None
    assert tokens.authenticate(other_text) is not None


def test_many_are_revoked_at_once(admin_client: Client, membership: Membership) -> None:
    made = [tokens.issue(user=membership.user, name="ci", scopes=["read"])[0] for _ in range(3)]

    admin_client.post(
        reverse(LIST),
        {"action": "delete_selected", "_selected_action": [token.pk for token in made[:2]], "post": "yes"},
    )

    assert list(ApiToken.objects.all()) == made[2:]


def test_the_list_tells_them_apart_at_no_cost_for_each(admin_client: Client, membership: Membership) -> None:
    counts, page = [], ""
    for _ in range(2):
        for _ in range(3):
            other = MembershipFactory.create(workspace=membership.workspace)
            tokens.issue(user=other.user, name="ci", scopes=["read"], workspace=membership.workspace)
        with CaptureQueriesContext(connection) as queries:
            page = admin_client.get(reverse(LIST)).content.decode()
        counts.append(len(queries))

    assert counts[0] == counts[1]
    for token in ApiToken.objects.all():
        assert token.hint in page
        assert token.user.username in page
        assert token.digest not in page


def test_the_text_of_a_new_one_can_be_copied(admin_client: Client, membership: Membership) -> None:
    page = admin_client.post(reverse(ADD), filled_in(membership.user), follow=True).content.decode()

    [text] = texts_in(page)
    assert f'<code id="token-text" tabindex="0">{text}</code>' in page
    assert 'data-t-copy="token-text"' in page


# Who is no superuser


def staff() -> User:
    return User.objects.get(is_staff=True, is_superuser=False)


def page_of(token: ApiToken) -> str:
    return reverse("admin:workspaces_apitoken_change", args=[token.pk])


def revoke(token: ApiToken) -> str:
    return reverse("admin:workspaces_apitoken_delete", args=[token.pk])


@pytest.mark.parametrize("role", Role)
def test_everybody_issues_tokens_for_himself(signed_in: SignIn, membership: Membership, role: Role) -> None:
    client = signed_in(membership.workspace, role)

    for workspace in ("", membership.workspace.pk):
        client.post(reverse(ADD), filled_in(staff(), workspace=workspace))

    assert set(ApiToken.objects.values_list("user", "workspace")) == {
        (staff().pk, None), (staff().pk, membership.workspace.pk),
    }  # fmt: skip
    assert LogEntry.objects.filter(user=staff()).count() == 2


def test_and_for_nobody_else(signed_in: SignIn, admin_user: User, membership: Membership) -> None:
    client = signed_in(membership.workspace, Role.OWNER)

    for other in (admin_user, membership.user):
        response = client.post(reverse(ADD), filled_in(other))
        assert list(response.context["adminform"].form.errors) == ["user"]
    assert not ApiToken.objects.exists()
    assert "ada" not in client.get(reverse(ADD)).content.decode()


def test_nor_for_a_workspace_out_of_reach(signed_in: SignIn, membership: Membership) -> None:
    theirs = WorkspaceFactory.create(name="Payroll of theirs")
    client = signed_in(membership.workspace, Role.OWNER)

    response = client.post(reverse(ADD), filled_in(staff(), workspace=theirs.pk))

    assert list(response.context["adminform"].form.errors) == ["workspace"]
    assert "Payroll" not in client.get(reverse(ADD)).content.decode()


def test_who_has_no_role_issues_none(signed_in: SignIn) -> None:
    client = signed_in(None, Role.GUEST)

    assert client.post(reverse(ADD), filled_in(staff())).status_code == 403
    assert client.get(reverse(LIST)).status_code == 403
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize(
    ("role", "own", "of_workspace", "of_user"),
    [(Role.GUEST, True, False, False), (Role.MEMBER, True, False, False), (Role.ADMIN, True, True, False),
     (Role.OWNER, True, True, False)],
)  # fmt: skip
def test_one_sees_and_revokes_ones_own_and_those_of_the_workspaces_one_administers(
    signed_in: SignIn, membership: Membership, role: Role, own: bool, of_workspace: bool, of_user: bool
) -> None:
    client = signed_in(membership.workspace, role)
    makings: list[tuple[User, Workspace | None, bool]] = [
        (staff(), None, own), (membership.user, membership.workspace, of_workspace), (membership.user, None, of_user),
    ]  # fmt: skip
    for user, workspace, is_shown in makings:
        token, text = tokens.issue(user=user, name="ci", scopes=["read"], workspace=workspace)

        assert (token.hint in client.get(reverse(LIST)).content.decode()) == is_shown
        assert client.get(page_of(token)).status_code == (200 if is_shown else 302)
        client.post(revoke(token), {"post": "yes"})
        assert (tokens.authenticate(text) is None) == is_shown


def test_many_at_once_are_revoked_by_those_alone_who_may(signed_in: SignIn, membership: Membership) -> None:
    client = signed_in(membership.workspace, Role.MEMBER)
    elses = tokens.issue(user=membership.user, name="ci", scopes=["read"], workspace=membership.workspace)[0]
    own = tokens.issue(user=staff(), name="ci", scopes=["read"])[0]

    client.post(
        reverse(LIST),
        {"action": "delete_selected", "_selected_action": [elses.pk, own.pk], "post": "yes"},
    )

    assert list(ApiToken.objects.all()) == [elses]


def test_what_it_is_called_is_shown_as_text(admin_client: Client, membership: Membership) -> None:
    token, _ = tokens.issue(user=membership.user, name="<script>alert(1)</script>", scopes=["read"])

    for address in (reverse(LIST), page_of(token)):
        assert "<script>alert(1)" not in admin_client.get(address).content.decode()
