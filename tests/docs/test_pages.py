"""What holds for every page: its links, its commands, its workflows, and that it names no machine."""

import json
import re
from itertools import dropwhile
from pathlib import Path
from typing import Any

import pytest

from tests.docs.commands import ASKING, MANAGE, parser, shown, targets
from tests.docs.pages import DOCS, PAGES, ROOT, blocks, read
from workflows.definition import parse
from workflows.management.commands.save_workflow import FIELDS

MAX_LINES_OF_A_DECISION = 40
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@every_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", read(page)):
        leads_to = page.parent / target if target else page
        assert leads_to.exists(), target
        assert not anchor or anchor in anchors(leads_to), f"{target}#{anchor}"


def anchors(page: Path) -> set[str]:
    """The anchors that a forge makes of the headings."""
    headings = re.findall(r"^#+ (.*)$", read(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@every_page
def test_every_command_shown_exists_with_its_options(page: Path) -> None:
    for line in shown(page):
        words = [*dropwhile(lambda word: re.match(r"[A-Z_]+=", word), line)]
        if words[0] == "make":
            assert set(words[1:]) <= targets(), line
        elif words[:2] == MANAGE:
            parser(words[2]).parse_args(words[3:])
        else:
            assert words[0] in (MANAGE[0], *ASKING), line


@every_page
def test_every_workflow_shown_can_be_saved(page: Path, handlers: dict[str, Any]) -> None:
    for source in blocks(page, "json workflow"):
        document = json.loads(source)
        assert parse({name: value for name, value in document.items() if name not in FIELDS}).actions


def test_there_are_workflows_and_commands_to_check() -> None:
    assert sum(len(blocks(page, "json workflow")) for page in PAGES) >= 3
    assert sum(len(shown(page)) for page in PAGES) >= 8


@every_page
def test_every_block_is_of_a_kind_that_is_checked_or_is_plain(page: Path) -> None:
    openings = re.findall(r"^```(.*)$", read(page), flags=re.MULTILINE)[::2]
    checked = {
        "json workflow",
        "json action",
        "json output",
        "json condition",
        "json scope",
        "json answer",
        "text answer",
        "python runs",
        "python handler",
    }

    assert set(openings) <= checked | {"sh", "text", "python", "js"}


@every_page
def test_it_names_no_machine(page: Path) -> None:
    assert re.findall(r"(?<![\w.])/(?:home|root|tmp|work|opt|usr|Users|var)\b", read(page)) == []


def test_every_decision_is_short_and_has_its_number() -> None:
    for page in sorted((DOCS / "decisions").glob("0*.md")):
        assert read(page).startswith(f"# {page.name[:4]} · "), page.name
        assert len(read(page).splitlines()) <= MAX_LINES_OF_A_DECISION, page.name


def test_every_dependency_is_told() -> None:
    names = {
        re.split(r"[\[><=]", line)[0]
        for file in ("base.in", "dev.in")
        for line in (ROOT / "requirements" / file).read_text(encoding="utf-8").splitlines()
        if not line.startswith("-r")
    }

    told = read(DOCS / "decisions" / "dependencies.md")
    assert [name for name in sorted(names) if not re.search(rf"(?<![\w-]){name}(?![\w-])", told)] == []
