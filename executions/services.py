"""The verbs that the API, the admin and the commands share: start, run, run again, wait, cancel. For Django code."""

import hashlib
import json
import re
import threading
from typing import NamedTuple
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, transaction

from executions.engine import clock, dispatch, due, journal, limits, metrics, runner
from executions.engine.runner import Observer
from executions.engine.transactions import write_transaction
from executions.models import UNSUCCESSFUL, Execution, Step
from executions.representation import in_order
from executions.states import ExecutionStatus, StepStatus, TransitionNotAllowed, WaitingFor
from workflows.definition import OnError
from workflows.documents import DocumentError, Json, dump, encode, join
from workflows.models import Workflow, WorkflowStatus
from workflows.services import definition_of
from workspaces import audit
from workspaces.models import Action, AuditEntry

FIRST_LOOK_SECONDS = 0.01
LOOK_SECONDS = 0.25
IDEMPOTENCY_KEY = re.compile(r"[ -~]{1,255}")

__all__ = [
    "IdempotencyConflict", "InvalidIdempotencyKey", "NotActive", "NotResumable", "Started", "TransitionNotAllowed",
    "cancel", "may_resume", "may_run_again", "resume", "resumed_as", "run", "run_again", "start", "start_once", "wait",
]  # fmt: skip


class NotActive(Exception):
    """The workflow isn't ACTIVE, so only a dry run of it may start; an ARCHIVED one doesn't start at all."""


class NotResumable(Exception):
    """The execution goes on, or it is COMPLETED: there is nothing to resume."""


class InvalidIdempotencyKey(ValueError):
    """It isn't 1 to 255 printable ASCII characters."""


class IdempotencyConflict(Exception):
    """The idempotency key has started something else before."""


class Started(NamedTuple):
    """`is_replay`: the idempotency key had started this execution before; nothing was started now."""

    execution: Execution
    is_replay: bool


def start(
    *,
    workflow: Workflow,
    trigger_data: Json = None,
    variables: dict[str, Json] | None = None,
    trigger_type: str = "manual",
    triggered_by: AbstractBaseUser | None = None,
    dry_run: bool = False,
    on_progress: Observer | None = None,
    idempotency_key: str | None = None,
) -> Execution:
    """A new PENDING execution of the workflow's current version; inside `atomic()` it runs if and only if that commits.

    `variables` go over the definition's own. Raises NotActive (a dry run may start from any status but ARCHIVED), and
    DocumentError, with the path of the fault, when `trigger_data` or `variables` isn't JSON that can be kept.
    `on_progress(step)` is called after each commit of a step that this process makes, from the thread that made it.

    A workflow starts once for each `idempotency_key`, 1 to 255 printable ASCII characters (InvalidIdempotencyKey):
    asked again for the same data, variables and dry run it gives the execution that there is, whatever became of the
    workflow meanwhile; asked for anything else it raises IdempotencyConflict.
    """
    return start_once(
        workflow=workflow, trigger_data=trigger_data, variables=variables, trigger_type=trigger_type,
        triggered_by=triggered_by, dry_run=dry_run, on_progress=on_progress, idempotency_key=idempotency_key,
    ).execution  # fmt: skip


def start_once(
    *,
    workflow: Workflow,
    idempotency_key: str | None,
    trigger_data: Json = None,
    variables: dict[str, Json] | None = None,
    trigger_type: str = "manual",
    triggered_by: AbstractBaseUser | None = None,
    dry_run: bool = False,
    on_progress: Observer | None = None,
) -> Started:
    """As `start`, and says whether the execution is the one of an earlier start with this key."""
    _check("triggerData", trigger_data)
    _check("variables", variables or {})
    execution = Execution(
        workspace_id=workflow.workspace_id, workflow=workflow, trigger_type=trigger_type, trigger_data=trigger_data,
        triggered_by_id=triggered_by.pk if triggered_by else None, is_simulation=dry_run,
    )  # fmt: skip
    if idempotency_key is not None:
        execution.idempotency_key = _checked(idempotency_key)
        execution.request_digest = _digest(trigger_data, variables or {}, dry_run=dry_run)
    if earlier := _earlier(execution):
        return Started(earlier, is_replay=True)
    if on_progress:
        runner.observe(execution.pk, on_progress)
    try:
        _insert(execution, workflow, variables or {})
    except Exception as error:
        runner.stop_observing(execution.pk)
        if _may_have_been_overtaken(error) and (earlier := _earlier(execution)):
            return Started(earlier, is_replay=True)
        raise
    return Started(execution, is_replay=False)


def _checked(idempotency_key: str) -> str:
    if not IDEMPOTENCY_KEY.fullmatch(idempotency_key):
        raise InvalidIdempotencyKey("An idempotency key is 1 to 255 printable ASCII characters, such as a UUID.")
    return idempotency_key


