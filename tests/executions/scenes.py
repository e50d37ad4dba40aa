"""What the engine's tests do over and over: start a definition, run it, read what was recorded."""

from typing import Any

from executions import services
from executions.models import Execution, Step
from executions.representation import in_order
from tests.factories import WorkflowFactory, definition
from workflows.documents import Json


def started(*actions: Json, trigger: Json = None, dry_run: bool = False, **fields: Json) -> Execution:
    return services.start(
        workflow=WorkflowFactory.create(definition=definition(*actions, **fields)),
        trigger_data=trigger,
        dry_run=dry_run,
    )


def ran(*actions: Json, **options: Any) -> Execution:
    return services.run(execution=started(*actions, **options))


def steps(execution: Execution) -> list[Step]:
    return in_order(execution)


def statuses(execution: Execution) -> list[str]:
    return [step.status for step in steps(execution)]
