import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from workflows import services
from workflows.definition import DefinitionInvalid
from workflows.documents import Json
from workflows.models import Workflow, WorkflowStatus
from workspaces.models import Workspace

FIELDS = ("name", "description", "tags", "metadata")


class Command(BaseCommand):
    help = "Saves a workflow from a JSON file: name, description, tags, metadata and the definition. Says every fault."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workspace", help="slug or id of the workspace")
        parser.add_argument("file", type=Path, help="the workflow as JSON; one with the same name is changed")
        parser.add_argument("--activate", action="store_true", help="make it ACTIVE, so that it can be executed")

    def handle(self, *, workspace: str, file: Path, activate: bool, **_: Any) -> None:
        found = Workspace.objects.addressed_by(workspace).first()
        if found is None:
            raise CommandError(f"No workspace {workspace!r}; `make demo` makes one named demo.")
        try:
            saved = save(found, _read(file))
            if activate:
                services.set_status(workflow=saved, status=WorkflowStatus.ACTIVE)
        except DefinitionInvalid as error:
            raise CommandError("\n".join(f"{fault.path}: {fault.message}" for fault in error.faults)) from error
        except (ValidationError, services.StatusNotAllowed) as error:
            raise CommandError(str(error)) from error
        version = saved.version.number if saved.version else None
        self.stdout.write(f"{saved.name}: version {version}, {saved.status}")


def save(workspace: Workspace, document: dict[str, Json]) -> Workflow:
    """Creates the workflow of that name, or changes the one that has it. Errors as in `services.create`."""
    fields: dict[str, Any] = {name: document[name] for name in FIELDS if name in document}
    definition: Json = {name: value for name, value in document.items() if name not in FIELDS}
    known = Workflow.objects.filter(workspace=workspace).addressed_by(str(fields.get("name"))).first()
    if known is None:
        return services.create(workspace=workspace, definition=definition, **{"name": "", **fields})
    return services.change(workflow=known, definition=definition, **fields)


def _read(file: Path) -> dict[str, Json]:
    try:
        document: Json = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandError(f"Can't read {str(file)!r}: {error.strerror}.") from error
    except ValueError as error:
        raise CommandError(f"{file}: {error}") from error
    if not isinstance(document, dict):
        raise CommandError(f"{file}: a workflow is an object, with name and actions.")
    return document
