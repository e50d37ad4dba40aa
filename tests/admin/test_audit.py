"""The audit log's page: who sees which entries, that nobody changes them, and what the admin itself writes there."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from executions import services as executions
from tests.admin.conftest import SignIn
from tests.admin.pages import words
from tests.admin.scenes import address, operator_of, picture, session_of
from tests.config.browsers import NARROW, WIDE, tab
from tests.config.servers import serving
from tests.executions.programs import scene
from tests.factories import ExecutionFactory, WorkflowFactory
from workspaces import audit, secrets, services, speakers
from workspaces.models import Action, AuditEntry, Role, Workspace

LIST = reverse("admin:workspaces_auditentry_changelist")

LINES_OF_WHEN = """Math.max(...[...document.querySelectorAll('td.field-when a, th.field-when a')].map(moment =>
    moment.getClientRects().length))"""

pytestmark = pytest.mark.django_db


@pytest.fixture
def root() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def told(**those: Any) -> list[tuple[str, str, str]]:
    return list(AuditEntry.objects.filter(**those).order_by("pk").values_list("action", "actor_name", "label"))


def renamed(workspace: Workspace, name: str) -> None:
    with speakers.command("rename"):
        services.rename_workspace(workspace=workspace, name=name)


def shown(client: Client, **query: str) -> list[str]:
    """The rows by their labels, the latest first."""
    answer = client.get(LIST, query)
    assert answer.status_code == 200
    labels = [entry.label for entry in answer.context["cl"].result_list]
    assert all(label in words(answer.content.decode()) for label in labels)
    return labels


@pytest.mark.parametrize("role", [Role.ADMIN, Role.OWNER])
def test_who_administers_a_workspace_sees_its_entries_and_no_others(
    signed_in: SignIn, workspace: Workspace, role: Role, root: Client
) -> None:
    renamed(workspace, "Ours for ever")
    renamed(WorkflowFactory.create().workspace, "Theirs for ever")
    root.post(reverse("admin:auth_group_add"), {"name": "Of the server"})
    theirs = AuditEntry.objects.get(label="Theirs for ever")
    of_the_server = AuditEntry.objects.get(label="Of the server")
    client = signed_in(workspace, role)

    assert shown(client) == ["Ours for ever"]
    assert shown(root) == ["Of the server", "Theirs for ever", "Ours for ever"]
    for entry in (theirs, of_the_server):
        assert client.get(address("workspaces_auditentry_change", entry)).status_code == 302
        assert root.get(address("workspaces_auditentry_change", entry)).status_code == 200


@pytest.mark.parametrize("role", [Role.MEMBER, Role.GUEST])
def test_others_see_nothing_of_it(signed_in: SignIn, workspace: Workspace, role: Role) -> None:
    client = signed_in(workspace, role)

    assert client.get(LIST).status_code == 403
    assert LIST not in client.get(reverse("admin:index")).content.decode()


def test_nobody_changes_or_deletes_an_entry(root: Client, workspace: Workspace) -> None:
    renamed(workspace, "Ours for ever")
    entry = AuditEntry.objects.get()
    page = address("workspaces_auditentry_change", entry)

    answers = [
        root.post(page, {"label": "other"}),
        root.post(address("workspaces_auditentry_delete", entry), {"post": "yes"}),
        root.get(reverse("admin:workspaces_auditentry_add")),
        root.post(LIST, {"action": "delete_selected", "_selected_action": [str(entry.pk)], "post": "yes"}),
    ]

    assert [answer.status_code for answer in answers[:3]] == [403, 403, 403]
    assert AuditEntry.objects.get() == entry
    assert AuditEntry.objects.get().label == "Ours for ever"


def test_it_is_filtered_by_workspace_action_time_and_person(root: Client, workspace: Workspace) -> None:
    renamed(workspace, "Ours for ever")
    other = WorkflowFactory.create().workspace
    renamed(other, "Theirs for ever")
    root.post(reverse("admin:auth_group_add"), {"name": "Clerks"})

    assert shown(root, workspace=str(workspace.pk)) == ["Ours for ever"]
    assert shown(root, action="workspace.change") == ["Theirs for ever", "Ours for ever"]
    assert shown(root, q="root") == ["Clerks"]
    assert shown(root, period="hour") == ["Clerks", "Theirs for ever", "Ours for ever"]
    assert shown(root, workspace="nonsense", period="nonsense", action="admin.add") == ["Clerks"]


def test_it_is_searched_by_name_or_id_of_what_it_was_done_to_and_by_who_did_it(
    signed_in: SignIn, workspace: Workspace
) -> None:
    for name in ("Ours for ever", "Ours"):
        renamed(workspace, name)
    client = signed_in(workspace, Role.ADMIN)

    assert shown(client, q="ours FOR ever ") == ["Ours for ever"]
    assert shown(client, q=str(workspace.pk)) == ["Ours", "Ours for ever"]
    assert shown(client, q=AuditEntry.objects.latest("pk").actor_name) == ["Ours", "Ours for ever"]
    assert shown(client, q="for") == []
    assert "Nothing found." in words(client.get(LIST, {"q": "for"}).content.decode())


def test_an_entry_leads_to_the_executions_that_it_names_and_to_no_history(
    signed_in: SignIn, workspace: Workspace
) -> None:
    execution = ExecutionFactory.create(workflow=WorkflowFactory.create(workspace=workspace))
    with speakers.command("again"):
        again = executions.run_again(execution=execution, latest=False)
    client = signed_in(workspace, Role.ADMIN)

    entry = AuditEntry.objects.get(subject_id=again.pk)
    page = client.get(address("workspaces_auditentry_change", entry)).content.decode()

    assert f"execution {again.pk}" in words(page)
    for each in (execution, again):
        assert f'href="{address("executions_execution_change", each)}"' in page
    assert f'href="{address("executions_execution_change", execution)}"' in client.get(LIST).content.decode()
    assert address("workspaces_auditentry_history", entry) not in page


def test_details_are_said_as_json_says_them(root: Client, workspace: Workspace) -> None:
    with speakers.command("test"):
        secrets.put(workspace=workspace, name="SHOP_KEY", value="PASS-words")
        services.set_limits(workspace=workspace, max_running=3, retention_days=None)
        audit.record(Action.WORKSPACE_CHANGE, workspace, max_running=None, fields=["a", "b"], name="Ours")

    page = words(root.get(LIST).content.decode())

    assert "new: true" in page
    assert "max_running: 3" in page
    assert "max_running: null, fields: a b, name: Ours" in page


def test_what_is_done_to_accounts_is_told_and_never_a_password(root: Client) -> None:
    form = {"username": "ada", "password1": "PASS-of-hers-1", "password2": "PASS-of-hers-1", "usable_password": "true"}
    assert root.post(reverse("admin:auth_user_add"), form).status_code == 302
    ada = User.objects.get(username="ada")
    again = {"password1": "PASS-of-hers-2", "password2": "PASS-of-hers-2", "usable_password": "true"}
    assert root.post(reverse("admin:auth_user_password_change", args=[ada.pk]), again).status_code == 302
    assert root.post(reverse("admin:auth_user_delete", args=[ada.pk]), {"post": "yes"}).status_code == 302

    assert told() == [("admin.add", "root", "ada"), ("admin.change", "root", "ada"), ("admin.delete", "root", "ada")]
    assert "PASS" not in str(list(AuditEntry.objects.values()))


def test_what_is_done_with_several_at_once_is_told_one_by_one(signed_in: SignIn, workspace: Workspace) -> None:
    tasks = [services.create_task(workspace_id=workspace.pk, title=f"Call {number}") for number in range(3)]
    client = signed_in(workspace, Role.MEMBER)

    client.post(
        reverse("admin:workspaces_task_changelist"),
        {"action": "mark_done", "_selected_action": [str(task.pk) for task in tasks]},
    )

    assert sorted(label for _, _, label in told(action="task.change")) == ["Call 0", "Call 1", "Call 2"]


def test_who_looks_at_the_names_of_secrets_is_told(signed_in: SignIn, workspace: Workspace) -> None:
    client = signed_in(workspace, Role.ADMIN)
    client.post(
        reverse("admin:workspaces_secret_add"), {"workspace": str(workspace.pk), "name": "KEY", "value": "PASS-words"}
    )

    client.get(reverse("admin:workspaces_secret_changelist"))

    (entry,) = AuditEntry.objects.filter(action="secret.list")
    assert entry.workspace_id == workspace.pk
    assert "PASS" not in str(list(AuditEntry.objects.values()))


@pytest.mark.looks
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_its_page_looks_right(transactional_db: None, size: tuple[int, int]) -> None:
    workspace = scene.workspace()
    operator = operator_of(workspace)
    client = Client()
    client.force_login(operator)
    for number in range(30):
        client.patch(
            f"/api/workspaces/{workspace.slug}", f'{{"maxRunning": {number + 1}}}', content_type="application/json"
        )
    with serving() as server, tab(f"http://127.0.0.1:{server.port}{LIST}", session_of(operator), size=size) as page:
        page.do(picture(f"audit-{size[0]}"))
        assert page.do(lambda page: page.evaluate(LINES_OF_WHEN)) == (1 if size == WIDE else 2)
        entry = AuditEntry.objects.latest("pk")
        page.do(lambda page: page.click(f"a[href*='{entry.pk}']"))
        page.do(picture(f"audit-entry-{size[0]}"))
        assert page.complaints == []
