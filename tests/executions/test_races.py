"""Races that SQLite hides, on PostgreSQL: cancel against completion, claim against claim, start against start.

Each has its twin, which shows that the race is there when the guard is off.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from django.db import connection, connections
from django.db.models import F

from executions import services
from executions.engine import journal, runner
from executions.engine.statements import Piece
from executions.models import Execution
from executions.states import TransitionNotAllowed
from tests.executions.counters import counted, kept
from tests.executions.scenes import started
from tests.factories import WorkflowFactory, definition
from workflows.actions.context import ActionContext
from workflows.actions.registry import ActionConfig, action
from workflows.documents import Json
from workflows.models import Workflow

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time: no race to see"),
]

STARTS = 16
CANCELS = 1_000
PAIRS = 4
meeting: dict[str, threading.Barrier] = {}


class EmptyConfig(ActionConfig):
    pass


@action("test_meet", config=EmptyConfig)
def meet(config: EmptyConfig, context: ActionContext) -> Json:
    """Ends at the very moment at which its rival cancels."""
    meeting[str(context.execution_id)].wait(30)
    return None


@pytest.fixture
def threads() -> Callable[..., list[object]]:
    """`threads(work, items)` does `work(item)` on a thread for each item, and gives what they gave."""

    def run(work: Callable[..., object], items: list[object]) -> list[object]:
        def closing(item: object) -> object:
            try:
                return work(item)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(len(items)) as pool:
            return list(pool.map(closing, items))

    return run


def test_a_thousand_cancels_race_completions_and_every_answer_is_true(threads: Callable[..., list[object]]) -> None:
    workflow = WorkflowFactory.create(definition=definition({"type": "test_meet"}))
    executions = [services.start(workflow=workflow) for _ in range(CANCELS)]

    told = dict(_race(executions, threads))

    assert len(told) == CANCELS
    stored = dict(Execution.objects.values_list("id", "status"))
    assert {execution_id: stored[execution_id] == "CANCELLED" for execution_id in told} == told
    outcomes = Counter(stored.values())
    assert set(outcomes) == {"CANCELLED", "COMPLETED"}, f"both must win sometimes, or it was no race: {outcomes}"
    assert kept(workflow) == counted(workflow), "and no end is counted twice"


def test_without_the_fence_a_late_success_overwrites_a_cancel(
    threads: Callable[..., list[object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin. The constraint on the row would still hold the worst off, so it is dropped too."""
    fenced = journal._fence

    def unfenced(*args: object, **kwargs: object) -> Piece:
        piece = fenced(*args, **kwargs)  # type: ignore[arg-type]
        sql = piece.sql.replace("AND epoch = %s AND wake_at IS NOT NULL", "AND %s IS NOT NULL")
        return Piece(sql, piece.parameters)

    monkeypatch.setattr(journal, "_fence", unfenced)
    workflow = WorkflowFactory.create(definition=definition({"type": "test_meet"}))
    executions = [services.start(workflow=workflow) for _ in range(CANCELS // 10)]

    told = dict(_race(executions, threads))

    stored = dict(Execution.objects.values_list("id", "status"))
    assert any(answer and stored[execution_id] != "CANCELLED" for execution_id, answer in told.items())


def _race(executions: list[Execution], threads: Callable[..., list[object]]) -> Iterator[tuple[UUID, bool]]:
    """Runs each execution against a cancel of it; gives whether the cancel was told that it won."""
    for execution in executions:
        meeting[str(execution.pk)] = threading.Barrier(2)

    def run(execution: Execution) -> None:
        claim = journal.claim(execution.pk)
        assert claim
        runner.run(claim)

    def cancel(execution: Execution) -> tuple[UUID, bool]:
        meeting[str(execution.pk)].wait(30)
        try:
            services.cancel(execution=execution)
        except TransitionNotAllowed:
            return execution.pk, False
        return execution.pk, True

    def share(job: tuple[Callable[[Execution], object], int]) -> list[object]:
        work, first = job
        return [work(execution) for execution in executions[first::PAIRS]]

    answers = threads(share, [(work, first) for first in range(PAIRS) for work in (run, cancel)])
    for answer in answers:
        assert isinstance(answer, list)
        yield from (each for each in answer if each is not None)


def test_each_due_execution_is_claimed_once_and_none_is_left(threads: Callable[..., list[object]]) -> None:
    due = {started({"type": "test_meet"}).pk for _ in range(20)}
    barrier = threading.Barrier(8)

    def claim(_: object) -> list[object]:
        barrier.wait(30)
        return [claim.execution_id for claim in journal.claim_due(20)]

    claimed = [execution_id for claims in threads(claim, [None] * 8) for execution_id in claims]  # type: ignore[attr-defined]

    assert sorted(claimed) == sorted(due)


def test_a_naive_claim_takes_the_same_execution_twice(threads: Callable[..., list[object]]) -> None:
    """The twin: look, then write."""
    for _ in range(20):
        started({"type": "test_meet"})
    barrier = threading.Barrier(8)

    def claim(_: object) -> int:
        due = list(Execution.objects.filter(status="PENDING").values_list("pk", flat=True))
        barrier.wait(30)
        return sum(Execution.objects.filter(pk=pk).update(status="RUNNING", epoch=F("epoch") + 1) for pk in due)

    assert sum(threads(claim, [None] * 8)) > 20  # type: ignore[arg-type]


def test_the_counters_are_exact_when_many_start_and_finish_at_once(threads: Callable[..., list[object]]) -> None:
    workflow = WorkflowFactory.create(definition=definition({"type": "test_number"}))

    def start_and_run(_: object) -> None:
        for _ in range(25):
            services.run(execution=services.start(workflow=type(workflow).objects.get(pk=workflow.pk)))

    threads(start_and_run, [None] * 8)

    workflow.refresh_from_db()
    assert (workflow.execution_count, workflow.success_count, workflow.failure_count) == (200, 200, 0)


@pytest.fixture
def together(monkeypatch: pytest.MonkeyPatch) -> None:
    """All who start with a key have looked, and seen that nobody has, before the first of them writes."""
    barrier, look = threading.Barrier(STARTS), services._earlier

    def look_and_wait(execution: Execution) -> Execution | None:
        found = look(execution)
        if not found:
            connections.close_all()  # there are fewer of them in the pool than starts
            barrier.wait(30)
        return found

    monkeypatch.setattr(services, "_earlier", look_and_wait)


def _start_with_one_key(workflow: Workflow, threads: Callable[..., list[object]]) -> list[services.Started]:
    def start(_: object) -> object:
        mine = Workflow.objects.get(pk=workflow.pk)
        return services.start_once(workflow=mine, trigger_data={"n": 1}, idempotency_key="a key")

    return threads(start, [None] * STARTS)  # type: ignore[return-value]


@pytest.mark.usefixtures("together")
def test_of_many_starts_with_one_key_one_starts_and_the_others_are_told_so(
    threads: Callable[..., list[object]],
) -> None:
    workflow = WorkflowFactory.create()

    started = _start_with_one_key(workflow, threads)

    assert {one.execution for one in started} == {Execution.objects.get()}
    assert sorted(one.is_replay for one in started) == [False] + [True] * (STARTS - 1)
    assert kept(workflow) == counted(workflow)
    assert kept(workflow)["execution_count"] == 1


@pytest.mark.usefixtures("together")
def test_without_the_constraint_each_of_them_starts(threads: Callable[..., list[object]]) -> None:
    """The twin: to look before one writes isn't enough."""
    workflow = WorkflowFactory.create()
    (constraint,) = (each for each in Execution._meta.constraints if each.name == "execution_once_per_idempotency_key")
    with connection.schema_editor() as editor:
        editor.remove_constraint(Execution, constraint)
    try:
        started = _start_with_one_key(workflow, threads)
        executions = Execution.objects.count()
    finally:
        Execution.objects.all().delete()
        with connection.schema_editor() as editor:
            editor.add_constraint(Execution, constraint)

    assert [one.is_replay for one in started] == [False] * STARTS
    assert executions == STARTS


def test_a_cancel_does_not_wait_for_a_transactional_handler(threads: Callable[..., list[object]]) -> None:
    """The fence is checked last: until then the handler's transaction holds no lock on the execution."""
    from_handler, cancelled = threading.Event(), threading.Event()

    @action("test_slow_transaction", config=EmptyConfig, transactional=True)
    def slow(config: EmptyConfig, context: ActionContext) -> Json:
        from_handler.set()
        assert cancelled.wait(10), "the cancel waited for the handler"
        return None

    execution = started({"type": "test_slow_transaction"})

    def run(_: object) -> None:
        services.run(execution=Execution.objects.get(pk=execution.pk))

    def cancel(_: object) -> None:
        assert from_handler.wait(10)
        services.cancel(execution=execution)
        cancelled.set()

    threads(lambda work: work(None), [run, cancel])

    execution.refresh_from_db()
    assert execution.status == "CANCELLED"
    assert list(execution.steps.values_list("status", flat=True)) == ["cancelled"]
