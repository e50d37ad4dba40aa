"""How the executions of a list are found: by an index that has them in their order, or in a few such branches."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple
from uuid import UUID

from django.db.models import F, Q, TextField, UUIDField, Value
from django.db.models.functions import Cast, Concat, Left, StrIndex
from django.db.models.lookups import IContains, In

from executions.admin.filters import Asked
from executions.models import UNSUCCESSFUL, Execution, ExecutionQuerySet
from executions.states import UNFINISHED, ExecutionStatus
from workflows.documents import dump
from workflows.models import Workflow
from workspaces.access import Verb
from workspaces.admin.reach import Reach

MOST_WORKSPACES = 20
"""So many have a branch each; those of more workspaces are picked from among all executions."""
MOST_NAMED = 20
LEAST_HEX_DIGITS = 8
"""Of an id's beginning: that many name the minute in which it was made."""
_ID = re.compile(rf"[0-9a-f-]{{{LEAST_HEX_DIGITS},36}}", re.IGNORECASE)
_BEFORE_TRACEBACK = ',"traceback":"'
ERRORS = (ExecutionStatus.FAILED, ExecutionStatus.TIMEOUT)


class Branch(NamedTuple):
    """Rows that an index has in the order of their creation; `test` picks among them by what no index knows."""

    rows: ExecutionQuerySet
    test: Q | None = None

    def tested(self, test: Q | None) -> "Branch":
        return self if test is None else Branch(self.rows, test if self.test is None else self.test & test)


@dataclass(frozen=True, slots=True)
class Found:
    """`sought`: what the text was found to be: the beginning of an id, names of workflows, or text of errors."""

    branches: Sequence[Branch]
    sought: str = ""
    names: Sequence[str] = field(default=())
    is_cut: bool = False


def find(asked: Asked, reach: Reach) -> Found:
    """Text is an id or its beginning if it looks like one, and there is one; else a name if a workflow has it."""
    if not asked.text:
        return Found(_branches(asked, reach))
    if not asked.only_errors:
        if (by_id := _with_id(asked, reach)) is not None:
            return Found([Branch(by_id)], "id")
        if named := _named(asked, reach):
            ids = [pk for pk, _ in named[:MOST_NAMED]]
            names = sorted({name for _, name in named[:MOST_NAMED]})
            return Found(_of_workflows(ids, asked), "name", names, is_cut=len(named) > MOST_NAMED)
    statuses = tuple(status for status in ERRORS if status in (asked.statuses or ERRORS))
    with_errors = _branches(replace(asked, statuses=statuses), reach) if statuses else []
    return Found([branch.tested(_error_has(asked.text)) for branch in with_errors], "error")


def _branches(asked: Asked, reach: Reach) -> list[Branch]:
    if asked.workflow:
        within = reach.within(Workflow.objects.filter(pk=asked.workflow), "workspace")
        within = within.filter(workspace=asked.workspace) if asked.workspace else within
        return _of_workflows(within.values_list("pk", flat=True), asked)
    workspaces = _workspaces(asked, reach)
    if asked.is_simulation:
        branches = [Branch(_all().simulations(), _status_is(asked)).tested(in_workspaces(workspaces))]
    elif workspaces is None:
        branches = _of_all(asked.statuses)
    elif len(workspaces) <= MOST_WORKSPACES:
        branches = [branch for each in workspaces for branch in _of_workspace(each, asked.statuses)]
    else:
        branches = [branch.tested(in_workspaces(workspaces)) for branch in _of_all(asked.statuses)]
    kind = Q(is_simulation=False) if asked.is_simulation is False else None
    return [branch.tested(_trigger_is(asked)).tested(kind) for branch in branches]


def _workspaces(asked: Asked, reach: Reach) -> Collection[UUID] | None:
    reached = reach.where(Verb.READ)
    if asked.workspace is None:
        return reached
    return [asked.workspace] if reached is None or asked.workspace in reached else []


def _all() -> ExecutionQuerySet:
    return Execution.objects.in_time(among_all=True)


