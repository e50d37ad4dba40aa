"""What no page of the admin sends: it narrows, selects and fills in nothing, and what is good beside it counts."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse

from tests.admin.conftest import SignIn, member
from tests.factories import OrganizationFactory, UserFactory
from workspaces import secrets
from workspaces.admin.wary import MOST_WORDS, Wary
from workspaces.models import ApiToken, Notification, Role, Task, TaskStatus, Workspace
from workspaces.services import create_task, notify

pytestmark = pytest.mark.django_db

HUGE = "9" * 30
TASKS = reverse("admin:workspaces_task_changelist")
SECRETS = reverse("admin:workspaces_secret_changelist")
NEW_TASK = reverse("admin:workspaces_task_add")
NEW_TOKEN = reverse("admin:workspaces_apitoken_add")
NEW_ORGANIZATION = reverse("admin:workspaces_organization_add")


@pytest.fixture
def task(workspace: Workspace) -> Task:
    return create_task(workspace_id=workspace.pk, title="Call back")


def initial(client: Client, address: str, **given: str) -> dict[str, Any]:
    answer = client.get(address, given)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.context["adminform"].form.initial
    return found


def test_every_admin_is_wary() -> None:
    assert [each for each in admin.site._registry.values() if not isinstance(each, Wary)] == []


# Lists


@pytest.mark.parametrize(
    "lookup",
    ["title__regex=(", "title__regex=^(a%2B)%2B$", "title__range=1", "created_at__year=0", "assignee__gt=" + HUGE,
     "title__startswith=C", "status=TODO", "status__in=TODO", "workspace__name__startswith=O"],
)  # fmt: skip
@pytest.mark.parametrize("role", [Role.GUEST, Role.OWNER])
def test_a_list_has_no_lookups_but_those_of_its_filters(
    signed_in: SignIn, workspace: Workspace, task: Task, role: Role, lookup: str
) -> None:
    client = signed_in(workspace, role)

    assert client.get(f"{TASKS}?{lookup}").status_code == 400


@pytest.mark.parametrize("lookup", ["sealed__regex", "sealed__startswith", "sealed"])
def test_a_sealed_secret_is_not_read_by_its_characters(admin_client: Client, workspace: Workspace, lookup: str) -> None:
    sealed = secrets.put(workspace=workspace, name="API_KEY", value="sk-4f0a81c2")[0].sealed

    assert admin_client.get(SECRETS, {lookup: sealed[:8]}).status_code == 400


@pytest.mark.parametrize(
    "query", ["status__exact=TODO", "due=never", "q=call", "o=-1", "all=", "_facets=True", "_popup=1&_to_field=id"]
)
def test_what_its_pages_link_to_goes_on_working(admin_client: Client, task: Task, query: str) -> None:
    answer = admin_client.get(f"{TASKS}?{query}&workspace__id__exact={task.workspace_id}")

    assert list(answer.context["cl"].result_list) == [task]


@pytest.mark.parametrize(
    ("page", "name"),
    [("workspaces_task", "status__exact"), ("workspaces_task", "due"), ("workspaces_membership", "role__exact"),
     ("workflows_workflow", "status__exact"), ("workspaces_auditentry", "action")],
)  # fmt: skip
def test_a_nul_in_a_filter_leads_to_the_whole_list(admin_client: Client, page: str, name: str) -> None:
    address = reverse(f"admin:{page}_changelist")

    assert admin_client.get(address, {name: "\0"}).headers["Location"] == f"{address}?e=1"


def test_no_search_has_more_words_than_the_database_takes(admin_client: Client, task: Task) -> None:
    many, most = " call" * (MOST_WORDS + 1), " call" * MOST_WORDS

    assert list(admin_client.get(TASKS, {"q": many}).context["cl"].result_list) == []
    assert list(admin_client.get(TASKS, {"q": most}).context["cl"].result_list) == [task]


def test_nor_has_one_a_nul(admin_client: Client) -> None:
    of_owner = {"app_label": "workspaces", "model_name": "organization", "field_name": "owner"}

    answer = admin_client.get(reverse("admin:autocomplete"), of_owner | {"term": "\0"})

    assert answer.json()["results"] == []


# Actions


@pytest.mark.parametrize("key", ["nonsense", "\0", HUGE, "7"])
def test_of_what_is_selected_the_keys_count(admin_client: Client, admin_user: User, task: Task, key: str) -> None:
    notification = notify(workspace_id=task.workspace_id, recipient=admin_user, message="Done")
    marked = (
        (TASKS, "mark_done", task),
        (reverse("admin:workspaces_notification_changelist"), "mark_read", notification),
    )

    for address, action, row in marked:
        for selected in ([key], [key, str(row.pk)]):
            answer = admin_client.post(address, {"action": action, "_selected_action": selected})
            assert answer.status_code == 302

    task.refresh_from_db()
    assert task.status == TaskStatus.DONE
    assert Notification.objects.exclude(read_at=None).count() == 1


@pytest.mark.parametrize("key", ["nonsense", "\0", HUGE])
@pytest.mark.parametrize(
    "page",
    ["workspaces_secret", "workspaces_membership", "workspaces_apitoken", "workspaces_organization", "auth_user",
     "auth_group"],
)  # fmt: skip
def test_what_is_no_key_deletes_nothing(admin_client: Client, page: str, key: str) -> None:
    chosen = {"action": "delete_selected", "_selected_action": key, "post": "yes"}

    answer = admin_client.post(reverse(f"admin:{page}_changelist"), chosen, follow=True)

    assert "Items must be selected" in answer.content.decode()
    assert User.objects.exists()


# Forms


def test_an_address_fills_in_what_its_fields_understand(admin_client: Client, workspace: Workspace) -> None:
    given = initial(
        admin_client, NEW_TASK, title="Call", assignee="ada", due_at="2026-03-01T12:00:00Z", workspace=str(workspace.pk)
    )

    assert (given["title"], given["assignee"], given["workspace"]) == ("Call", "ada", workspace)
    assert f"{given['due_at']:%Y-%m-%d %H:%M}" == "2026-03-01 12:00"


@pytest.mark.parametrize("text", ["\0", "x", HUGE, "2026-13-01"])
def test_and_nothing_else(admin_client: Client, admin_user: User, text: str) -> None:
    assert initial(admin_client, NEW_TASK, due_at=text, workspace=text, title="Call") == {"title": "Call"}
    token = initial(admin_client, NEW_TOKEN, expires_at=text, user=text, scopes=text)
    assert token["user"] == admin_user.pk
    assert token["expires_at"].year >= 2026
    assert "execute" in token["scopes"]
    assert initial(admin_client, reverse("admin:auth_group_add"), permissions=f"1,{text}") == {}


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_out_of_the_calendar_is_at_its_end(admin_client: Client, moment: str) -> None:
    assert f"{initial(admin_client, NEW_TASK, due_at=moment)['due_at'].year:04}" == moment[:4]


@pytest.mark.parametrize("owner", ["nonsense", "\0", HUGE, "-1"])
def test_who_is_nobody_owns_nothing(admin_client: Client, owner: str) -> None:
    organization = OrganizationFactory.create()
    form = {"name": "Ours", "slug": "ours", "owner": owner}

    for address in (NEW_ORGANIZATION, reverse("admin:workspaces_organization_change", args=[organization.pk])):
        assert list(admin_client.post(address, form).context["adminform"].form.errors) == ["owner"]


def test_who_is_somebody_stays_chosen_where_the_rest_is_refused(admin_client: Client) -> None:
    ada = UserFactory.create(username="ada")

    page = admin_client.post(NEW_ORGANIZATION, {"name": "", "slug": "ours", "owner": ada.pk}).content.decode()

    assert f'<option value="{ada.pk}" selected' in page


@pytest.mark.parametrize("user", ["nonsense", "\0", HUGE])
def test_nor_has_a_token(admin_client: Client, user: str) -> None:
    answer = admin_client.post(NEW_TOKEN, {"user": user, "name": "ci", "scopes": ["read"]})

    assert list(answer.context["adminform"].form.errors) == ["user"]
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("permission", ["nonsense", "\0", HUGE])
def test_a_group_gets_the_permissions_that_there_are(admin_client: Client, permission: str) -> None:
    there = Permission.objects.values_list("pk", flat=True)[0]
    form = {"name": "Clerks", "permissions": [str(there), permission]}
    address = reverse("admin:auth_group_add")

    assert list(admin_client.post(address, form).context["adminform"].form.errors) == ["permissions"]
    admin_client.post(address, form | {"permissions": [str(there)]})
    assert Group.objects.get().permissions.get().pk == there


def test_a_member_may_be_named_by_the_address(admin_client: Client, workspace: Workspace) -> None:
    name = member(workspace).user.get_username()

    given = initial(admin_client, reverse("admin:workspaces_membership_add"), workspace=str(workspace.pk), user=name)

    assert given == {"workspace": workspace, "user": name}
