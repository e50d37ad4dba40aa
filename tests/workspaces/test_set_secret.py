"""`manage.py set_secret`: the value comes by standard input, and is printed nowhere."""

import io
from unittest.mock import Mock

import pytest
from django.core.management import CommandError, call_command

from tests.factories import WorkspaceFactory
from workspaces import secrets
from workspaces.management.commands import set_secret
from workspaces.models import Secret

pytestmark = pytest.mark.django_db

VALUE = "sk-4f0a81c2d9e7"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run(monkeypatch: pytest.MonkeyPatch, text: str, *arguments: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    call_command("set_secret", *arguments)


def test_it_sets_what_comes_by_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = WorkspaceFactory.create(slug="sales")

    run(monkeypatch, f" {VALUE}\n\n", "sales", "SHOP_KEY")
    run(monkeypatch, f"{VALUE}\n", str(workspace.pk), "SHOP_KEY")

    printed = capsys.readouterr()
    assert printed.out == "SHOP_KEY is set in sales.\nSHOP_KEY is replaced in sales.\n"
    assert VALUE not in printed.out + printed.err
    assert secrets.reveal(workspace_id=workspace.pk, names=["SHOP_KEY"]) == {"SHOP_KEY": VALUE}


@pytest.mark.parametrize(
    ("text", "workspace", "name", "message"),
    [
        (VALUE, "nowhere", "SHOP_KEY", "No workspace 'nowhere'"),
        (VALUE, "sales", "SHOP-KEY", "name: Use letters"),
        ("short\n", "sales", "SHOP_KEY", "value: Give at least 8"),
        ("\udcff" * 8, "sales", "SHOP_KEY", "value: Give text in UTF-8"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_the_mend(
    monkeypatch: pytest.MonkeyPatch, text: str, workspace: str, name: str, message: str
) -> None:
    WorkspaceFactory.create(slug="sales")

    with pytest.raises(CommandError, match=message):
        run(monkeypatch, text, workspace, name)


@pytest.mark.parametrize("gone", [EOFError, KeyboardInterrupt])
def test_who_breaks_off_at_the_prompt_has_set_nothing(
    monkeypatch: pytest.MonkeyPatch, gone: type[BaseException]
) -> None:
    WorkspaceFactory.create(slug="sales")
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr(set_secret, "getpass", Mock(side_effect=gone))

    with pytest.raises(CommandError, match="Nothing was set"):
        call_command("set_secret", "sales", "SHOP_KEY")
    assert not Secret.objects.exists()
