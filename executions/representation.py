"""Executions and steps as the wire contract writes them."""

from datetime import datetime

from executions.models import Execution, Step
from executions.states import ExecutionStatus, StepStatus
from workflows.documents import Json


def execution_json(execution: Execution) -> dict[str, Json]:
    """The execution with its steps in the order of the definition."""
    return {
        "id": str(execution.id),
        "workflowId": str(execution.workflow_id),
        "workspaceId": str(execution.workspace_id),
        "workflowVersion": execution.version.number,
        "status": execution.status,
        "triggeredBy": execution.triggered_by_id,
        "triggerType": execution.trigger_type,
        "triggerData": execution.trigger_data,
        "variables": execution.variables,
        "steps": [step_json(step) for step in in_order(execution)],
        "error": execution.error,
        "startedAt": moment(execution.started_at),
        "completedAt": moment(execution.completed_at),
        "durationMs": execution.duration_ms,
        "isSimulation": execution.is_simulation,
        "waitingFor": waiting_for(execution),
    }


def step_json(step: Step) -> dict[str, Json]:
    return {
        "stepId": str(step.id),
        "path": step.path,
        "actionId": step.action_id,
        "actionType": step.action_type,
        "name": step.name,
        "status": step.status,
        "attempt": step.attempt,
        "attempts": [{**attempt, "error": _for_everybody(attempt["error"])} for attempt in step.attempts or []],
        "input": step.input,
        "output": step.output,
        "error": _for_everybody(step.error),
        "log": step.log or [],
        "startedAt": moment(step.started_at),
        "completedAt": moment(step.completed_at),
        "durationMs": step.duration_ms,
    }


def _for_everybody(error: dict[str, Json] | None) -> Json:
    """A traceback is for operators: it stays in the row."""
    return error and {name: value for name, value in error.items() if name != "traceback"}


def progress_json(execution: Execution) -> dict[str, Json]:
    """`percentage` is 100 only at the end."""
    done = execution.successful_steps + execution.failed_steps + execution.skipped_steps
    share = done * 100 // execution.total_steps if execution.total_steps else 0
    return {
        "totalSteps": execution.total_steps,
        "completedSteps": done,
        "successfulSteps": execution.successful_steps,
        "failedSteps": execution.failed_steps,
        "skippedSteps": execution.skipped_steps,
        "runningSteps": sum(step.status == StepStatus.RUNNING for step in execution.steps.all()),
        "percentage": 100 if execution.has_ended else min(99, share),
    }


def waiting_for(execution: Execution) -> Json:
    if execution.status != ExecutionStatus.RUNNING or execution.waiting_for is None:
        return None
    return {"type": execution.waiting_for, "until": moment(execution.wake_at)}


def in_order(execution: Execution) -> list[Step]:
    return sorted(execution.steps.all(), key=lambda step: [int(part) for part in step.path.split(".")])


def moment(value: datetime | None) -> str | None:
    """ISO 8601 in UTC with `Z`."""
    return None if value is None else value.isoformat().replace("+00:00", "Z")