def _digest(trigger_data: Json, variables: dict[str, Json], *, dry_run: bool) -> str:
    """Of what the caller asks for: equal for equal JSON, whatever the order of its keys."""
    request = {"triggerData": trigger_data, "variables": variables, "dryRun": dry_run}
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


def _earlier(execution: Execution) -> Execution | None:
    """What was started with its idempotency key before. Raises IdempotencyConflict when that isn't the same."""
    key = execution.idempotency_key
    if key is None:
        return None
    earlier = Execution.objects.filter(workflow_id=execution.workflow_id, idempotency_key=key).first()
    if earlier and earlier.request_digest != execution.request_digest:
        raise IdempotencyConflict(
            f"The idempotency key {key!r} has started execution {earlier.pk} with another body; send another key, or"
            " the body of the first request."
        )
    return earlier


def _may_have_been_overtaken(error: Exception) -> bool:
    """Whether a start with the same key may have landed between our look and our write.

    PostgreSQL names the constraint, SQLite its columns.
    """
    if isinstance(error, IntegrityError):
        message = str(error)
        return "execution_once_per_idempotency_key" in message or (
            message.startswith("UNIQUE") and "executions_execution.idempotency_key" in message
        )
    return isinstance(error, NotActive)


def _insert(execution: Execution, workflow: Workflow, variables: dict[str, Json]) -> None:
    if not _started(execution, workflow, variables):
        workflow.refresh_from_db()
        if not _started(execution, workflow, variables):
            raise _not_active(workflow)


def _not_active(workflow: Workflow) -> NotActive:
    return NotActive(f"Workflow {workflow.name!r} is {workflow.status}; activate it first, or ask for a dry run.")


def _started(execution: Execution, workflow: Workflow, variables: dict[str, Json]) -> bool:
    """Whether it could be started with the version that this copy of the workflow knows of."""
    if workflow.version_id is None:
        return False
    definition = definition_of(workflow.version_id)
    execution.version_id = workflow.version_id
    execution.variables = {**definition.variables, **variables}
    execution.timeout_ms, execution.total_steps = definition.timeout, len(definition.actions)
    return journal.start(execution, entry=_entry(Action.EXECUTION_START, execution, workflow.name))


def _entry(action: Action, execution: Execution, name: str, **details: audit.Detail) -> AuditEntry | None:
    kind: dict[str, audit.Detail] = {"dryRun": True} if execution.is_simulation else {}
    return audit.entry_of(action, execution, workspace_id=execution.workspace_id, label=name, **kind | details)


def run_again(*, execution: Execution, latest: bool, by: AbstractBaseUser | None = None) -> Execution:
    """A new PENDING execution with the data of this one, a dry run if it was one: of its version, or of the `latest`.

    Of the same version it has the same variables; over those of the latest go the ones that weren't its version's own.
    Raises NotActive as `start` does.
    """
    if latest:
        return start(
            workflow=execution.workflow, trigger_data=execution.trigger_data, variables=_overrides(execution),
            triggered_by=by, dry_run=execution.is_simulation,
        )  # fmt: skip
    again = _copy_of(execution, by)
    entry = _entry(Action.EXECUTION_START, again, execution.workflow.name, again=str(execution.pk))
    if not journal.start(again, pinned=True, entry=entry):
        raise _not_active(Workflow.objects.get(pk=execution.workflow_id))
    return again


def _copy_of(execution: Execution, by: AbstractBaseUser | None) -> Execution:
    return Execution(
        workspace_id=execution.workspace_id, workflow_id=execution.workflow_id, version_id=execution.version_id,
        trigger_data=execution.trigger_data, variables=execution.variables, is_simulation=execution.is_simulation,
        timeout_ms=execution.timeout_ms, total_steps=execution.total_steps, triggered_by_id=by.pk if by else None,
    )  # fmt: skip


