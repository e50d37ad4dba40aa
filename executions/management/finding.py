"""What a command's arguments name: a workspace, a workflow, JSON. Each refusal says what there is instead."""

import json
import sys
from pathlib import Path

from django.core.management.base import CommandError
from django.db import OperationalError, ProgrammingError

from workflows.documents import Json
from workflows.models import Workflow, WorkflowStatus
from workspaces.models import Workspace

LISTED = 20


class Refused(CommandError):
    """Why the command doesn't run; `code` is that of the wire contract."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def find_workspace(reference: str) -> Workspace:
    """By slug or id."""
    try:
        workspace = Workspace.objects.addressed_by(reference).first()
    except (OperationalError, ProgrammingError) as error:
        raise Refused(
            "INTERNAL_ERROR", f"The database: {error}. Is it there, and up to date (`make migrate`)?"
        ) from error
    if workspace is None:
        known = Workspace.objects.order_by("slug").values_list("slug", flat=True)
        raise Refused("WORKSPACE_NOT_FOUND", f"No workspace {reference!r}. {_listed(list(known[: LISTED + 1]))}")
    return workspace


def find_workflow(workspace: Workspace, reference: str) -> Workflow:
    """By name or id."""
    workflows = Workflow.objects.filter(workspace=workspace)
    workflow = workflows.addressed_by(reference).select_related("workspace").first()
    if workflow is None:
        known = workflows.exclude(status=WorkflowStatus.ARCHIVED).order_by("name").values_list("name", flat=True)
        listed = _listed([repr(name) for name in known[: LISTED + 1]])
        raise Refused("WORKFLOW_NOT_FOUND", f"No workflow {reference!r} in {workspace.slug}. {listed}")
    return workflow


def _listed(names: list[str]) -> str:
    if not names:
        return "There are none yet; `make demo` makes some."
    return f"There are: {', '.join(names[:LISTED])}{', …' if len(names) > LISTED else ''}."


def read_json(option: str, text: str | None) -> Json:
    """What the option says: JSON itself, `@file`, or `-` for standard input."""
    if text is None:
        return None
    try:
        parsed: Json = json.loads(_content(text))
    except OSError as error:
        raise Refused("VALIDATION_ERROR", f"{option}: can't read {text[1:]!r}: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        mend = "Put it in single quotes, or into a file and write @FILE."
        raise Refused("VALIDATION_ERROR", f"{option} isn't JSON: {error}. {mend}") from error
    return parsed


def read_object(option: str, text: str | None) -> dict[str, Json]:
    value = read_json(option, text)
    if text is not None and not isinstance(value, dict):
        raise Refused("VALIDATION_ERROR", f'{option} takes an object, such as {{"name": "value"}}.')
    return value if isinstance(value, dict) else {}


def _content(text: str) -> str:
    if text == "-":
        return sys.stdin.read()
    return Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text
