"""Secrets at rest: encrypted, bound to their place, and encrypted anew when keys change."""

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django import Settings

from tests.factories import WorkspaceFactory
from workspaces import secrets, speakers
from workspaces.models import AuditEntry, Secret, Workspace

pytestmark = pytest.mark.django_db

VALUE = "sk-4f0a81c2d9e7"


def put(workspace: Workspace, name: str = "API_KEY", value: str = VALUE) -> Secret:
    secret, _ = secrets.put(workspace=workspace, name=name, value=value)
    return secret


def revealed(workspace: Workspace, name: str = "API_KEY") -> object:
    return secrets.reveal(workspace_id=workspace.pk, names=[name]).get(name)


def test_it_is_encrypted_in_the_database_and_revealed_by_name() -> None:
    workspace = WorkspaceFactory.create()
    sealed = put(workspace).sealed

    assert VALUE not in sealed
    assert revealed(workspace) == VALUE
    assert revealed(workspace, "OTHER") is None
    assert revealed(WorkspaceFactory.create()) is None


def test_another_value_takes_the_place_of_the_first() -> None:
    workspace = WorkspaceFactory.create()

    made, first = secrets.put(workspace=workspace, name="A", value="the first value")
    secret, second = secrets.put(workspace=workspace, name="A", value="the second value")

    assert (first, second, Secret.objects.count()) == (True, False, 1)
    assert made.created_at == made.updated_at
    assert revealed(workspace, "A") == "the second value"
    assert secret.updated_at > secret.created_at


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "Ä", "A\n", "A\x00", "a" * 101])
def test_a_name_that_no_config_can_say_is_refused(name: str) -> None:
    with pytest.raises(ValidationError) as refused:
        put(WorkspaceFactory.create(), name)

    assert [*refused.value.message_dict] == ["name"]
    assert not Secret.objects.exists()


@pytest.mark.parametrize("value", ["", "1234567", "\ud800" * 8, "é" * 32_769])
def test_a_value_that_cannot_be_kept_or_masked_is_refused(value: str) -> None:
    with pytest.raises(ValidationError) as refused:
        put(WorkspaceFactory.create(), value=value)

    assert [*refused.value.message_dict] == ["value"]


@pytest.mark.parametrize("value", ["12345678", " spaces stay ", "lines\nstay\r\n", "naïve 🔑 \x01 key"])
def test_a_value_is_kept_as_it_is(value: str) -> None:
    workspace = WorkspaceFactory.create()
    put(workspace, value=value)

    assert revealed(workspace) == value


def test_what_is_copied_to_another_place_opens_nothing() -> None:
    mine, theirs = WorkspaceFactory.create(), WorkspaceFactory.create()
    Secret.objects.create(workspace=mine, name="STOLEN", sealed=put(theirs).sealed)
    Secret.objects.create(workspace=theirs, name="OTHER", sealed=put(theirs).sealed)

    assert isinstance(revealed(mine, "STOLEN"), secrets.Unreadable)
    assert isinstance(revealed(theirs, "OTHER"), secrets.Unreadable)


def test_keys_are_rotated_without_a_moment_in_which_one_cannot_be_read(settings: Settings) -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    workspace = WorkspaceFactory.create()
    settings.SECRETS_KEYS = [old]
    put(workspace)

    settings.SECRETS_KEYS = [new, old]
    assert revealed(workspace) == VALUE
    with speakers.command("rotate_secrets"):
        call_command("rotate_secrets")
    assert AuditEntry.objects.get(action="secret.rotate").details == {"number": 1}
    settings.SECRETS_KEYS = [new]
    assert revealed(workspace) == VALUE
    settings.SECRETS_KEYS = [old]
    assert isinstance(revealed(workspace), secrets.Unreadable)


def test_rotation_changes_nothing_when_one_cannot_be_read(settings: Settings) -> None:
    lost, old, new = (Fernet.generate_key().decode() for _ in range(3))
    workspace = WorkspaceFactory.create()
    settings.SECRETS_KEYS = [lost]
    put(workspace, "LOST")
    settings.SECRETS_KEYS = [old]
    sealed = put(workspace, "KEPT").sealed

    settings.SECRETS_KEYS = [new, old]
    with pytest.raises(CommandError, match="'LOST' can't be decrypted"):
        call_command("rotate_secrets")

    assert Secret.objects.get(name="KEPT").sealed == sealed
