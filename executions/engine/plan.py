"""What to do next: pure, from a definition, the recorded steps and the time. No Django, no clock, no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from executions.states import ExecutionStatus, StepStatus, WaitingFor
from workflows.definition import Action, Definition, OnError
from workflows.documents import Json

MAX_CLAIMS_WITHOUT_PROGRESS = 3


@dataclass(frozen=True, slots=True)
class StepRecord:
    """What the journal holds of a step. `failures` are its failed attempts before the latest, oldest first."""

    path: str
    action_id: str
    action_type: str
    name: str
    status: StepStatus
    attempt: int = 1
    input: Json = None
    output: Json = None
    error: Json = None
    flow: str = "continue"
    failures: tuple[Json, ...] = ()
    log: tuple[Json, ...] = ()
    wait_until: datetime | None = None
    attempt_started_at: datetime | None = None

    @property
    def waiting_for(self) -> WaitingFor:
        """What `wait_until` is for: an error is kept while its retry is waited for, a timer has none."""
        return WaitingFor.TIMER if self.error is None else WaitingFor.RETRY


@dataclass(frozen=True, slots=True)
class Begin:
    """Start the action at `path`, which has no record yet."""

    path: str
    action: Action


@dataclass(frozen=True, slots=True)
class Skip:
    """Record the action at `path` as skipped, because of `reason`."""

    path: str
    action: Action
    reason: str


@dataclass(frozen=True, slots=True)
class Again:
    """Make attempt number `attempt` of a recorded step: its backoff is over, or its process died (`interrupted`)."""

    record: StepRecord
    action: Action
    attempt: int
    interrupted: bool


@dataclass(frozen=True, slots=True)
class Resolve:
    """The step's timer has fired: it is a success."""

    record: StepRecord


@dataclass(frozen=True, slots=True)
class Sleep:
    """Nothing to do before `until`."""

    until: datetime
    waiting_for: WaitingFor


@dataclass(frozen=True, slots=True)
class Finish:
    """The execution ends; a step that is still open ends as `open_step`."""

    status: ExecutionStatus
    error: Json = None
    open_step: StepStatus = StepStatus.CANCELLED


type Move = Begin | Skip | Again | Resolve | Sleep | Finish


def next_move(
    definition: Definition,
    steps: Mapping[str, StepRecord],
    *,
    now: datetime,
    deadline: datetime | None = None,
    claims: int = 0,
) -> Move:
    """The one thing to do next. `claims` counts the claims since an attempt last ended."""
    if claims > MAX_CLAIMS_WITHOUT_PROGRESS:
        return Finish(ExecutionStatus.FAILED, poisoned(claims - 1), StepStatus.FAILED)
    if deadline is not None and now >= deadline:
        return Finish(ExecutionStatus.TIMEOUT, _timed_out(definition))
    previous: StepRecord | None = None
    for index, action in enumerate(definition.actions):
        record = steps.get(str(index))
        if record is None:
            return _begin(str(index), action, previous)
        if record.status is StepStatus.RUNNING:
            return _continue(record, action, now, deadline)
        if record.status is StepStatus.FAILED and action.on_error is not OnError.CONTINUE:
            return Finish(ExecutionStatus.FAILED, _step_failed(record))
        if record.flow == "stop":
            break
        previous = record
    return Finish(ExecutionStatus.COMPLETED)


def _begin(path: str, action: Action, previous: StepRecord | None) -> Move:
    if previous is not None and previous.flow == "skip_next":
        return Skip(path, action, f"the condition {previous.action_id!r} wasn't met")
    return Begin(path, action)


def _continue(record: StepRecord, action: Action, now: datetime, deadline: datetime | None) -> Move:
    if record.wait_until is None:
        return Again(record, action, record.attempt, interrupted=True)
    if record.wait_until > now:
        return Sleep(min(record.wait_until, deadline or record.wait_until), record.waiting_for)
    if record.waiting_for is WaitingFor.RETRY:
        return Again(record, action, record.attempt + 1, interrupted=False)
    return Resolve(record)


def poisoned(claims: int, last: str = "") -> Json:
    """The error of an execution whose process ended at so many claims without progress; `last`: how it did last."""
    last = f" ({last})" if last else ""
    message = f"Its process ended {claims} times{last} without finishing an attempt;"
    return {"code": "POISONED", "message": f"{message} the definition may be what kills it."}


def _timed_out(definition: Definition) -> Json:
    return {"code": "TIMEOUT", "message": f"The workflow's timeout of {definition.timeout} ms is over."}


def _step_failed(record: StepRecord) -> Json:
    error = record.error if isinstance(record.error, dict) else {}
    return {
        "code": error.get("code", "STEP_FAILED"),
        "message": f"Step {record.action_id!r} failed: {error.get('message', 'no reason given')}",
        "details": {"stepPath": record.path, "actionId": record.action_id},
    }