def resume(*, execution: Execution, by: AbstractBaseUser | None = None) -> Started:
    """A new PENDING execution of the same version and data, which begins at the step where this one ended.

    The steps that ended before are copied as they are recorded. An execution is resumed once: asked again it gives the
    one that there is, which may be resumed in turn. Raises NotResumable unless it is FAILED, TIMEOUT or CANCELLED,
    NotActive as `start` does, and Execution.DoesNotExist when it was deleted meanwhile.
    """
    if execution.status not in UNSUCCESSFUL:
        which = ", ".join(sorted(UNSUCCESSFUL))
        raise NotResumable(f"An execution that is {execution.status} can't be resumed; only one that is {which}.")
    if earlier := Execution.objects.filter(resumed_from=execution.pk).first():
        return Started(earlier, is_replay=True)
    resumed = _copy_of(execution, by)
    resumed.resumed_from, resumed.first = execution.pk, execution.first or execution.pk
    entry = _entry(Action.EXECUTION_START, resumed, execution.workflow.name, resumed=str(execution.pk))
    try:
        with write_transaction():  # which retention passes over: without its steps it would begin anew
            kept = Execution.objects.select_for_update().get(pk=execution.pk)
            if not journal.resume(resumed, _ended_for_good(kept), entry=entry):
                raise _not_active(Workflow.objects.get(pk=execution.workflow_id))
    except IntegrityError:
        return Started(Execution.objects.get(resumed_from=execution.pk), is_replay=True)
    return Started(Execution.objects.get(pk=resumed.pk), is_replay=False)


def _ended_for_good(execution: Execution) -> list[Step]:
    """Its steps but for the last one, if that is where it ended: what had failed and was to `continue` stays so."""
    steps, error = in_order(execution), execution.error or {}
    for step in steps[-1:]:
        action = definition_of(execution.version_id).actions[int(step.path)]
        went_on = action.on_error is OnError.CONTINUE and not _was_cut_off(step.error or {}, error)
        if step.status not in {StepStatus.SUCCESS, StepStatus.SKIPPED} and not (
            step.status == StepStatus.FAILED and went_on
        ):
            return steps[:-1]
    return steps


def resumed_as(execution: Execution) -> UUID | None:
    """The execution that goes on with this one, if there is one; of what can't have been resumed it asks nothing."""
    if execution.status not in UNSUCCESSFUL:
        return None
    return Execution.objects.filter(resumed_from=execution.pk).values_list("pk", flat=True).first()


def _was_cut_off(of_step: dict[str, Json], of_execution: dict[str, Json]) -> bool:
    """Whether the end of the execution was that of the step: a time that is over each says in words of its own."""
    if of_execution.get("code") == ExecutionStatus.TIMEOUT:
        return of_step.get("code") == ExecutionStatus.TIMEOUT
    return of_step == of_execution


def may_resume(execution: Execution) -> bool:
    """Whether its own status and its workflow's, as they were read, let it."""
    return execution.status in UNSUCCESSFUL and may_run_again(execution)


def may_run_again(execution: Execution) -> bool:
    """Whether its workflow's status, as it was read, lets it."""
    status = execution.workflow.status
    return status == WorkflowStatus.ACTIVE or (execution.is_simulation and status != WorkflowStatus.ARCHIVED)


def _overrides(execution: Execution) -> dict[str, Json]:
    """What was given over the definition's own; an equal value counts as its own. In JSON 1 isn't true."""
    own = {name: dump(value) for name, value in definition_of(execution.version_id).variables.items()}
    return {name: value for name, value in execution.variables.items() if own.get(name) != dump(value)}


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
    if execution.waiting_for == WaitingFor.LIMIT:
        limits.admit(execution.workspace_id)
    due_in = due.seconds_until(execution.pk)
    _pause(min(LOOK_SECONDS, LOOK_SECONDS if due_in is None else due_in))


def wait(*, execution: Execution, seconds: float) -> Execution:
    """Blocks until the execution has ended, for `seconds` at most, and gives it as it is then; others have to run it.

    It looks less and less often, each LOOK_SECONDS at last. In the transaction that started it, it would wait in vain.
    """
    end, pause = clock.monotonic() + seconds, FIRST_LOOK_SECONDS
    unfinished = Execution.objects.unfinished().filter(pk=execution.pk)
    while unfinished.exists() and (left := end - clock.monotonic()) > 0:
        _pause(min(pause, left))
        pause = min(2 * pause, LOOK_SECONDS)
    execution.refresh_from_db()
    return execution


def _pause(seconds: float) -> None:
    threading.Event().wait(seconds)


def cancel(*, execution: Execution, by: AbstractBaseUser | None = None) -> Execution:
    """Ends the execution as CANCELLED and gives it as it is now; at once, whatever its handler does.

    Raises TransitionNotAllowed when it has already ended: then it was not cancelled, and never will be.
    """
    message = f"Cancelled by {by.get_username()}." if by else "Cancelled."
    entry = _entry(Action.EXECUTION_CANCEL, execution, execution.workflow.name)
    journal.cancel(execution.pk, error={"code": "CANCELLED", "message": message}, entry=entry)
    transaction.on_commit(lambda: dispatch.interrupt(execution.pk))
    is_simulation = execution.is_simulation
    transaction.on_commit(lambda: metrics.ended(ExecutionStatus.CANCELLED, is_simulation=is_simulation))
    execution.refresh_from_db()
    return execution
