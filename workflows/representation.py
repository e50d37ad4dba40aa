"""Workflows as the wire contract writes them."""

from workflows.documents import Json
from workflows.models import Workflow
from workspaces.representation import moment

MANUAL: Json = {"type": "manual"}


def workflow_json(workflow: Workflow) -> dict[str, Json]:
    """The workflow with the definition of its current version, as it was saved."""
    version = workflow.version
    definition = version.definition if version else {}
    return {
        "id": str(workflow.id),
        "workspaceId": str(workflow.workspace_id),
        "name": workflow.name,
        "description": workflow.description,
        "status": workflow.status,
        "version": version.number if version else None,
        "trigger": definition.get("trigger", MANUAL),
        "actions": definition.get("actions", []),
        "variables": definition.get("variables", {}),
        "timeout": definition.get("timeout"),
        "tags": workflow.tags,
        "metadata": workflow.metadata,
        "maxRunning": workflow.max_running,
        "executionCount": workflow.execution_count,
        "successCount": workflow.success_count,
        "failureCount": workflow.failure_count,
        "lastExecutedAt": moment(workflow.last_executed_at),
        "createdBy": workflow.created_by_id,
        "createdAt": moment(workflow.created_at),
        "updatedAt": moment(workflow.updated_at),
    }
