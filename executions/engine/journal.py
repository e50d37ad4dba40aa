"""The one writer of steps and of an execution's status. Every write is fenced by the epoch of its claim."""

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F

from executions.engine import clock, faults, limits, picking, statements
from executions.engine.announcements import Announcement
from executions.engine.plan import Finish, Sleep, StepRecord
from executions.engine.statements import Piece, as_time, as_uuid
from executions.engine.transactions import current, write_transaction
from executions.models import Execution, Step
from executions.states import ExecutionStatus, StepStatus, check_transition
from workflows.documents import Json
from workflows.models import Workflow
from workspaces.fields import uuid7
from workspaces.models import AuditEntry

RENEW_LEASE_AFTER = 1 / 3
_MINE = "id = %s AND epoch = %s AND wake_at IS NOT NULL"
_COUNTER = {StepStatus.SUCCESS: "successful", StepStatus.FAILED: "failed", StepStatus.SKIPPED: "skipped"}


class Fenced(Exception):
    """Somebody else owns the execution now, or it has ended: nothing of this write landed."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a runner has to know of an execution; it stays as it is until the execution ends."""

    execution_id: UUID
    workspace_id: UUID
    workflow_id: UUID
    workflow_name: str
    version_id: UUID
    triggered_by_id: int | None
    trigger_data: Json
    variables: Json
    is_simulation: bool
    started_at: datetime
    timeout_ms: int | None
    first: UUID

    @property
    def deadline(self) -> datetime | None:
        return self.started_at + timedelta(milliseconds=self.timeout_ms) if self.timeout_ms else None


@dataclass(slots=True)
class Claim:
    """The right to write an execution, valid while its epoch stands; with the counters that only its holder changes.

    `now` is what the database's clock said at `asked_at`, `leased_at` when the lease was last renewed (both monotonic).
    """

    assignment: Assignment
    epoch: int
    claims: int
    position: int
    successful: int
    failed: int
    skipped: int
    now: datetime
    asked_at: float
    leased_at: float

    @property
    def execution_id(self) -> UUID:
        return self.assignment.execution_id

    def restore(self, earlier: "Claim") -> None:
        """As it was when that copy of it was made: for whoever else has this one."""
        for each in fields(self):
            setattr(self, each.name, getattr(earlier, each.name))

    def clock(self) -> datetime:
        """The database's time (UTC), without asking it again."""
        return self.now + timedelta(seconds=clock.monotonic() - self.asked_at)


@dataclass(frozen=True, slots=True)
class Change:
    """A step's new state: `is_new` when it has no row yet, `new_attempt` when this begins an attempt of it."""

    record: StepRecord
    is_new: bool = False
    new_attempt: bool = False


def start(execution: Execution, *, pinned: bool = False, entry: AuditEntry | None = None) -> bool:
    """Inserts a PENDING execution that is due at once, and counts it; a dry run is counted as one and nowhere else.

    Where there is a limit it is held first, and admitted at once if there is room. The `entry` tells who did it.

    False, with nothing written, when the workflow isn't ACTIVE (for a dry run: is ARCHIVED) or, unless the execution's
    is `pinned`, its version is another.
    Raises IntegrityError, with nothing written, when the workflow has an execution with its idempotency key.
    """
    db = current()
    fence = statements.counted_start(db, execution, pinned=pinned)
    inserts = [statements.new_execution(db, execution), *([statements.new_entry(db, entry)] if entry else [])]
    with _savepoint_for_key(db, execution):
        news = Announcement(execution.pk, execution.workspace_id, 0)
        rows = statements.run_fenced(db, fence, inserts, news)
    for now, has_limit in rows:
        execution.created_at = execution.wake_at = as_time(now)
        if has_limit:
            limits.admit_after_commit(execution.workspace_id)
            execution.refresh_from_db(fields=["wake_at", "waiting_for"])
    faults.reach("start.after")
    return bool(rows)


