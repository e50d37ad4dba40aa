"""The verbs on workflows: create, change, activate, deactivate, archive. Every one leaves a valid definition."""

import hashlib
import json
from functools import lru_cache
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import Max

from workflows.definition import Definition, load, parse, with_ids
from workflows.documents import Json
from workflows.models import Workflow, WorkflowStatus, WorkflowVersion
from workspaces.models import Workspace

_ALLOWED = {
    WorkflowStatus.ACTIVE: {WorkflowStatus.DRAFT, WorkflowStatus.INACTIVE, WorkflowStatus.ACTIVE},
    WorkflowStatus.INACTIVE: {WorkflowStatus.ACTIVE, WorkflowStatus.INACTIVE},
    WorkflowStatus.ARCHIVED: set(WorkflowStatus),
}


class NameTaken(Exception):
    """Another workflow of the workspace has this name."""


class StatusNotAllowed(Exception):
    """The workflow's status doesn't lead to the wished one."""


@lru_cache(maxsize=512)
def definition_of(version_id: UUID) -> Definition:
    """The definition of a version, which never changes and so is read once."""
    return load(WorkflowVersion.objects.values_list("definition", flat=True).get(pk=version_id))


def create(
    *,
    workspace: Workspace,
    name: str,
    definition: Json,
    description: str = "",
    status: WorkflowStatus = WorkflowStatus.DRAFT,
    tags: list[Json] | None = None,
    metadata: dict[str, Json] | None = None,
    created_by: AbstractBaseUser | None = None,
) -> Workflow:
    """A workflow with its first version.

    Raises DefinitionInvalid with every fault of the definition, NameTaken, and ValidationError for other fields.
    """
    complete = _checked(definition)
    workflow = Workflow(
        workspace=workspace, name=name, description=description, status=status, tags=tags or [],
        metadata=metadata or {}, created_by_id=_id(created_by),
    )  # fmt: skip
    with transaction.atomic():
        _save(workflow)
        _use(workflow, complete, created_by)
    return workflow


def change(
    *,
    workflow: Workflow,
    definition: Json = None,
    changed_by: AbstractBaseUser | None = None,
    **fields: Json,
) -> Workflow:
    """Sets `name`, `description`, `tags`, `metadata`; another `definition` makes a version. Errors as in `create`."""
    complete = None if definition is None else _checked(definition)
    with transaction.atomic():
        Workflow.objects.select_for_update().get(pk=workflow.pk)
        for name, value in fields.items():
            setattr(workflow, name, value)
        _save(workflow, update_fields=[*fields, "updated_at"])
        if complete is not None:
            _use(workflow, complete, changed_by)
    return workflow


def _checked(definition: Json) -> Json:
    complete = with_ids(definition)
    parse(complete)
    return complete


def _save(workflow: Workflow, update_fields: list[str] | None = None) -> None:
    workflow.clean_fields(exclude=["version"])
    workflow.clean()
    try:
        with transaction.atomic():
            workflow.save(update_fields=update_fields)
    except IntegrityError as error:
        if "workflow_name_once_per_workspace" in str(error) or "workflows_workflow.name" in str(error):
            raise NameTaken(f"The workspace has a workflow named {workflow.name!r} already.") from error
        raise


def _use(workflow: Workflow, definition: Json, by: AbstractBaseUser | None) -> None:
    """Points the workflow to the version with this content, an earlier one of its own or a new one."""
    digest = hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()
    versions = WorkflowVersion.objects.filter(workflow=workflow)
    version = versions.filter(digest=digest).first()
    if version is None:
        latest = versions.aggregate(latest=Max("number"))["latest"] or 0
        version = versions.create(
            workflow=workflow, number=latest + 1, definition=definition, digest=digest, created_by_id=_id(by)
        )
    workflow.version = version
    workflow.save(update_fields=["version", "updated_at"])


def _id(user: AbstractBaseUser | None) -> int | None:
    return user.pk if user else None


def set_status(*, workflow: Workflow, status: WorkflowStatus) -> Workflow:
    """Activates, deactivates or archives. Raises StatusNotAllowed, naming what leads there."""
    with transaction.atomic():
        current = Workflow.objects.select_for_update().get(pk=workflow.pk).status
        if WorkflowStatus(current) not in _ALLOWED.get(status, set()):
            raise StatusNotAllowed(f"A workflow that is {current} can't become {status}.")
        workflow.status = status
        workflow.save(update_fields=["status", "updated_at"])
    return workflow
