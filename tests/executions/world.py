"""A world in which the real engine runs on a virtual clock: it is crashed, overtaken and cancelled at any write.

The journal's SQL runs on a real SQLite database; only the clock and the thread that handlers get are ours. A `Plot`
says what each attempt does and what befalls the engine; `live_through` plays it and checks the promises.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connection

from executions import services
from executions.engine import clock, faults, journal, performer, runner, statements
from executions.models import Execution
from executions.states import ExecutionStatus, TransitionNotAllowed
from tests.executions.counters import COUNTERS
from workflows.actions.context import ActionContext, ActionError, Pause, Steer
from workflows.actions.registry import ActionConfig, action
from workflows.definition import Definition, OnError
from workflows.models import Workflow
from workspaces.services import create_task

EPOCH = datetime(2030, 1, 1, tzinfo=UTC)
MAX_ROUNDS = 200


class Crash(BaseException):
    """The process ends here."""


@dataclass(frozen=True)
class Attempt:
    """What one attempt of a step does: `kind` is succeed, fail, fatal, pause, skip_next or stop."""

    kind: str = "succeed"
    pause_seconds: int = 0


@dataclass(frozen=True)
class Plot:
    """A definition, what each attempt of its steps does (the last one repeats), and what befalls at the n-th point."""

    definition: Definition
    attempts: tuple[tuple[Attempt, ...], ...]
    events: dict[int, str] = field(default_factory=dict)


class SimulatedConfig(ActionConfig):
    step: int


class World:
    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow
        self.seconds = 0.0
        self.plot: Plot
        self.execution: Execution
        self.is_live = False
        self.points = 0
        self.disruptions = 0
        self.cancelled: bool | None = None
        self.counted: tuple[int, ...] = (0,) * len(COUNTERS)
        self.early: list[str] = []
        self.calls: Counter[tuple[str, int]] = Counter()
        self.not_before: dict[tuple[str, int], datetime] = {}
        self.ended_as: str | None = None

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self.seconds)

    def ticks(self) -> str:
        """As SQLite's own clock does, in milliseconds."""
        return self.now().strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]

    # What happens

    def reach(self, point: str) -> None:
        """Every named fault point comes here: the plot says what befalls the engine at this one."""
        self.points += 1
        match self.plot.events.get(self.points):
            case "crash":
                self.disruptions += 1
                raise Crash
            case "overtaken" if self.is_live and not _in_transaction():
                self.disruptions += 1
                self.seconds += settings.LEASE_SECONDS + 1
                self.work()
            case "cancel" if self.is_live and not _in_transaction():
                self.cancel()
            case "slow":
                self.seconds += 3

    def cancel(self) -> None:
        try:
            services.cancel(execution=self.execution)
        except TransitionNotAllowed:
            pass
        except Crash:  # nobody was told; the row says whether it happened
            self.cancelled = self.cancelled or self.status() == ExecutionStatus.CANCELLED
            raise
        else:
            assert not self.cancelled, "two cancels were both told that they ended it"
            self.cancelled = True

    def work(self) -> None:
        """What one process does with what is due, until it crashes."""
        try:
            for claim in journal.claim_due(1):
                runner.run(claim)
        except Crash:
            connection.connection.rollback()
        self.note_end()

    def status(self) -> str:
        return str(_rows("SELECT status FROM executions_execution WHERE id = ?", self.execution.pk.hex)[0][0])

    def note_end(self) -> None:
        status = self.status()
        if self.ended_as is not None:
            assert status == self.ended_as, f"it had ended as {self.ended_as} and became {status}"
        elif ExecutionStatus(status).is_final:
            self.ended_as = status

    def attempt(self, config: SimulatedConfig, context: ActionContext) -> Any:
        """The handler of every simulated step."""
        self.calls[context.path, context.attempt] += 1
        earliest = self.not_before.get((context.path, context.attempt), EPOCH)
        if self.now() < earliest:
            self.early.append(f"attempt {context.attempt} of step {context.path}")
        attempts = self.plot.attempts[config.step]
        match attempts[min(context.attempt, len(attempts)) - 1]:
            case Attempt("fail"):
                delay = timedelta(seconds=2 ** (context.attempt - 1) / 2)
                self.hold(context.path, context.attempt + 1, self.now() + delay)
                raise ActionError("FAILED_ON_PURPOSE")
            case Attempt("fatal"):
                raise ActionError("FATAL_ON_PURPOSE", retryable=False)
            case Attempt("pause", seconds):
                self.hold(str(int(context.path) + 1), 1, context.now + timedelta(seconds=seconds))
                return Pause(context.now + timedelta(seconds=seconds), {"step": config.step})
            case Attempt("skip_next" | "stop" as flow):
                return Steer({"step": config.step}, flow)
            case _:
                return {"step": config.step}

    def hold(self, path: str, attempt: int, until: datetime) -> None:
        """That attempt must not be made before; of two calls whose result may be recorded, the earlier one counts."""
        earliest = until - timedelta(milliseconds=1)  # what the database's clock can't tell apart
        self.not_before[path, attempt] = min(earliest, self.not_before.get((path, attempt), earliest))

    def live_through(self, plot: Plot) -> None:
        """Plays the plot to its end, and on past it; then checks every promise."""
        self.forget()
        self.plot = plot
        if not self.started():
            assert self.counters() == self.counted, "a start that failed was counted"
            return
        for _ in range(MAX_ROUNDS):
            self.work()
            if self.ended_as:
                break
            self.seconds += (self.due() - self.now()).total_seconds() + 0.001
        self.work()
        counted, self.counted = self.counted, self.counters()
        check(self, [after - before for before, after in zip(counted, self.counted, strict=True)])

    def forget(self) -> None:
        self.points, self.disruptions = 0, 0
        self.cancelled, self.ended_as = None, None
        self.calls.clear()
        self.early.clear()
        self.not_before.clear()

    def started(self) -> bool:
        """Starts the execution; a process that crashes over it has started it, or hasn't."""
        self.is_live = False
        try:
            self.execution = services.start(workflow=self.workflow, trigger_data={"n": 1})
        except Crash:
            found = Execution.objects.filter(status=ExecutionStatus.PENDING).first()
            if found is None:
                return False
            self.execution = found
        self.is_live = True
        return True

    def due(self) -> datetime:
        (wake_at,) = _rows(
            "SELECT CAST(wake_at AS TEXT) FROM executions_execution WHERE id = ?", self.execution.pk.hex
        )[0]
        assert wake_at, "it was lost: it hasn't ended, and nobody will look at it again"
        return max(self.now(), datetime.fromisoformat(wake_at).replace(tzinfo=UTC))

    def counters(self) -> tuple[int, ...]:
        return tuple(
            _rows(f"SELECT {', '.join(COUNTERS)} FROM workflows_workflow WHERE id = ?", self.workflow.pk.hex)[0]
        )


