"""How a workflow fared lately: the bounded sample, its figures, and the drawings of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from executions import statistics
from executions.admin.charts import Charts, charts
from executions.models import Execution, Step
from executions.statistics import Ran, Sample, StepFigures, percentile, recent, steps_of
from tests.factories import WorkflowFactory
from workflows.models import Workflow

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
TODAY = NOW.replace(hour=0)


def sample(*executions: Ran, days: int = 3) -> Sample:
    return Sample(TODAY - timedelta(days=days - 1), NOW, executions, is_cut=False)


def ran(status: str = "COMPLETED", ms: float | None = 100, days_ago: int = 0) -> Ran:
    return Ran(status, NOW - timedelta(days=days_ago), ms)


def drawn(*executions: Ran, steps: tuple[StepFigures, ...] = (), days: int = 3) -> Charts:
    return charts(sample(*executions, days=days), steps, 7)


def executed(workflow: Workflow, at: datetime, status: str = "COMPLETED", **fields: Any) -> Execution:
    ended = status not in {"PENDING", "RUNNING"}
    return Execution.objects.create(
        workspace_id=workflow.workspace_id, workflow=workflow, version_id=workflow.version_id, status=status,
        created_at=at, started_at=at, completed_at=at + timedelta(seconds=1) if ended else None,
        wake_at=None if ended else at, **fields,
    )  # fmt: skip


def stepped(execution: Execution, action: str, ms: int, status: str = "success", **fields: Any) -> Step:
    at = execution.created_at
    return Step.objects.create(
        execution=execution, path=fields.pop("path", action), action_id=action, action_type="wait", status=status,
        position=1, started_at=at, completed_at=at + timedelta(milliseconds=ms), **fields,
    )  # fmt: skip


def test_a_bar_a_day_has_a_piece_for_each_status_on_top_of_each_other() -> None:
    numbers = drawn(*[ran()] * 6, *[ran("FAILED")] * 2, ran(days_ago=2)).numbers

    assert [len(slot.pieces) for slot in numbers.slots] == [1, 0, 2]
    completed, failed = numbers.slots[2].pieces
    assert (completed.look, completed.y, completed.height) == ("t-is-completed", 40, 60)
    assert (failed.look, failed.y, failed.height) == ("t-is-failed", 20, 20)
    assert (numbers.top, numbers.half) == ("10", "5")


def test_days_stand_side_by_side_over_the_whole_width() -> None:
    slots = drawn(ran(), days=30).numbers.slots

    assert len(slots) == 30
    assert slots[0].x == 0
    assert slots[-1].x + slots[-1].width == pytest.approx(100, abs=0.1)
    assert all(slot.x < slot.bar_x and slot.bar_x + slot.bar_width < slot.x + slot.width for slot in slots)


def test_a_day_says_its_numbers() -> None:
    fared = drawn(*[ran()] * 1_200, ran("TIMEOUT"), ran("RUNNING", None), days=2)

    assert fared.numbers.slots[1].says == "Tue 31 Mar: 1,200 completed, 1 timed out, 1 running"
    assert fared.numbers.slots[0].says == "Mon 30 Mar: none"
    assert fared.rates.slots[1].says == "Tue 31 Mar: 99.9 % of 1,201 succeeded"
    assert fared.durations.slots[1].says == "Tue 31 Mar: half took 100 ms at most, 95 % 100 ms at most"


def test_a_curve_breaks_where_a_day_has_no_value() -> None:
    [curve] = drawn(ran(days_ago=4), ran(days_ago=3), ran(), days=5).rates.curves

    assert len(curve.points) == 3
    assert len(curve.strokes) == 1


def test_what_hasnt_ended_counts_for_no_rate_and_no_duration() -> None:
    fared = drawn(ran("RUNNING", None), ran("PENDING", None))

    assert fared.success_rate == "—"
    assert all(not curve.points for curve in (*fared.rates.curves, *fared.durations.curves))
    assert fared.total == 2


def test_durations_are_drawn_between_nothing_and_a_round_number() -> None:
    fared = drawn(*[ran(ms=100)] * 9, ran(ms=1_800))
    slow, median = fared.durations.curves

    assert (fared.durations.top, fared.durations.half) == ("2.0 s", "1.0 s")
    assert (median.points[0].y, slow.points[0].y) == (95, 10)


def test_the_slowest_steps_and_those_that_fail_most() -> None:
    steps = tuple(StepFigures(f"step{n}", "", 10, 0, n * 10.0, n * 100.0) for n in range(1, 9))
    bad = StepFigures("bad", "Call <b>them</b>", 8, 2, None, None)

    fared = drawn(ran(), steps=(*steps, bad))

    assert [bar.name for bar in fared.slowest] == ["step8", "step7", "step6", "step5", "step4"]
    assert (fared.slowest[0].width, fared.slowest[0].says) == (100, "800 ms")
    [failing] = fared.failing
    assert (failing.name, failing.width, failing.says, failing.detail) == (
        "Call <b>them</b>", 25, "25 %", "2 of 8 failed",
    )  # fmt: skip


def test_of_nothing_there_is_an_empty_drawing() -> None:
    fared = drawn(days=30)

    assert fared.total == 0
    assert fared.numbers.top == "1"
    assert fared.slowest == fared.failing == []


@pytest.mark.parametrize(
    ("values", "median", "slow"),
    [([], None, None), ([5], 5, 5), ([1, 2], 1, 2), (range(1, 101), 50, 95), ([3, 1, 2], 2, 3)],
)
def test_percentiles_are_values_that_were_measured(values: Any, median: Any, slow: Any) -> None:
    assert (percentile(values, 0.5), percentile(values, 0.95)) == (median, slow)


@pytest.mark.django_db
def test_the_sample_is_of_the_last_thirty_days_without_dry_runs() -> None:
    workflow = WorkflowFactory.create()
    executed(workflow, NOW)
    executed(workflow, TODAY - timedelta(days=29), "FAILED")
    executed(workflow, TODAY - timedelta(days=29, seconds=1))
    executed(workflow, NOW, is_simulation=True)
    executed(WorkflowFactory.create(), NOW)

    found = recent(workflow, NOW)

    assert [(one.status, one.duration_ms) for one in found.executions] == [("COMPLETED", 1_000), ("FAILED", 1_000)]
    assert (found.since, found.is_cut) == (TODAY - timedelta(days=29), False)


@pytest.mark.django_db
def test_of_too_many_executions_the_latest_count_and_the_sample_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "MOST_EXECUTIONS", 3)
    workflow = WorkflowFactory.create()
    for hours in range(5):
        executed(workflow, NOW - timedelta(hours=hours))

    found = recent(workflow, NOW)

    assert len(found.executions) == 3
    assert (found.is_cut, found.since) == (True, NOW - timedelta(hours=2))


@pytest.mark.django_db
def test_steps_are_compared_by_what_they_took_and_how_often_they_failed() -> None:
    workflow = WorkflowFactory.create()
    for index in range(4):
        execution = executed(workflow, NOW + timedelta(minutes=index), total_steps=2)
        stepped(execution, "call", 100 * (index + 1), "failed" if index == 3 else "success", name=f"Name {index}")
        stepped(execution, "tell", 5, "skipped")
    stepped(executed(workflow, NOW, is_simulation=True), "call", 9_999)

    found, number = steps_of(workflow)

    assert number == 4
    assert found == [StepFigures("call", "Name 3", 4, 1, 200, 400)]


@pytest.mark.django_db
def test_large_executions_leave_room_for_fewer_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "MOST_STEPS", 100)
    workflow = WorkflowFactory.create()
    for hours in range(5):
        executed(workflow, NOW - timedelta(hours=hours), total_steps=40)

    assert steps_of(workflow)[1] == 2


@pytest.mark.django_db
def test_all_figures_take_three_queries(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    workflow = WorkflowFactory.create()
    for hours in range(5):
        stepped(executed(workflow, NOW - timedelta(hours=hours), total_steps=1), "call", 1)

    with django_assert_num_queries(3):
        charts(recent(workflow, NOW), *steps_of(workflow))
