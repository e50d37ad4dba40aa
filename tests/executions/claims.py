"""Executions on their way through the journal, for its tests: `started()`, `claimed(BEGUN)`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from executions.engine import announcements, journal
from executions.engine.announcements import Announcement
from executions.engine.journal import Change, Claim
from executions.engine.plan import Finish, StepRecord
from executions.models import Execution
from executions.states import ExecutionStatus, StepStatus
from tests.factories import WorkflowFactory
from workflows.documents import Json
from workflows.models import Workflow

RUNNING = StepRecord("0", "one", "noop", "", StepStatus.RUNNING, input={"a": 1})
BEGUN = Change(RUNNING, is_new=True, new_attempt=True)
ENDED = Change(replace(RUNNING, status=StepStatus.SUCCESS, output={"b": 2}))
NEXT = Change(replace(RUNNING, path="1", action_id="two"), is_new=True, new_attempt=True)
COMPLETED = Finish(ExecutionStatus.COMPLETED)
ERROR: Json = {"code": "ON_PURPOSE", "message": "so"}


def new(workflow: Workflow | None = None, **fields: Any) -> Execution:
    workflow = workflow or WorkflowFactory.create()
    values = {"workspace_id": workflow.workspace_id, "workflow": workflow, "version_id": workflow.version_id}
    return Execution(**{**values, "total_steps": 3, **fields})


def started(**fields: Any) -> Execution:
    execution = new(**fields)
    assert journal.start(execution)
    return execution


def claimed(*changes: Change, **fields: Any) -> Claim:
    """With a commit for each of `changes`."""
    claim = journal.claim(started(**fields).pk)
    assert claim
    for change in changes:
        journal.commit(claim, [change])
    return claim


def stored(claim: Claim) -> Execution:
    return Execution.objects.get(pk=claim.execution_id)


@contextmanager
def heard() -> Iterator[list[Announcement]]:
    """What this process announces while the block lasts."""
    news: list[Announcement] = []
    hearer = news.append
    announcements.hear(hearer)
    try:
        yield news
    finally:
        announcements.stop_hearing(hearer)