def _of_all(statuses: Sequence[str]) -> list[Branch]:
    rows = _all()
    branches = [Branch(rows.unsuccessful(status)) for status in UNSUCCESSFUL if status in statuses]
    if unfinished := [status for status in UNFINISHED if status in statuses]:
        branches.append(Branch(rows.unfinished().filter(status__in=unfinished)))
    if ExecutionStatus.COMPLETED in statuses:
        branches.append(Branch(rows, Q(status=ExecutionStatus.COMPLETED)))
    return branches or [Branch(rows)]


def _of_workspace(workspace_id: UUID, statuses: Sequence[str]) -> list[Branch]:
    rows = Execution.objects.filter(workspace=workspace_id).in_time()
    branches = [
        Branch(Execution.objects.unsuccessful(status, workspace_id).in_time())
        for status in UNSUCCESSFUL
        if status in statuses
    ]
    if unfinished := [status for status in UNFINISHED if status in statuses]:
        branches.append(Branch(rows.filter(completed_at=None), _one_of(unfinished, UNFINISHED)))
    if ExecutionStatus.COMPLETED in statuses:
        branches.append(Branch(rows, Q(status=ExecutionStatus.COMPLETED)))
    return branches or [Branch(rows)]


def _of_workflows(workflow_ids: Iterable[UUID], asked: Asked) -> list[Branch]:
    branches = [
        branch
        for workflow_id in workflow_ids
        for branch in _of_workflow(Execution.objects.filter(workflow=workflow_id).in_time(), asked)
    ]
    kind = None if asked.is_simulation is None else Q(is_simulation=asked.is_simulation)
    return [branch.tested(kind) for branch in branches]


def _of_workflow(rows: ExecutionQuerySet, asked: Asked) -> list[Branch]:
    if asked.statuses:
        return [Branch(rows.filter(status=status), _trigger_is(asked)) for status in asked.statuses]
    return [Branch(rows.filter(trigger_type=asked.trigger_type) if asked.trigger_type else rows)]


# Tests


def in_reach(rows: ExecutionQuerySet, reach: Reach) -> ExecutionQuerySet:
    test = in_workspaces(reach.where(Verb.READ))
    return rows if test is None else rows.filter(test)


def _one_of(statuses: Sequence[str], whole: Sequence[str]) -> Q | None:
    return None if set(statuses) == set(whole) else Q(status__in=statuses)


def _status_is(asked: Asked) -> Q | None:
    return Q(status__in=asked.statuses) if asked.statuses else None


def in_workspaces(workspaces: Collection[UUID] | None) -> Q | None:
    """Not by an index: SQLite, if nobody has told it how many there are in a workspace, would read all of them."""
    return None if workspaces is None else Q(In(Cast(F("workspace_id"), UUIDField()), list(workspaces)))


def _trigger_is(asked: Asked) -> Q | None:
    return Q(trigger_type=asked.trigger_type) if asked.trigger_type else None


def _error_has(text: str) -> Q:
    """In the error as it is kept, JSON, but for the traceback at its end, which isn't for everybody."""
    whole, mark = Cast(F("error"), TextField()), Value(_BEFORE_TRACEBACK)
    shown = Left(whole, StrIndex(Concat(whole, mark), mark))
    return Q(IContains(shown, dump(text)[1:-1]))


# Text


def _with_id(asked: Asked, reach: Reach) -> ExecutionQuerySet | None:
    if not _ID.fullmatch(asked.text):
        return None
    digits = asked.text.replace("-", "")
    if not LEAST_HEX_DIGITS <= len(digits) <= 32:  # noqa: PLR2004 (a UUID has so many)
        return None
    first, last = UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))
    rows = in_reach(Execution.objects.filter(pk__gte=first, pk__lte=last).in_time(), reach)
    return rows if rows.exists() else None


def _named(asked: Asked, reach: Reach) -> list[tuple[UUID, str]]:
    rows = reach.within(Workflow.objects.filter(name__icontains=asked.text), "workspace")
    rows = rows.filter(workspace=asked.workspace) if asked.workspace else rows
    rows = rows.filter(pk=asked.workflow) if asked.workflow else rows
    return list(rows.order_by("-pk").values_list("pk", "name")[: MOST_NAMED + 1])
