"""Secrets in the admin: set and replaced there, and on no page."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from tests.admin.conftest import SignIn
from tests.admin.pages import words
from tests.admin.scenes import address
from tests.factories import WorkflowFactory, WorkspaceFactory, definition
from workflows import services as workflows
from workflows.documents import Json
from workflows.models import Workflow, WorkflowStatus
from workspaces import secrets
from workspaces.models import AuditEntry, Role, Secret, Workspace

pytestmark = pytest.mark.django_db

ADD = "admin:workspaces_secret_add"
LIST = "admin:workspaces_secret_changelist"
VALUE = "sk-4f0a81c2d9e7"


def page_of(secret: Secret) -> str:
    return reverse("admin:workspaces_secret_change", args=[secret.pk])


def given(workspace: Workspace, **fields: Any) -> dict[str, Any]:
    return {"workspace": workspace.pk, "name": "API_KEY", "value": VALUE, **fields}


def revealed(workspace: Workspace) -> dict[str, Any]:
    return secrets.reveal(workspace_id=workspace.pk, names=["API_KEY"])


def test_one_is_set_and_replaced_and_no_page_shows_it(signed_in: SignIn, workspace: Workspace) -> None:
    client = signed_in(workspace, Role.ADMIN)

    pages = [client.post(reverse(ADD), given(workspace, value=f" {VALUE}\r\n"), follow=True)]
    assert revealed(workspace) == {"API_KEY": f" {VALUE}\n"}
    secret = Secret.objects.get()
    pages += [client.get(page_of(secret)), client.post(page_of(secret), {"value": f"other {VALUE}"}, follow=True)]
    pages += [client.get(page_of(secret)), client.get(reverse(LIST))]

    assert revealed(workspace) == {"API_KEY": f"other {VALUE}"}
    assert [page.status_code for page in pages] == [200] * 5
    shown = "".join(page.content.decode() for page in pages)
    assert VALUE not in shown
    assert secret.sealed not in shown
    assert VALUE not in str(LogEntry.objects.values())


def test_a_page_that_refuses_it_does_not_show_it_either(signed_in: SignIn, workspace: Workspace) -> None:
    client = signed_in(workspace, Role.ADMIN)

    page = client.post(reverse(ADD), given(workspace, name="1A")).content.decode()

    assert "no digit at the beginning" in page
    assert VALUE not in page
    assert not Secret.objects.exists()


@pytest.mark.parametrize(
    ("fields", "message"),
    [({"value": "short"}, "Give at least 8 characters"), ({"name": "API_KEY"}, "The workspace has a secret of this")],
)
def test_what_cannot_be_kept_is_said_at_its_place(
    signed_in: SignIn, workspace: Workspace, fields: dict[str, Any], message: str
) -> None:
    secrets.put(workspace=workspace, name="API_KEY", value=VALUE)

    answer = signed_in(workspace, Role.ADMIN).post(reverse(ADD), given(workspace, **{"name": "OTHER", **fields}))

    assert message in answer.content.decode()
    assert Secret.objects.count() == 1


def test_the_list_says_when_each_was_set_and_is_in_order_without_a_mark_of_sorting(
    signed_in: SignIn, workspace: Workspace
) -> None:
    secret, _ = (secrets.put(workspace=workspace, name=name, value=VALUE)[0] for name in ("B", "A"))
    client = signed_in(workspace, Role.ADMIN)

    answer = client.get(reverse(LIST))

    assert [each.name for each in answer.context["cl"].result_list] == ["A", "B"]
    assert "sortpriority" not in answer.content.decode()
    for page in (answer, client.get(page_of(secret))):
        assert f"{secret.updated_at:%Y-%m-%d %H:%M:%S} UTC" in page.content.decode()


def workflow_with(workspace: Workspace, name: str, text: str, **fields: Any) -> Workflow:
    config: Json = {"url": "https://shop.example", "headers": {"X-Said": text}}
    action: Json = {"type": "call_api", "config": config}
    workflow: Workflow = WorkflowFactory.create(workspace=workspace, name=name, definition=definition(action), **fields)
    return workflow


def test_its_page_and_its_removal_say_which_workflows_name_it(signed_in: SignIn, workspace: Workspace) -> None:
    named, unnamed = (secrets.put(workspace=workspace, name=name, value=VALUE)[0] for name in ("API_KEY", "OTHER"))
    asking = workflow_with(workspace, "Asks the shop", "{{ secrets.API_KEY }}")
    workflow_with(workspace, "Mentions it", "API_KEY, {{ secrets.ANOTHER_API_KEY }}")
    archived = workflow_with(workspace, "Asked the shop", "{{ secrets.API_KEY }}")
    workflows.set_status(workflow=archived, status=WorkflowStatus.ARCHIVED)
    workflow_with(WorkspaceFactory.create(), "Elsewhere", "{{ secrets.API_KEY }}")
    client = signed_in(workspace, Role.ADMIN)

    def told(page: str) -> str:
        return client.get(page).content.decode()

    page = words(told(page_of(named)))
    assert "Asks the shop" in page
    assert not any(name in page for name in ("Mentions it", "Asked the shop", "Elsewhere"))
    assert address("workflows_workflow_change", asking) in told(page_of(named))
    assert "no workflow" in told(page_of(unnamed))
    removal = words(told(reverse("admin:workspaces_secret_delete", args=[named.pk])))
    assert removal.count("API_KEY is named by the workflow") == 1
    assert "API_KEY is named by the workflow Asks the shop, which stays" in removal


def test_it_is_removed(signed_in: SignIn, workspace: Workspace) -> None:
    secret, _ = secrets.put(workspace=workspace, name="API_KEY", value=VALUE)

    signed_in(workspace, Role.ADMIN).post(reverse("admin:workspaces_secret_delete", args=[secret.pk]), {"post": "yes"})

    assert not Secret.objects.exists()


def test_those_that_are_removed_together_are_in_the_audit_log_one_by_one(
    signed_in: SignIn, workspace: Workspace
) -> None:
    chosen = [secrets.put(workspace=workspace, name=name, value=VALUE)[0].pk for name in ("A", "B")]

    signed_in(workspace, Role.ADMIN).post(
        reverse(LIST), {"action": "delete_selected", "_selected_action": chosen, "post": "yes"}
    )

    assert not Secret.objects.exists()
    assert sorted(AuditEntry.objects.filter(action="secret.remove").values_list("label", flat=True)) == ["A", "B"]


def test_only_who_administers_a_workspace_comes_to_its_secrets(signed_in: SignIn, workspace: Workspace) -> None:
    secret, _ = secrets.put(workspace=workspace, name="API_KEY", value=VALUE)
    member, elsewhere = signed_in(workspace, Role.MEMBER), signed_in(WorkspaceFactory.create(), Role.OWNER)

    def statuses(client: Client) -> list[int]:
        paths = [reverse(LIST), reverse(ADD), page_of(secret)]
        return [client.get(path).status_code for path in paths]

    assert statuses(member) == [403, 403, 403]
    assert statuses(elsewhere)[:2] == [200, 200]
    assert elsewhere.get(page_of(secret)).status_code == 302
    assert "API_KEY" not in elsewhere.get(reverse(LIST)).content.decode()
    elsewhere.post(reverse(ADD), given(workspace, name="PLANTED"))
    assert not Secret.objects.filter(name="PLANTED").exists()
