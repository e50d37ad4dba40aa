"""What may be done from the page of an execution: by whom, with what outcome, and what the admin's log says of it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client

from executions import services
from executions.models import Execution
from tests.admin import pages
from tests.admin.conftest import SignIn
from tests.admin.pages import address, read, source
from tests.executions.scenes import ran, started
from tests.factories import definition
from workflows import services as workflows
from workflows.models import WorkflowStatus
from workspaces.models import Role

pytestmark = pytest.mark.django_db(transaction=True)

ECHO: Any = {"type": "test_echo", "config": {"value": "{{ trigger }}"}}
LOOKS: dict[str, Callable[[Execution], str]] = {
    "page": address,
    "fragment": lambda execution: f"{address(execution)}?fragment=1",
    "trigger": lambda execution: address(execution, "document", "trigger"),
    "output": lambda execution: address(execution, "step_document", "0", "output"),
}


def permitted(client: Client, permission: str) -> Client:
    """The same person, with one of Django's permissions."""
    user = User.objects.get(pk=client.session["_auth_user_id"])
    user.user_permissions.add(Permission.objects.get(codename=permission))
    return client


def entry() -> tuple[int, str, str, int | None]:
    """The one entry of the log: what was done, to what, in which words, by whom."""
    log = LogEntry.objects.get()
    return log.action_flag, str(log.object_id), log.change_message, log.user_id


# Looking


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
@pytest.mark.parametrize("role", Role)
def test_whoever_is_in_the_workspace_may_look(signed_in: SignIn, look: Callable[[Execution], str], role: Role) -> None:
    execution = ran(ECHO, trigger="so")

    assert signed_in(execution.workspace, role).get(look(execution)).status_code == 200


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_nobody_else_may_and_learns_not_even_that_it_exists(
    signed_in: SignIn, look: Callable[[Execution], str]
) -> None:
    execution, elsewhere = ran(ECHO, trigger="a secret"), started(ECHO).workspace

    answer = signed_in(elsewhere, Role.OWNER).get(look(execution), follow=True)

    assert b"a secret" not in answer.content
    assert (answer.status_code == 404) or answer.redirect_chain


@pytest.mark.parametrize("typed", ["7", "no-id", "0197d3e0-0000-7000-8000-000000000000", "x/y"])
def test_what_there_is_not_leads_back(admin_client: Client, typed: str) -> None:
    assert admin_client.get(f"/admin/executions/execution/{typed}/change/").status_code == 302


@pytest.mark.parametrize("step", ["\0", "7", "(", "9" * 30])
def test_a_step_that_is_none_has_no_documents(admin_client: Client, step: str) -> None:
    assert admin_client.get(address(ran(ECHO), "step_document", step, "input")).status_code == 404


@pytest.mark.parametrize("part", ["", "status", "input.json/..", "workspace"])
def test_only_its_documents_can_be_had_as_json(admin_client: Client, part: str) -> None:
    execution = ran(ECHO)

    answer = admin_client.get(f"/admin/executions/execution/{execution.pk}/steps/0/{part}.json")

    assert answer.status_code != 200


def test_a_document_is_json_and_nothing_else_to_any_browser(admin_client: Client) -> None:
    execution = ran(ECHO, trigger="<script>alert(1)</script>")

    answer = admin_client.get(address(execution, "step_document", "0", "output"))

    assert answer.json() == "<script>alert(1)</script>"
    assert answer["Content-Type"] == "application/json; charset=utf-8"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "script-src" in answer["Content-Security-Policy"]


@pytest.mark.parametrize("role", [Role.MEMBER, Role.ADMIN, Role.OWNER, None])
def test_tracebacks_are_for_those_who_run_the_workspace(
    signed_in: SignIn, admin_client: Client, role: Role | None
) -> None:
    retried: Any = {"type": "test_raise", "onError": "retry", "retryConfig": {"maxRetries": 1, "delayMs": 0}}
    execution = ran(retried)
    client = signed_in(execution.workspace, role) if role else admin_client

    parts = [client.get(address(execution, "step_document", "0", part)).content for part in ("error", "attempts")]
    for shown in (source(client, execution), *map(bytes.decode, parts)):
        assert ("handlers.py" in shown) is (role is not Role.MEMBER)
        assert "KeyError" in shown


# Cancelling


def test_a_member_cancels_and_the_log_says_so(signed_in: SignIn) -> None:
    execution = pages.waiting()
    client = signed_in(execution.workspace, Role.MEMBER)

    answer = client.post(address(execution, "cancel"), follow=True)

    execution.refresh_from_db()
    assert answer.redirect_chain == [(address(execution), 302)]
    assert execution.status == "CANCELLED"
    assert "The execution was cancelled." in pages.words(answer.content.decode())
    assert entry() == (CHANGE, str(execution.pk), "Cancelled.", int(client.session["_auth_user_id"]))


