"""What an expression sees of an execution."""

from collections.abc import Iterable

from executions.engine.journal import Assignment
from executions.engine.plan import StepRecord
from executions.states import StepStatus
from workflows.definition import Definition
from workflows.documents import Json

type Scope = dict[str, Json]


def build(assignment: Assignment, definition: Definition, steps: Iterable[StepRecord]) -> Scope:
    """`{"trigger", "variables", "execution", "workflow", "steps": {action id: step}, "step": [step by index]}`."""
    by_index: list[Json] = [None] * len(definition.actions)
    scope: Scope = {
        "trigger": assignment.trigger_data,
        "variables": assignment.variables,
        "execution": {"id": str(assignment.execution_id)},
        "workflow": {"id": str(assignment.workflow_id), "name": assignment.workflow_name},
        "steps": {},
        "step": by_index,
    }
    for record in steps:
        note(scope, record)
    return scope


def note(scope: Scope, record: StepRecord) -> None:
    """Lets later expressions see a step, once it has ended."""
    if record.status is StepStatus.RUNNING:
        return
    error = record.error
    if isinstance(error, dict):  # a traceback is for operators, not for what a workflow sends on
        error = {name: value for name, value in error.items() if name != "traceback"}
    seen: Json = {"status": record.status.value, "output": record.output, "error": error}
    by_id, by_index = scope["steps"], scope["step"]
    if isinstance(by_id, dict) and isinstance(by_index, list):
        by_id[record.action_id] = seen
        by_index[int(record.path)] = seen