def _rows(sql: str, *parameters: object) -> list[Any]:
    """Past the ORM, since ten thousand lives ask a lot."""
    rows: list[Any] = connection.connection.execute(sql, parameters).fetchall()
    return rows


def _in_transaction() -> bool:
    return bool(connection.connection.in_transaction)


# The promises


class Row(NamedTuple):
    status: str
    code: str | None
    position: int
    successful: int
    failed: int
    skipped: int
    started_at: str | None
    completed_at: str

    @property
    def duration_ms(self) -> int:
        if self.started_at is None or self.status == "CANCELLED":
            return 0
        took = datetime.fromisoformat(self.completed_at) - datetime.fromisoformat(self.started_at)
        return round(took.total_seconds() * 1000)


class StepRow(NamedTuple):
    path: str
    status: str
    action_type: str
    attempt: int
    position: int
    performed: bool


def check(world: World, counted: list[int]) -> None:
    key = world.execution.pk.hex
    columns = (
        "status, json_extract(error, '$.code'), position, successful_steps, failed_steps, skipped_steps,"
        " CAST(started_at AS TEXT), CAST(completed_at AS TEXT)"
    )
    row = Row(*_rows(f"SELECT {columns} FROM executions_execution WHERE id = ?", key)[0])
    columns = "path, status, action_type, attempt, position, output IS NOT NULL AND status <> 'skipped'"
    found = _rows(f"SELECT {columns} FROM executions_step WHERE execution_id = ?", key)
    steps = {step.path: step for step in (StepRow(*each) for each in found)}
    assert (row.status == "CANCELLED") == bool(world.cancelled), "a cancel's answer wasn't true"
    assert not world.early, f"before its time: {world.early}"
    _check_order(row, steps)
    _check_counters(row, steps, counted)
    _check_effects(world, steps)
    if row.status not in {"CANCELLED", "TIMEOUT"} and row.code != "POISONED":
        expected_status, expected_steps = undisturbed(world.plot)
        assert row.status == expected_status
        assert {path: step.status for path, step in steps.items()} == expected_steps


