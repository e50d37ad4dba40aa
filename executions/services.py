"""The verbs that the API, the admin and the commands share: start, run, cancel. Plain functions for any Django code."""

import threading

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from executions.engine import dispatch, journal, runner
from executions.engine.runner import Observer
from executions.models import Execution
from executions.states import TransitionNotAllowed
from workflows.documents import DocumentError, Json, encode, join
from workflows.models import Workflow
from workflows.services import definition_of

LOOK_SECONDS = 0.25

__all__ = ["NotActive", "TransitionNotAllowed", "cancel", "run", "start"]


class NotActive(Exception):
    """The workflow isn't ACTIVE, so only a dry run of it may start; an ARCHIVED one doesn't start at all."""


def start(
    *,
    workflow: Workflow,
    trigger_data: Json = None,
    variables: dict[str, Json] | None = None,
    trigger_type: str = "manual",
    triggered_by: AbstractBaseUser | None = None,
    dry_run: bool = False,
    on_progress: Observer | None = None,
) -> Execution:
    """A new PENDING execution of the workflow's current version; inside `atomic()` it runs if and only if that commits.

    `variables` go over the definition's own. Raises NotActive (a dry run may start from any status but ARCHIVED), and
    DocumentError, with the path of the fault, when `trigger_data` or `variables` isn't JSON that can be kept.
    `on_progress(step)` is called after each commit of a step that this process makes, from the thread that made it.
    """
    _check("triggerData", trigger_data)
    _check("variables", variables or {})
    execution = Execution(
        workspace_id=workflow.workspace_id, workflow=workflow, trigger_type=trigger_type, trigger_data=trigger_data,
        triggered_by_id=triggered_by.pk if triggered_by else None, is_simulation=dry_run,
    )  # fmt: skip
    if on_progress:
        runner.observe(execution.pk, on_progress)
    if not _started(execution, workflow, variables or {}):
        workflow.refresh_from_db()
        if not _started(execution, workflow, variables or {}):
            runner.stop_observing(execution.pk)
            raise NotActive(
                f"Workflow {workflow.name!r} is {workflow.status}; activate it first, or ask for a dry run."
            )
    transaction.on_commit(dispatch.wake)
    return execution


def _started(execution: Execution, workflow: Workflow, variables: dict[str, Json]) -> bool:
    """Whether it could be started with the version that this copy of the workflow knows of."""
    if workflow.version_id is None:
        return False
    definition = definition_of(workflow.version_id)
    execution.version_id = workflow.version_id
    execution.variables = {**definition.variables, **variables}
    execution.timeout_ms, execution.total_steps = definition.timeout, len(definition.actions)
    return journal.start(execution)


def _check(name: str, value: object) -> None:
    try:
        encode(value)
    except DocumentError as error:
        path = f"{name}{error.path}" if error.path.startswith("[") else join(name, error.path)
        raise DocumentError(path if error.path else name, error.message) from error


def run(*, execution: Execution, on_progress: Observer | None = None) -> Execution:
    """Carries the execution to its end in this thread, sleeping through its waits, whoever else works on it meanwhile.

    `on_progress` as in `start`.
    """
    if on_progress:
        runner.observe(execution.pk, on_progress)
    while not execution.has_ended:
        if claim := journal.claim(execution.pk):
            runner.run(claim)
        else:
            _sleep_until_due(execution)
        execution.refresh_from_db()
    return execution


def _sleep_until_due(execution: Execution) -> None:
    due_in = journal.seconds_until_due(execution.pk)
    threading.Event().wait(min(LOOK_SECONDS, LOOK_SECONDS if due_in is None else due_in))


def cancel(*, execution: Execution, by: AbstractBaseUser | None = None) -> Execution:
    """Ends the execution as CANCELLED and gives it as it is now; at once, whatever its handler does.

    Raises TransitionNotAllowed when it has already ended: then it was not cancelled, and never will be.
    """
    message = f"Cancelled by {by.get_username()}." if by else "Cancelled."
    journal.cancel(execution.pk, error={"code": "CANCELLED", "message": message})
    transaction.on_commit(lambda: dispatch.interrupt(execution.pk))
    execution.refresh_from_db()
    return execution
