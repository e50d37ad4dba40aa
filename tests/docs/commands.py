"""The commands that the pages show, beside those that there are."""

import re
import shlex
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path

from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand

from tests.docs.pages import ROOT, blocks

MANAGE = [".venv/bin/python", "manage.py"]
ASKING = ("curl", "api")
"""What sends requests; `api` is a function that a page defines."""


def shown(page: Path) -> list[list[str]]:
    """The words of every command in the page's `sh` blocks, of `NAME=$(command)` those of the command.

    Values that are set and functions that are defined aren't commands.
    """
    lines = (line for block in blocks(page, "sh") for line in _whole_lines(block))
    commands = (re.sub(r"^[A-Z]+=.*?\$\((.*)\)$", r"\1", line) for line in lines)
    words = [shlex.split(command, comments=True) for command in commands]
    return [each for each in words if each and not re.match(r"[A-Z]+=[^$]*$|[A-Z]+=\$[A-Z]+/|\w+\(\)$", each[0])]


def _whole_lines(block: str) -> Iterator[str]:
    """Its lines; one that ends in a backslash, or in the middle of a quotation, goes on in the next."""
    whole = ""
    for line in block.replace("\\\n", " ").splitlines():
        whole = f"{whole}\n{line}" if whole else line
        if _is_closed(whole):
            yield whole
            whole = ""
    assert not whole, f"a quotation without an end: {whole}"


def _is_closed(line: str) -> bool:
    try:
        shlex.split(line, comments=True)
    except ValueError:
        return False
    return True


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
