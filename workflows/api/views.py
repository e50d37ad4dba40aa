from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request
from rest_framework.response import Response

from workflows import services
from workflows.actions import registry
from workflows.api.filters import WorkflowFilters
from workflows.api.serializers import (
    ActionTypeSerializer,
    WorkflowChange,
    WorkflowEnvelope,
    WorkflowInput,
    WorkflowSerializer,
)
from workflows.definition import json_schema
from workflows.models import Workflow, WorkflowStatus
from workflows.representation import workflow_json
from workspaces.access import Verb
from workspaces.api.base import CallerView, EntryView, by_id
from workspaces.api.operations import Operation, holding, page_of

DEFINITION = ("trigger", "variables", "actions", "timeout")


class WorkflowViews(EntryView):
    """The workflows of a workspace; archived ones are listed only when they are asked for."""

    tag = "workflows"
    operations: ClassVar = {
        "list": Operation(
            "listWorkflows", "The workflows of a workspace", Verb.READ, page_of("workflows", WorkflowSerializer),
            description="Archived ones only when `status` asks for them.",
        ),
        "create": Operation(
            "createWorkflow", "Creates a workflow", Verb.WRITE, WorkflowEnvelope, WorkflowInput, 201, errors=(409,),
        ),
        "retrieve": Operation("readWorkflow", "One workflow", Verb.READ, WorkflowEnvelope),
        "change": Operation(
            "changeWorkflow", "Changes what is given", Verb.WRITE, WorkflowEnvelope, WorkflowChange, errors=(409,),
            description="Another trigger, variables, actions or timeout make a version; what runs stays on its own.",
        ),
        "archive": Operation("archiveWorkflow", "Archives a workflow, for good", Verb.WRITE, WorkflowEnvelope),
        "activate": Operation("activateWorkflow", "Lets it be executed", Verb.WRITE, WorkflowEnvelope, errors=(409,)),
        "deactivate": Operation(
            "deactivateWorkflow", "Starts no more of it", Verb.WRITE, WorkflowEnvelope, errors=(409,),
            description="What runs goes on to its end.",
        ),
    }  # fmt: skip
    queryset = Workflow.objects.none()
    filterset_class = WorkflowFilters
    envelope = "workflows"

    def get_queryset(self) -> QuerySet[Workflow]:
        return Workflow.objects.filter(workspace=self.workspace).select_related("version")

    def list(self, request: Request, **_: Any) -> Response:
        return self.listed(workflow_json)

    def create(self, request: Request, **_: Any) -> Response:
        fields = self.given()
        workflow = services.create(
            workspace=self.workspace, definition=_taken(fields), created_by=self.caller.user, **fields
        )
        location = f"{request.path.rstrip('/')}/{workflow.id}"
        return Response({"workflow": workflow_json(workflow)}, 201, headers={"Location": location})

    def retrieve(self, request: Request, id: str, **_: Any) -> Response:
        return Response({"workflow": workflow_json(by_id(self.get_queryset(), id))})

    def change(self, request: Request, id: str, **_: Any) -> Response:
        workflow = by_id(self.get_queryset(), id)
        fields = self.given()
        changed = services.change(workflow=workflow, parts=_taken(fields), changed_by=self.caller.user, **fields)
        return Response({"workflow": workflow_json(changed)})

    def archive(self, request: Request, id: str, **_: Any) -> Response:
        return self._with_status(id, WorkflowStatus.ARCHIVED)

    def activate(self, request: Request, id: str, **_: Any) -> Response:
        return self._with_status(id, WorkflowStatus.ACTIVE)

    def deactivate(self, request: Request, id: str, **_: Any) -> Response:
        return self._with_status(id, WorkflowStatus.INACTIVE)

    def _with_status(self, id: str, status: WorkflowStatus) -> Response:
        workflow = services.set_status(workflow=by_id(self.get_queryset(), id), status=status)
        return Response({"workflow": workflow_json(workflow)})


class ActionTypeViews(CallerView):
    """What an action may be, with the JSON Schema of each type's config."""

    tag = "definitions"
    operations: ClassVar = {
        "retrieve": Operation(
            "listActionTypes", "What an action may be", Verb.READ,
            holding("ActionTypes", actionTypes=ActionTypeSerializer(many=True)),
            description="With the JSON Schema of each type's config.",
        ),
    }  # fmt: skip

    def retrieve(self, request: Request, **_: Any) -> Response:
        return Response({"actionTypes": [action_type_json(name) for name in sorted(registry.ACTIONS)]})


class DefinitionSchemaViews(CallerView):
    """The JSON Schema of a definition."""

    tag = "definitions"
    operations: ClassVar = {
        "retrieve": Operation(
            "readDefinitionSchema", "The JSON Schema of a definition", Verb.READ, OpenApiTypes.OBJECT
        ),
    }

    def retrieve(self, request: Request, **_: Any) -> Response:
        return Response(json_schema())


def action_type_json(name: str) -> dict[str, Any]:
    action_type = registry.find(name)
    return {
        "type": action_type.name,
        "description": action_type.description,
        "transactional": action_type.transactional,
        "schema": action_type.json_schema(),
    }


def _taken(fields: dict[str, Any]) -> dict[str, Any]:
    """Takes the parts of a definition out of `fields`."""
    return {name: fields.pop(name) for name in DEFINITION if name in fields}
