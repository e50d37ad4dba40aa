"""What must hold whatever was killed, cut or stopped: by the database, by the API and by what the world saw."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.test import Client

from executions.models import Execution, Step
from tests.chaos.effects import Effects
from tests.executions.counters import counted, kept
from workflows.models import Workflow
from workspaces.models import Task

READ_BY_API = 25


@dataclass(frozen=True, slots=True)
class Findings:
    """`extra`: effects that aren't transactional, beyond one a step. `interrupted`: attempts that were cut off."""

    executions: int
    steps: int
    extra: int
    interrupted: int


def hold(workflow: Workflow, started: Sequence[UUID], effects: Effects) -> Findings:
    """Asserts that each of the executions that were `started` is COMPLETED, and was carried on as is promised."""
    executions = {execution.pk: execution for execution in workflow.executions.prefetch_related("steps")}
    assert set(executions) == set(started), "nothing is lost, and nothing is there that nobody started"
    for execution in executions.values():
        _is_complete(execution)
    assert kept(workflow) == counted(workflow), "the counters say what the rows say"
    _tasks_once(executions.values())
    _api_says_the_same(workflow, list(executions)[:READ_BY_API])
    steps = [step for execution in executions.values() for step in execution.steps.all()]
    return Findings(len(executions), len(steps), _extra(steps, effects), sum(map(interruptions, steps)))


def _is_complete(execution: Execution) -> None:
    steps = sorted(execution.steps.all(), key=lambda step: int(step.path))
    assert (execution.status, execution.error) == ("COMPLETED", None), execution.pk
    assert [step.path for step in steps] == [str(number) for number in range(execution.total_steps)]
    assert {step.status for step in steps} == {"success"}
    assert (execution.successful_steps, execution.failed_steps, execution.skipped_steps) == (len(steps), 0, 0)
    assert (execution.wake_at, execution.waiting_for) == (None, None)
    _is_in_order(execution, steps)


def _is_in_order(execution: Execution, steps: list[Step]) -> None:
    assert execution.started_at
    assert execution.completed_at
    moments = [execution.created_at, execution.started_at]
    moments += [moment for step in steps for moment in (step.started_at, step.completed_at) if moment]
    moments.append(execution.completed_at)
    assert len(moments) == 2 * len(steps) + 3
    assert moments == sorted(moments), f"{execution.pk}: one step after the other"
    positions = [*(step.position for step in steps), execution.position]
    assert all(earlier < later for earlier, later in pairwise(positions)), f"{execution.pk}: {positions}"


def _tasks_once(executions: Any) -> None:
    """What a transactional handler wrote is there once for each step that it was recorded with, and no other is."""
    steps = [step for execution in executions for step in execution.steps.all()]
    recorded = [(step.execution_id, step.path) for step in steps if step.action_type == "create_task"]
    made = Counter(Task.objects.values_list("execution_id", "step_path"))
    assert made == Counter(recorded)


def _extra(steps: list[Step], effects: Effects) -> int:
    """Each effect once, and once more only for an attempt that the journal says was cut off."""
    calls = {f"{step.execution_id}:{step.path}": step for step in steps if step.action_type == "call_api"}
    asked = Counter(effects.in_order)
    assert set(asked) == set(calls), "an effect of each step, and of no other"
    for key, times in asked.items():
        assert times <= 1 + interruptions(calls[key]), f"{key} was in flight {interruptions(calls[key])} times"
    _effects_in_order(effects.in_order)
    return asked.total() - len(asked)


def _effects_in_order(keys: list[str]) -> None:
    """No step has an effect once a later one had."""
    latest: dict[str, int] = {}
    for key in keys:
        execution, _, path = key.partition(":")
        assert int(path) >= latest.get(execution, 0), f"{key} after step {latest[execution]}"
        latest[execution] = int(path)


def interruptions(step: Step) -> int:
    return sum(attempt["error"]["code"] == "INTERRUPTED" for attempt in step.attempts or [])


def _api_says_the_same(workflow: Workflow, ids: Sequence[UUID]) -> None:
    client = Client()
    client.force_login(User.objects.get(username="ada"))
    for execution_id in ids:
        answer = client.get(f"/api/workspaces/{workflow.workspace.slug}/workflows/executions/{execution_id}")
        assert answer.status_code == 200, answer.content
        shown = answer.json()["execution"]
        stored = Execution.objects.get(pk=execution_id)
        assert shown["status"] == stored.status
        told = [(step["path"], step["status"], step["attempt"]) for step in shown["steps"]]
        rows = stored.steps.values_list("path", "status", "attempt")
        assert told == sorted(rows, key=lambda row: int(row[0]))