def resume(execution: Execution, steps: Sequence[Step], *, entry: AuditEntry | None = None) -> bool:
    """Starts an execution, as `start` does a pinned one, behind copies of another one's `steps`, in their order.

    Raises IntegrityError, with nothing written, when it was resumed before.
    """
    with write_transaction():
        if not start(execution, pinned=True, entry=entry):
            return False
        for position, step in enumerate(steps, start=1):
            step.pk, step.execution_id, step.position = uuid7(), execution.pk, position
        Step.objects.bulk_create(steps)
        ended = Counter(_COUNTER[StepStatus(step.status)] for step in steps)
        tally = {f"{counter}_steps": ended[counter] for counter in _COUNTER.values()}
        links = {"resumed_from": execution.resumed_from, "first": execution.first}
        Execution.objects.filter(pk=execution.pk).update(position=len(steps), **tally, **links)
    return True


def _savepoint_for_key(db: BaseDatabaseWrapper, execution: Execution) -> AbstractContextManager[None]:
    """On PostgreSQL a key that is taken would spoil a caller's transaction; on SQLite that has a savepoint anyway."""
    is_needed = execution.idempotency_key is not None and db.in_atomic_block and db.vendor == "postgresql"
    return transaction.atomic() if is_needed else nullcontext()


def claim(execution_id: UUID) -> Claim | None:
    """Takes this execution if it is due; None when it isn't."""
    claims = _claim(picking.the_one(current(), execution_id))
    return claims[0] if claims else None


def claim_due(limit: int) -> list[Claim]:
    """Takes up to `limit` executions that are due, those that are due longest first."""
    return _claim(picking.oldest(current(), limit))


def claim_by_turns(limit: int, *, after: UUID) -> list[Claim]:
    """Takes one of each workspace that has due ones, up to `limit`, from the workspace behind `after` on."""
    return _claim(picking.by_turns(current(), limit, after))


def taken_over(execution_id: UUID, epoch: int) -> Claim | None:
    """The claim that another process made for this one, whose first commit renews its lease; None when it is lost."""
    db = current()
    sql = f"SELECT {_claimed_columns(db)} FROM executions_execution WHERE {_MINE}"
    for row in statements.run_fenced(db, Piece(sql, [statements.key(db, execution_id), epoch])):
        claim = _claimed(row)
        claim.leased_at -= settings.LEASE_SECONDS
        return claim
    return None


def _claim(due: Piece) -> list[Claim]:
    faults.reach("claim.before")
    db = current()
    now, lease = statements.now(db), statements.later(db, settings.LEASE_SECONDS)
    # As an array it is evaluated once on PostgreSQL, where a plan that repeats it would exceed the limit.
    picked = f"id = ANY(ARRAY({due.sql}))" if db.vendor == "postgresql" else f"id IN ({due.sql})"
    sql = (
        f"UPDATE executions_execution SET epoch = epoch + 1, claims = claims + 1, status = 'RUNNING',"
        f" started_at = COALESCE(started_at, {now}), wake_at = {lease}, waiting_for = NULL"
        f" WHERE {picked} AND wake_at <= {now} RETURNING {_claimed_columns(db)}"
    )
    rows = statements.run_fenced(db, Piece(sql, due.parameters))
    faults.reach("claim.after")
    return [_claimed(row) for row in rows]


def _claimed_columns(db: BaseDatabaseWrapper) -> str:
    return (
        "epoch, claims, position, successful_steps, failed_steps, skipped_steps, "
        f"{statements.now(db)}, id, workspace_id, workflow_id,"
        " (SELECT name FROM workflows_workflow WHERE id = workflow_id),"
        " version_id, triggered_by_id, trigger_data, variables, is_simulation, started_at, timeout_ms,"
        " COALESCE(first, id)"
    )


def _claimed(row: Sequence[Any]) -> Claim:
    epoch, claims, position, successful, failed, skipped, now, *assigned = row
    asked_at = clock.monotonic()
    return Claim(
        _assignment(assigned), epoch, claims, position, successful, failed, skipped, as_time(now), asked_at, asked_at
    )


