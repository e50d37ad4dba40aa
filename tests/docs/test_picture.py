"""The picture in the README is what the demo prints. To draw it anew:

DRAW=1 .venv/bin/python -m pytest tests/docs/test_picture.py
"""

import os
import re
from collections import Counter
from html import unescape
from io import StringIO
from queue import SimpleQueue

import pytest
from django.core.management import call_command
from pytest_django import Settings
from rich.console import Console
from rich.text import Text

from executions.management.terminal import ExecutionView
from executions.models import Execution
from executions.representation import in_order
from tests.docs.pages import ROOT
from workflows.services import definition_of

PICTURE = ROOT / "docs" / "run_workflow.svg"
COLUMNS = 84


@pytest.mark.django_db(transaction=True)
def test_the_picture_in_the_readme_is_what_the_demo_prints(settings: Settings) -> None:
    settings.DEBUG = True
    call_command("demo")
    drawn = picture_of(Execution.objects.get())

    if os.environ.get("DRAW"):
        PICTURE.write_text(drawn, encoding="utf-8")

    assert words(PICTURE.read_text(encoding="utf-8")) == words(drawn), f"outdated; {__doc__}"


def picture_of(execution: Execution) -> str:
    console = Console(file=StringIO(), record=True, force_terminal=True, width=COLUMNS)
    view = ExecutionView(definition_of(execution.version_id), console, SimpleQueue())
    view.settle(execution, in_order(execution))
    console.print(Text.assemble(("$ make demo\n\n", "dim"), (f"{execution.workflow.name}\n", "bold")))
    console.print(view)
    svg = console.export_svg(title="Trilith", unique_id="run")
    return re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)  # which ask somebody's server for fonts


def words(svg: str) -> Counter[str]:
    """What can be read in it, without the times."""
    texts = re.findall(r"<text [^>]*>(.*?)</text>", svg)
    found = (word for text in texts for word in unescape(text).split())
    return Counter(word for word in found if word not in ("s", "ms") and not re.search(r"\d", word))
