"""`send_notification`: rows for members, and mail when asked, once the step is recorded."""

import logging
from smtplib import SMTPRecipientsRefused
from typing import Any

import pytest
from django.core import mail
from django.db import transaction
from django.test import TestCase

from executions import services
from executions.models import Execution
from tests.executions.scenes import steps
from tests.factories import UserFactory, WorkflowFactory, definition
from tests.workflows.conftest import House
from workflows.actions.context import ActionError
from workflows.actions.send_notification import SendNotificationConfig, send_notification
from workflows.documents import Json
from workspaces import services as workspaces
from workspaces.models import Notification


def notify(house: House, recipient: Any, **more: Any) -> Any:
    config = SendNotificationConfig.model_validate({"recipient": recipient, "message": "Hello", **more})
    return send_notification(config, house.context())


def refusal(house: House, recipient: Any, **more: Any) -> ActionError:
    with pytest.raises(ActionError) as raised:
        notify(house, recipient, **more)
    assert not Notification.objects.exists()
    return raised.value


def ran(house: House, *actions: Json, **options: Any) -> Execution:
    workflow = WorkflowFactory.create(workspace=house.workspace, definition=definition(*actions))
    return services.run(execution=services.start(workflow=workflow, **options))


def telling(recipient: Json = "ada", **more: Json) -> dict[str, Json]:
    return {"type": "send_notification", "config": {"recipient": recipient, "message": "Hello", **more}}


def test_it_leaves_a_message_for_a_member(house: House) -> None:
    context = house.context(path="3")
    config = SendNotificationConfig(recipient="ada", message="Hello", title="Orders")

    output: Any = send_notification(config, context)

    made = Notification.objects.get()
    assert (made.workspace, made.recipient, made.title, made.message) == (house.workspace, house.ada, "Orders", "Hello")
    assert (made.execution_id, made.step_path) == (context.execution_id, "3")
    assert (made.read_at, made.by_mail, made.mailed_at) == (None, False, None)
    assert output == {"notificationIds": [str(made.pk)], "recipientIds": [house.ada.pk], "email": False}


def test_a_recipient_is_named_by_id_or_user_name_or_address(house: House) -> None:
    for reference in (house.ada.pk, "ada", "ada@example.org", "ADA@Example.ORG"):
        assert notify(house, reference)["recipientIds"] == [house.ada.pk]


def test_each_of_several_recipients_is_told_once_and_in_order(house: House) -> None:
    output = notify(house, ["grace", house.ada.pk, "ada", "grace@example.org"])

    assert output["recipientIds"] == [house.grace.pk, house.ada.pk]
    assert len(output["notificationIds"]) == Notification.objects.count() == 2


@pytest.mark.parametrize("reference", ["nobody", "eve", "eve@example.org", "bob", "", " ", 0, -1, 2**40, 2**62])
def test_nobody_outside_the_workspace_is_told(house: House, reference: int | str) -> None:
    house.grace.email = ""
    house.grace.save()

    error = refusal(house, ["ada", reference])

    assert (error.code, error.retryable) == ("NO_SUCH_MEMBER", False)
    assert f"no active member {reference!r}; give an id, a user name or an address" in error.message


def test_a_user_name_goes_before_anothers_address(house: House) -> None:
    house.grace.email = "ada"
    house.grace.save()

    assert notify(house, "ada")["recipientIds"] == [house.ada.pk]


def test_an_address_that_two_members_share_names_nobody(house: House) -> None:
    house.grace.email = house.ada.email
    house.grace.save()

    assert "Several members have the address" in refusal(house, house.ada.email).message


def test_mail_needs_an_address(house: House) -> None:
    house.ada.email = ""
    house.ada.save()

    error = refusal(house, ["grace", "ada"], email=True)

    assert (error.code, error.message) == ("NO_ADDRESS", "No e-mail address: ada; add one.")
    assert notify(house, "ada")["email"] is False


def test_mail_is_sent_when_asked_and_only_after_the_commit(house: House, mailoutbox: list[mail.EmailMessage]) -> None:
    with TestCase.captureOnCommitCallbacks() as callbacks:
        notify(house, ["ada", "grace"], email=True, title="Two\nlines")
        notify(house, "ada")
    assert mailoutbox == []

    for callback in callbacks:
        callback()

    assert [(sent.to, sent.subject, sent.body) for sent in mailoutbox] == [
        (["ada@example.org"], "Two lines", "Hello"),
        (["grace@example.org"], "Two lines", "Hello"),
    ]
    assert [bool(made.mailed_at) for made in Notification.objects.order_by("id")] == [True, True, False]