def _check_order(row: Row, steps: dict[str, StepRow]) -> None:
    positions = sorted(step.position for step in steps.values())
    assert len(set(positions)) == len(positions), "two changes share a position"
    assert not positions or positions[-1] < row.position, "the end isn't the last in the order"
    assert [str(index) for index in range(len(steps))] == sorted(steps, key=int), "a step was left out"


def _check_counters(row: Row, steps: dict[str, StepRow], counted: list[int]) -> None:
    statuses = Counter(step.status for step in steps.values())
    assert (row.successful, row.failed, row.skipped) == (statuses["success"], statuses["failed"], statuses["skipped"])
    assert statuses["running"] == 0, "an ended execution has a running step"
    ends = [row.status == "COMPLETED", row.status in {"FAILED", "TIMEOUT"}, row.status == "TIMEOUT"]
    assert counted == [1, *ends, row.status == "CANCELLED", 0, row.duration_ms]


def _check_effects(world: World, steps: dict[str, StepRow]) -> None:
    """Transactional steps: exactly once. Others: once for each attempt, and once more for each disruption at most."""
    made = "SELECT step_path, count(*) FROM workspaces_task WHERE execution_id = ? GROUP BY 1"
    tasks = dict(_rows(made, world.execution.pk.hex))
    for path, step in steps.items():
        expected = int(bool(step.performed) and step.action_type == "simulated_task")
        assert tasks.get(path, 0) == expected, f"step {path} is {step.status} and made {tasks.get(path, 0)} tasks"
        policy = world.plot.definition.actions[int(path)].retry_config
        assert step.attempt <= policy.max_retries + 1, "more attempts than the policy allows"
    extra = sum(count - 1 for count in world.calls.values())
    assert extra <= world.disruptions, f"{extra} extra runs for {world.disruptions} disruptions"


def undisturbed(plot: Plot) -> tuple[str, dict[str, str]]:
    """How the plot ends if nothing befalls it: the plainest interpreter of a definition."""
    statuses: dict[str, str] = {}
    flow = "continue"
    for index, (action_, attempts) in enumerate(zip(plot.definition.actions, plot.attempts, strict=True)):
        if flow == "skip_next":
            statuses[str(index)], flow = "skipped", "continue"
            continue
        tries = action_.retry_config.max_retries + 1 if action_.on_error is OnError.RETRY else 1
        kinds = [attempts[min(number, len(attempts) - 1)].kind for number in range(tries)]
        last = next((kind for kind in kinds if kind != "fail"), "fail")
        failed = last in {"fail", "fatal"}
        statuses[str(index)] = "failed" if failed else "success"
        if failed and action_.on_error is not OnError.CONTINUE:
            return "FAILED", statuses
        if last == "stop":
            break
        flow = last if last == "skip_next" else "continue"
    return "COMPLETED", statuses


# The machinery


@contextmanager
def simulated(workflow: Workflow, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world on the test database: its clock instead of SQLite's, and handlers called in the engine's own thread."""
    world = World(workflow)
    connection.ensure_connection()
    connection.connection.create_function("simulated_now", 0, world.ticks)
    connection.connection.execute("PRAGMA synchronous=OFF")
    monkeypatch.setitem(statements.NOW, "sqlite", "simulated_now()")
    monkeypatch.setattr(clock, "monotonic", lambda: world.seconds)
    monkeypatch.setattr(performer, "begin", _begin_here)
    monkeypatch.setattr(runner.logger, "disabled", True)
    monkeypatch.setattr(runner, "definition_of", lambda _: world.plot.definition)
    monkeypatch.setattr(services, "definition_of", lambda _: world.plot.definition)
    for point in faults.POINTS:
        faults.arm(point, _at(world, point))
    _register(world)
    try:
        yield world
    finally:
        faults.disarm()
        connection.close()


def _begin_here(action_type: Any, config: Any, context: ActionContext) -> performer.Call:
    call = performer.Call(performer.Here(action_type, config, context), action_type.name, context.execution_id)
    call.perform()
    return call


def _at(world: World, point: str) -> Callable[[], None]:
    return lambda: world.reach(point)


def _register(world: World) -> None:
    @action("simulated", config=SimulatedConfig)
    def simulated_step(config: SimulatedConfig, context: ActionContext) -> Any:
        return world.attempt(config, context)

    @action("simulated_task", config=SimulatedConfig, transactional=True)
    def simulated_task(config: SimulatedConfig, context: ActionContext) -> Any:
        execution_id: UUID = context.execution_id
        create_task(
            workspace_id=context.workspace_id, title="simulated", execution_id=execution_id, step_path=context.path
        )
        return world.attempt(config, context)
