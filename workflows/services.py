"""The verbs on workflows: create, change, activate, deactivate, archive. Every one leaves a valid definition."""

import hashlib
import json
from functools import lru_cache
from types import EllipsisType
from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Max

from workflows.definition import Definition, load, parse, with_ids
from workflows.documents import DocumentError, Json, encode, inside
from workflows.models import Workflow, WorkflowStatus, WorkflowVersion
from workspaces import audit
from workspaces.models import Action, Workspace

LEADS_TO = {
    WorkflowStatus.DRAFT: (WorkflowStatus.DRAFT,),
    WorkflowStatus.ACTIVE: (WorkflowStatus.DRAFT, WorkflowStatus.INACTIVE, WorkflowStatus.ACTIVE),
    WorkflowStatus.INACTIVE: (WorkflowStatus.ACTIVE, WorkflowStatus.INACTIVE),
    WorkflowStatus.ARCHIVED: tuple(WorkflowStatus),
}


class NameTaken(Exception):
    """Another workflow of the workspace has this name."""


class StatusNotAllowed(Exception):
    """The workflow's status doesn't allow that: it doesn't lead to the wished one, or it is archived."""


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
    tags: list[str] | None = None,
    metadata: dict[str, Json] | None = None,
    max_running: int | None = None,
    created_by: AbstractBaseUser | None = None,
) -> Workflow:
    """A workflow with its first version.

    Raises DefinitionInvalid with every fault of the definition, NameTaken, and ValidationError for other fields.
    """
    complete = _checked(definition)
    workflow = Workflow(
        workspace=workspace, name=name, description=description, status=status, tags=tags or [],
        metadata=metadata or {}, max_running=max_running, created_by_id=_id(created_by),
    )  # fmt: skip
    _check_fields(workflow)
    with transaction.atomic():
        _save(workflow)
        _use(workflow, complete, created_by)
        audit.record(Action.WORKFLOW_CREATE, workflow, workspace_id=workflow.workspace_id, status=status)
    return workflow


def change(
    *,
    workflow: Workflow,
    name: str | None = None,
    description: str | None = None,
    tags: list[str] | None = None,
    metadata: dict[str, Json] | None = None,
    max_running: int | EllipsisType | None = ...,
    status: WorkflowStatus | None = None,
    definition: Json = None,
    parts: dict[str, Json] | None = None,
    changed_by: AbstractBaseUser | None = None,
) -> Workflow:
    """Sets what is given, all of it or nothing; another `definition`, or other `parts` of it, make a version.

    `max_running` may be given as None, which is no limit.

    Raises what `create` raises, and StatusNotAllowed for an archived workflow, or for a `status` that isn't next.
    """
    complete = None if definition is None else _checked(definition)
    given = {"name": name, "description": description, "tags": tags, "metadata": metadata}
    fields: dict[str, Any] = {field: value for field, value in given.items() if value is not None}
    if max_running is not ...:
        fields["max_running"] = max_running
    with transaction.atomic():
        changed = Workflow.objects.select_for_update().get(pk=workflow.pk)
        if changed.status == WorkflowStatus.ARCHIVED:
            raise StatusNotAllowed("An archived workflow can't be changed; create another one.")
        for field, value in fields.items():
            setattr(changed, field, value)
        _check_fields(changed)
        _save(changed, update_fields=[*fields, "updated_at"])
        if parts:
            current = changed.version.definition if changed.version else {}
            complete = _checked({**current, **parts})
        if complete is not None:
            _use(changed, complete, changed_by)
        if status is not None:
            _lead_to(changed, status)
        _record_change(changed, [*fields, *([] if complete is None else ["definition"])], status)
    workflow.refresh_from_db()
    return workflow


def _record_change(workflow: Workflow, fields: list[str], status: WorkflowStatus | None) -> None:
    version = workflow.version.number if workflow.version else None
    details: dict[str, Any] = {"fields": sorted(fields), "version": version}
    if status:
        details["status"] = status
    audit.record(Action.WORKFLOW_CHANGE, workflow, workspace_id=workflow.workspace_id, **details)


def set_status(*, workflow: Workflow, status: WorkflowStatus) -> Workflow:
    """Activates, deactivates or archives. Raises StatusNotAllowed, naming what leads there."""
    with transaction.atomic():
        changed = Workflow.objects.select_for_update().get(pk=workflow.pk)
        _lead_to(changed, status)
        audit.record(Action.WORKFLOW_STATUS, changed, workspace_id=changed.workspace_id, status=status)
    workflow.refresh_from_db()
    return workflow


def _lead_to(workflow: Workflow, status: WorkflowStatus) -> None:
    """A locked one."""
    if workflow.status not in (allowed := LEADS_TO.get(status, ())):
        others = [other for other in allowed if other != status]
        ways = f"only one that is {' or '.join(others)} can" if others else "none can"
        raise StatusNotAllowed(f"A workflow that is {workflow.status} can't become {status}; {ways}.")
    workflow.status = status
    workflow.save(update_fields=["status", "updated_at"])


def _checked(definition: Json) -> Json:
    complete = with_ids(definition)
    parse(complete)
    return complete


def _check_fields(workflow: Workflow) -> None:
    """Raises ValidationError with every field that can't be kept; on one database as on the other."""
    faults: dict[str, list[str]] = {}
    for field in ("name", "description", "tags", "metadata"):
        try:
            encode(getattr(workflow, field))
        except DocumentError as error:
            faults[inside(field, error.path)] = [f"{error.message}."]
    for field in ("name", "description"):
        if not isinstance(getattr(workflow, field), str):
            faults[field] = ["Give a text."]
    if not isinstance(workflow.tags, list) or not all(isinstance(tag, str) for tag in workflow.tags):
        faults.setdefault("tags", ["Give a list of texts."])
    if not isinstance(workflow.metadata, dict):
        faults.setdefault("metadata", ["Give an object."])
    try:
        workflow.clean_fields(exclude={"version", *faults})
    except ValidationError as error:
        faults |= error.message_dict
    if faults:
        raise ValidationError(faults)


def _save(workflow: Workflow, update_fields: list[str] | None = None) -> None:
    try:
        with transaction.atomic():
            workflow.save(update_fields=update_fields)
    except IntegrityError as error:
        if _is_name_taken(str(error)):
            raise NameTaken(f"The workspace has a workflow named {workflow.name!r} already.") from error
        raise


def _is_name_taken(message: str) -> bool:
    """PostgreSQL names the constraint, SQLite its columns."""
    return "workflow_name_once_per_workspace" in message or (
        message.startswith("UNIQUE") and "workflows_workflow.name" in message
    )


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
    workflow.version, workflow.trigger_type = version, load(definition).trigger.type
    workflow.save(update_fields=["version", "trigger_type", "updated_at"])


def _id(user: AbstractBaseUser | None) -> int | None:
    return user.pk if user else None