def test_one_that_has_ended_meanwhile_stays_as_it_ended(admin_client: Client) -> None:
    execution = ran(ECHO)

    answer = admin_client.post(address(execution, "cancel"), follow=True)

    execution.refresh_from_db()
    assert execution.status == "COMPLETED"
    assert "It wasn't cancelled: it had ended before, as COMPLETED." in pages.words(answer.content.decode())
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("verb", ["cancel", "again"])
def test_a_guest_does_nothing(signed_in: SignIn, verb: str) -> None:
    execution = pages.waiting()
    client = signed_in(execution.workspace, Role.GUEST)

    page = source(client, execution)
    assert 'id="cancel"' not in page
    assert 'id="run-again"' not in page
    assert client.post(address(execution, verb)).status_code == 403
    assert [one.status for one in Execution.objects.all()] == ["RUNNING"]


@pytest.mark.parametrize(
    ("permission", "verb", "other"),
    [("cancel_execution", "cancel", "again"), ("execute_workflow", "again", "cancel")],
)
def test_unless_a_permission_lets_him(signed_in: SignIn, permission: str, verb: str, other: str) -> None:
    execution = pages.waiting()
    client = permitted(signed_in(execution.workspace, Role.GUEST), permission)

    assert client.post(address(execution, other)).status_code == 403
    assert client.post(address(execution, verb)).status_code == 302


@pytest.mark.parametrize("verb", ["cancel", "again"])
def test_a_permission_reaches_no_further_than_what_he_sees(signed_in: SignIn, verb: str) -> None:
    execution, elsewhere = pages.waiting(), started(ECHO).workspace
    client = permitted(permitted(signed_in(elsewhere, Role.OWNER), "cancel_execution"), "execute_workflow")

    assert client.post(address(execution, verb)).status_code == 404
    assert Execution.objects.filter(workflow=execution.workflow).get().status == "RUNNING"


@pytest.mark.parametrize("verb", ["cancel", "again"])
def test_only_a_post_with_its_token_does_anything(admin_user: User, verb: str) -> None:
    execution = pages.waiting()
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)

    assert client.get(address(execution, verb)).status_code == 405
    assert client.post(address(execution, verb)).status_code == 403
    assert [one.status for one in Execution.objects.all()] == ["RUNNING"]


def test_the_page_itself_takes_no_changes(admin_client: Client) -> None:
    execution = pages.waiting()

    assert admin_client.post(address(execution), {"status": "COMPLETED"}).status_code == 403
    assert admin_client.post(address(execution, "delete"), {"post": "yes"}).status_code == 403
    assert admin_client.get("/admin/executions/execution/add/").status_code == 403


# Running again


@pytest.mark.parametrize(("latest", "number"), [("0", 1), ("1", 2)])
def test_it_runs_again_with_this_version_or_the_latest(signed_in: SignIn, latest: str, number: int) -> None:
    execution = ran(ECHO, trigger={"who": "Ada"})
    workflows.change(workflow=execution.workflow, definition=definition(ECHO, ECHO))
    client = signed_in(execution.workspace, Role.MEMBER)
    assert "Version 1, as this one Version 2, the latest" in read(client, execution)

    answer = client.post(address(execution, "again"), {"latest": latest}, follow=True)

    again = Execution.objects.exclude(pk=execution.pk).get()
    assert answer.redirect_chain == [(address(again), 302)]
    assert (again.version.number, again.trigger_data, again.trigger_type) == (number, {"who": "Ada"}, "manual")
    assert f"Started again, with version {number}." in pages.words(answer.content.decode())
    user = int(client.session["_auth_user_id"])
    assert again.triggered_by_id == user
    words = f"Run again, with the data of execution {execution.pk} and version {number}."
    assert entry() == (ADDITION, str(again.pk), words, user)


def test_there_is_no_choice_where_there_is_one_version(admin_client: Client) -> None:
    page = source(admin_client, ran(ECHO))

    assert 'id="run-again-button"' in page
    assert "run-again-version" not in page


def test_a_workflow_that_is_not_active_does_not_run_again_and_the_page_says_so(admin_client: Client) -> None:
    execution = ran(ECHO)
    workflows.set_status(workflow=execution.workflow, status=WorkflowStatus.INACTIVE)

    assert 'disabled title="The workflow is INACTIVE"' in source(admin_client, execution)
    answer = admin_client.post(address(execution, "again"), follow=True)

    assert "is INACTIVE; activate it first" in pages.words(answer.content.decode())
    assert Execution.objects.get() == execution
    assert not LogEntry.objects.exists()


def test_a_dry_run_of_it_does(admin_client: Client) -> None:
    execution = ran(ECHO, dry_run=True)
    workflows.set_status(workflow=execution.workflow, status=WorkflowStatus.INACTIVE)

    assert "disabled" not in source(admin_client, execution).partition('id="run-again"')[2].partition("</form>")[0]
    admin_client.post(address(execution, "again"))

    assert list(Execution.objects.values_list("is_simulation", flat=True)) == [True, True]


# The log, as the admin shows it


def test_what_was_done_is_in_its_history(admin_client: Client) -> None:
    execution = pages.waiting()
    services.cancel(execution=execution)
    admin_client.post(address(execution, "again"))
    again = Execution.objects.exclude(pk=execution.pk).get()

    assert "Run again, with the data of" in pages.words(admin_client.get(address(again, "history")).content.decode())