def _assignment(row: Sequence[Any]) -> Assignment:
    *ids, name, version_id, user_id, trigger, variables, dry, started, timeout, first = row
    execution_id, workspace_id, workflow_id = ids
    return Assignment(
        as_uuid(execution_id), as_uuid(workspace_id), as_uuid(workflow_id), name, as_uuid(version_id), user_id,
        None if trigger is None else json.loads(trigger), json.loads(variables), bool(dry), as_time(started), timeout,
        as_uuid(first),
    )  # fmt: skip


def commit(
    claim: Claim, changes: Sequence[Change] = (), *, sleep: Sleep | None = None, finish: Finish | None = None
) -> None:
    """Lands `changes`, and what becomes of the execution, together or not at all; raises Fenced for a lost claim."""
    faults.reach("commit.before")
    db, tally = current(), copy(claim)
    pieces = [_piece(db, tally, change) for change in changes]
    if any(not change.new_attempt for change in changes):
        tally.claims = 0
    if finish:
        check_transition(ExecutionStatus.RUNNING, finish.status)
        tally.position += 1
        if not claim.assignment.is_simulation:
            mine = claim.assignment
            ids = mine.workflow_id, mine.execution_id
            pieces.append(statements.counted_end(db, *ids, mine.started_at, finish.status))
    renew = _is_old(claim)
    fence = _fence(db, tally, renew=renew, sleep=sleep, finish=finish)
    news = Announcement(tally.execution_id, claim.assignment.workspace_id, tally.position)
    rows = statements.run_fenced(db, fence, pieces, news if tally.position > claim.position else None)
    if not rows:
        raise Fenced
    now, *others_wait = rows[0]
    _adopt(claim, tally, as_time(now), renewed=renew)
    if any(others_wait):
        limits.admit_after_commit(claim.assignment.workspace_id)
    faults.reach("commit.after")


def _piece(db: BaseDatabaseWrapper, tally: Claim, change: Change) -> Piece:
    tally.position += 1
    if counter := _COUNTER.get(change.record.status):
        setattr(tally, counter, getattr(tally, counter) + 1)
    if change.is_new:
        return statements.new_step(db, uuid7(), tally.execution_id, change.record, tally.position)
    new_attempt = change.new_attempt
    return statements.changed_step(db, tally.execution_id, change.record, tally.position, new_attempt=new_attempt)


def _fence(db: BaseDatabaseWrapper, tally: Claim, *, renew: bool, sleep: Sleep | None, finish: Finish | None) -> Piece:
    """`wake_at` is left alone while the lease is young: an index entry less to write at each commit.

    It returns the time, and at the end whether a limit holds others that this makes room for.
    """
    now = statements.now(db)
    sets = "position = %s, claims = %s, successful_steps = %s, failed_steps = %s, skipped_steps = %s"
    parameters: list[Any] = [tally.position, tally.claims, tally.successful, tally.failed, tally.skipped]
    if finish:
        sets += f", status = %s, error = %s, wake_at = NULL, completed_at = {now}"
        parameters += [finish.status.value, statements.document(finish.error)]
    elif sleep:
        sets += ", wake_at = %s, waiting_for = %s"
        parameters += [statements.moment(db, sleep.until), sleep.waiting_for.value]
    elif renew:
        sets += f", wake_at = {statements.later(db, settings.LEASE_SECONDS)}"
    others = limits.others_wait(db, tally.assignment.workspace_id) if finish else None
    returned = f"{now}, {others.sql}" if others else now
    sql = f"UPDATE executions_execution SET {sets} WHERE {_MINE} RETURNING {returned}"
    mine = [statements.key(db, tally.execution_id), tally.epoch]
    return Piece(sql, [*parameters, *mine, *(others.parameters if others else ())])


def heartbeat(claim: Claim) -> None:
    """Keeps a claim alive while a handler works; raises Fenced when it is lost."""
    if _is_old(claim):
        commit(claim)
    elif not Execution.objects.filter(pk=claim.execution_id, epoch=claim.epoch).exists():
        raise Fenced


