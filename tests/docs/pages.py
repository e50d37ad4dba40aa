"""The pages of the documentation, and the blocks and tables in them."""

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")])


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path, kind: str) -> list[str]:
    """The fenced blocks whose first line is exactly ``` and `kind`."""
    return re.findall(rf"^```{re.escape(kind)}\n(.*?)^```", read(page), flags=re.MULTILINE | re.DOTALL)


def section(page: Path, heading: str) -> str:
    """What stands under the heading, down to the next one of its level or above."""
    level = len(heading) - len(heading.lstrip("#"))
    found = re.search(rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{level}}} |\Z)", read(page), re.MULTILINE | re.DOTALL)
    if found is None:
        raise LookupError(f"{page.name} has no heading {heading!r}")
    return found[1]


def rows(text: str, *columns: str) -> list[dict[str, str]]:
    """The rows of the table in `text` that has exactly these columns."""
    lines = text.splitlines()
    wanted = list(columns)
    for number, line in enumerate(lines):
        if cells(line) == wanted:
            body = [cells(row) for row in _until_it_ends(lines[number + 2 :])]
            return [dict(zip(columns, row, strict=True)) for row in body]
    raise LookupError(f"no table with the columns {wanted}")


def cells(line: str) -> list[str]:
    if not line.startswith("|"):
        return []
    return [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def codes(cell: str) -> list[str]:
    """What is written in the cell as code."""
    return re.findall(r"`([^`]+)`", cell)


def _until_it_ends(lines: list[str]) -> list[str]:
    end = next((number for number, line in enumerate(lines) if not line.startswith("|")), len(lines))
    return lines[:end]


def executed(page: Path, kind: str) -> dict[str, Any]:
    """What the blocks of that kind define, run one after another as one module."""
    module: dict[str, Any] = {"__name__": page.stem}
    for source in blocks(page, kind):
        exec(compile(source, str(page), "exec"), module)
    return module
