"""Executions and steps as the wire contract writes them."""

from datetime import datetime

from executions.models import Execution, Step
from executions.states import StepStatus, WaitingFor
from workflows.documents import Json
from workflows.models import Workflow
from workflows.services import definition_of
from workspaces.representation import moment


def execution_json(execution: Execution, *, tracebacks: bool = False) -> dict[str, Json]:
    """The execution with its steps in the order of the definition; `tracebacks` of errors are for admins only."""
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
        "steps": [step_json(step, traceback=tracebacks) for step in in_order(execution)],
        "error": error_json(execution.error, traceback=tracebacks),
        "createdAt": moment(execution.created_at),
        "startedAt": moment(execution.started_at),
        "completedAt": moment(execution.completed_at),
        "durationMs": execution.duration_ms,
        "isSimulation": execution.is_simulation,
        "resumedFrom": str(execution.resumed_from) if execution.resumed_from else None,
        "waitingFor": waiting_for(execution),
    }


def step_json(step: Step, *, traceback: bool = False) -> dict[str, Json]:
    attempts = step.attempts or []
    return {
        "stepId": str(step.id),
        "path": step.path,
        "actionId": step.action_id,
        "actionType": step.action_type,
        "name": step.name,
        "status": step.status,
        "attempt": step.attempt,
        "attempts": [{**attempt, "error": error_json(attempt["error"], traceback=traceback)} for attempt in attempts],
        "input": step.input,
        "output": step.output,
        "error": error_json(step.error, traceback=traceback),
        "log": step.log or [],
        "startedAt": moment(step.started_at),
        "completedAt": moment(step.completed_at),
        "durationMs": step.duration_ms,
    }


def error_json(error: dict[str, Json] | None, *, traceback: bool = False) -> Json:
    return error if error is None or traceback else {name: part for name, part in error.items() if name != "traceback"}


def workflow_context(workflow: Workflow, execution: Execution) -> dict[str, Json]:
    """The workflow that an execution is of, with the trigger of the version that it runs."""
    return {
        "id": str(workflow.id),
        "name": workflow.name,
        "description": workflow.description,
        "trigger": definition_of(execution.version_id).trigger.model_dump(),
        "status": workflow.status,
    }


def summary_json(execution: Execution) -> dict[str, Json]:
    return {
        "totalSteps": execution.total_steps,
        "successfulSteps": execution.successful_steps,
        "failedSteps": execution.failed_steps,
        "skippedSteps": execution.skipped_steps,
    }


def timing_json(execution: Execution, now: datetime) -> dict[str, Json]:
    """`durationMs` of one that still runs counts up to `now`."""
    duration = execution.duration_ms
    if duration is None and execution.started_at and not execution.has_ended:
        duration = max(0, round((now - execution.started_at).total_seconds() * 1000))
    return {
        "startedAt": moment(execution.started_at),
        "completedAt": moment(execution.completed_at),
        "durationMs": duration,
        "isRunning": not execution.has_ended,
    }


def progress_json(execution: Execution, *, running: int | None = None) -> dict[str, Json]:
    """`percentage` is 100 only at the end. `running` steps are counted among its steps, unless that is known."""
    if running is None:
        running = sum(step.status == StepStatus.RUNNING for step in execution.steps.all())
    done = execution.successful_steps + execution.failed_steps + execution.skipped_steps
    share = done * 100 // execution.total_steps if execution.total_steps else 0
    return {
        "totalSteps": execution.total_steps,
        "completedSteps": done,
        "successfulSteps": execution.successful_steps,
        "failedSteps": execution.failed_steps,
        "skippedSteps": execution.skipped_steps,
        "runningSteps": running,
        "percentage": 100 if execution.has_ended else min(99, share),
    }


def waiting_for(execution: Execution) -> Json:
    if execution.has_ended or execution.waiting_for is None:
        return None
    is_held = execution.waiting_for == WaitingFor.LIMIT
    return {"type": execution.waiting_for, "until": None if is_held else moment(execution.wake_at)}


def in_order(execution: Execution) -> list[Step]:
    return sorted(execution.steps.all(), key=lambda step: [int(part) for part in step.path.split(".")])