def test_a_mail_without_a_title_begins_with_its_message(house: House, mailoutbox: list[mail.EmailMessage]) -> None:
    with TestCase.captureOnCommitCallbacks(execute=True):
        notify(house, "ada", email=True, message="One\r\ntwo " + "x" * 300)

    assert mailoutbox[0].subject == "One two " + "x" * 191


@pytest.mark.parametrize(
    "fault", [OSError("down"), SMTPRecipientsRefused({}), ValueError("header"), RuntimeError("a backend's own bug")]
)
def test_a_mail_that_fails_is_logged_and_the_next_one_is_sent(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, fault: Exception
) -> None:
    sent: list[str] = []

    def send(subject: str, message: str, sender: None, to: list[str]) -> None:
        if to == ["ada@example.org"]:
            raise fault
        sent.extend(to)

    monkeypatch.setattr(workspaces, "send_mail", send)
    with caplog.at_level(logging.ERROR), TestCase.captureOnCommitCallbacks(execute=True):
        notify(house, ["ada", "grace"], email=True)

    assert sent == ["grace@example.org"]
    assert [bool(made.mailed_at) for made in Notification.objects.order_by("id")] == [False, True]
    assert str(fault) in caplog.text


@pytest.mark.django_db(transaction=True)
class TestInAnExecution:
    def test_it_notifies_and_mails(self, house: House, mailoutbox: list[mail.EmailMessage]) -> None:
        execution = ran(
            house,
            telling(["{{ trigger.who }}", "grace"], email=True),
            telling("grace"),
            trigger_data={"who": house.ada.pk},
        )

        assert execution.status == "COMPLETED"
        assert [sent.to for sent in mailoutbox] == [["ada@example.org"], ["grace@example.org"]]
        assert {made.execution_id for made in Notification.objects.all()} == {execution.pk}
        assert [made.step_path for made in Notification.objects.order_by("id")] == ["0", "0", "1"]

    def test_a_step_that_fails_halfway_leaves_and_sends_nothing(
        self, house: House, mailoutbox: list[mail.EmailMessage], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        notify_one = workspaces.notify

        def fail_for_grace(**fields: Any) -> Notification:
            if fields["recipient"] == house.grace:
                raise RuntimeError("halfway")
            return notify_one(**fields)

        monkeypatch.setattr(workspaces, "notify", fail_for_grace)
        execution = ran(house, telling(["ada", "grace"], email=True))

        assert execution.status == "FAILED"
        assert (Notification.objects.count(), mailoutbox) == (0, [])

    def test_a_rolled_back_start_notifies_nobody(self, house: House, mailoutbox: list[mail.EmailMessage]) -> None:
        with transaction.atomic():
            assert ran(house, telling(email=True)).status == "COMPLETED"
            assert mailoutbox == []
            transaction.set_rollback(True)

        assert (Execution.objects.count(), Notification.objects.count(), mailoutbox) == (0, 0, [])

    def test_a_dry_run_tells_nobody_and_shows_what_it_would_have(
        self, house: House, mailoutbox: list[mail.EmailMessage]
    ) -> None:
        execution = ran(house, telling(email=True), dry_run=True)

        assert (Notification.objects.count(), mailoutbox) == (0, [])
        assert steps(execution)[0].output == {
            "simulated": True,
            "wouldSend": {"recipient": "ada", "message": "Hello", "email": True},
        }

    def test_a_stranger_fails_the_step_at_once(self, house: House) -> None:
        execution = ran(house, {**telling("eve"), "onError": "retry"})

        (step,) = steps(execution)
        assert (step.status, step.attempt, step.error["code"]) == ("failed", 1, "NO_SUCH_MEMBER")

    def test_a_value_of_another_type_than_the_field_takes_is_not_converted(self, house: House) -> None:
        UserFactory.create(username="5")
        execution = ran(house, telling(message="{{ trigger.n }}"), trigger_data={"n": 5})

        (step,) = steps(execution)
        assert (step.status, step.error["code"]) == ("failed", "INVALID_CONFIG")