def release(claim: Claim, *, delay_seconds: float = 0.0) -> None:
    """Hands the execution back, and this claim doesn't count against it: due at once, before later ones, or delayed."""
    due_at = claim.clock() + timedelta(seconds=delay_seconds) if delay_seconds else F("created_at")
    with write_transaction():
        mine = Execution.objects.unfinished().filter(pk=claim.execution_id, epoch=claim.epoch)
        released = mine.update(wake_at=due_at, epoch=F("epoch") + 1, claims=max(0, claim.claims - 1))
        if released and not delay_seconds:
            statements.announce(current(), Announcement(claim.execution_id, claim.assignment.workspace_id, 0))


def cancel(execution_id: UUID, *, error: Json, entry: AuditEntry | None = None) -> None:
    """Ends an execution as CANCELLED, with its open steps; whoever runs it is fenced off. The `entry` tells who did it.

    Raises Execution.DoesNotExist, or TransitionNotAllowed when it has already ended.
    """
    faults.reach("cancel.before")
    with write_transaction():
        execution = Execution.objects.select_for_update().get(pk=execution_id)
        check_transition(ExecutionStatus(execution.status), ExecutionStatus.CANCELLED)
        _end(execution, ExecutionStatus.CANCELLED, StepStatus.CANCELLED, error)
        if entry:
            entry.save(force_insert=True)
        faults.reach("cancel.inside")
    faults.reach("cancel.after")


def give_up(claim: Claim, *, error: Json) -> None:
    """Ends an execution as FAILED that can't even be read; raises Fenced when the claim is lost, or it has ended."""
    with write_transaction():
        mine = Execution.objects.unfinished().filter(pk=claim.execution_id, epoch=claim.epoch)
        execution = mine.select_for_update().first()
        if execution is None:
            raise Fenced
        _end(execution, ExecutionStatus.FAILED, StepStatus.FAILED, error)


def _end(execution: Execution, status: ExecutionStatus, open_steps: StepStatus, error: Json) -> None:
    """Ends and counts a locked execution from outside its runner, who is fenced off by the new epoch."""
    now, position = statements.DatabaseNow(), execution.position
    for step in execution.steps.filter(status__in=statements.OPEN_STEPS):
        position += 1
        execution.steps.filter(pk=step.pk).update(
            status=open_steps, error=step.error or error, completed_at=now, wait_until=None, position=position
        )
    closed = position - execution.position
    Execution.objects.filter(pk=execution.pk).update(
        status=status, error=error, completed_at=now, wake_at=None, waiting_for=None, epoch=F("epoch") + 1,
        position=position + 1, failed_steps=F("failed_steps") + (closed if open_steps is StepStatus.FAILED else 0),
    )  # fmt: skip
    if not execution.is_simulation:
        _count_end(execution, status)
    statements.announce(current(), Announcement(execution.pk, execution.workspace_id, position + 1))
    limits.admit_if_others_wait(execution.workspace_id)


def _count_end(execution: Execution, status: ExecutionStatus) -> None:
    """Locks the workflow after its execution, as a commit does: the other order would be a deadlock."""
    counted: dict[str, Any] = {counter: F(counter) + 1 for counter in statements.COUNTERS[status]}
    if status is not ExecutionStatus.CANCELLED:
        execution.refresh_from_db(fields=["completed_at"])
        counted["total_duration_ms"] = F("total_duration_ms") + (execution.duration_ms or 0)
    Workflow.objects.filter(pk=execution.workflow_id).update(**counted)


def _adopt(claim: Claim, tally: Claim, now: datetime, *, renewed: bool) -> None:
    claim.position, claim.claims = tally.position, tally.claims
    claim.successful, claim.failed, claim.skipped = tally.successful, tally.failed, tally.skipped
    claim.now, claim.asked_at = now, clock.monotonic()
    if renewed:
        claim.leased_at = claim.asked_at


def _is_old(claim: Claim) -> bool:
    return clock.monotonic() - claim.leased_at > settings.LEASE_SECONDS * RENEW_LEASE_AFTER
