"""The commands that the pages show, beside those that there are."""

import re
import shlex
from argparse import ArgumentParser
from pathlib import Path

from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand

from tests.docs.pages import ROOT, blocks

MANAGE = [".venv/bin/python", "manage.py"]


def shown(page: Path) -> list[list[str]]:
    """The words of every command line in the page's `sh` blocks; a backslash at the end goes on in the next line."""
    lines = "".join(blocks(page, "sh")).replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True) for line in lines if line.strip()]


def targets() -> set[str]:
    """What `make` can make."""
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))


def parser(command: str) -> ArgumentParser:
    app = get_commands()[command]
    found = app if isinstance(app, BaseCommand) else load_command_class(app, command)
    return found.create_parser("manage.py", command)


def own_options(command: str) -> set[str]:
    """The options of a command of ours, without those that Django gives to all."""
    return _options(parser(command)) - _options(BaseCommand().create_parser("manage.py", ""))


def _options(of: ArgumentParser) -> set[str]:
    return {option for action in of._actions for option in action.option_strings}
