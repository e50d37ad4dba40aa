"""The table of steps, as a person sees it at 80 and at 120 columns, on high screens and on low ones."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from queue import SimpleQueue
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from executions.durations import duration
from executions.engine.plan import StepRecord
from executions.management.terminal import ExecutionView
from executions.management.window import window
from executions.management.wording import plain, remark
from executions.states import ExecutionStatus, StepStatus
from workflows.definition import parse, with_ids
from workflows.documents import Json

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
CONFIG: Json = {"recipient": "ada", "message": "x"}
MESSAGE = "GET http://127.0.0.1:40123/customers/42 answered 503, as it has done since the beginning of the world."


def view(width: int, *names: str, height: int = 30) -> ExecutionView:
    actions: list[Json] = [{"name": name, "type": "send_notification", "config": CONFIG} for name in names]
    console = Console(file=StringIO(), force_terminal=True, width=width, height=height, color_system=None)
    return ExecutionView(parse(with_ids({"actions": actions})), console, SimpleQueue())


def step(index: int, status: StepStatus, **more: Any) -> StepRecord:
    return StepRecord(str(index), f"action-{index + 1}", "send_notification", "", status, **more)


def report(seen: ExecutionView, *steps: StepRecord) -> None:
    for record in steps:
        seen.reports.put(record)
    seen.await_reports(0)


def lines(seen: ExecutionView) -> list[str]:
    with seen.console.capture() as captured:
        seen.console.print(seen)
    return captured.get().splitlines()


@pytest.mark.parametrize("width", [80, 120])
def test_it_cuts_names_and_remarks_but_never_a_type_and_wraps_nothing(width: int) -> None:
    seen = view(width, "Look the customer up", "A name that goes on and on " * 5, "顧客を調べる" * 10)
    waiting = step(0, StepStatus.RUNNING, attempt=2, error={"message": MESSAGE}, wait_until=NOW + timedelta(days=9999))
    report(seen, waiting, step(1, StepStatus.SUCCESS))

    heading, first, below, second, third, *_ = lines(seen)

    assert heading.split() == ["step", "type", "status", "try", "time"]
    assert first.split()[:7] == ["1", "Look", "the", "customer", "up", "send_notification", "◷"]
    assert below.strip().startswith("next try in ")
    assert below.endswith("…")
    assert second.count("…") == third.count("…") == 1
    assert second.count("send_notification") == third.count("send_notification") == 1
    assert max(cell_len(line) for line in lines(seen)) <= width


def test_at_the_end_it_says_all_of_what_went_wrong_and_what_was_not_run() -> None:
    seen = view(80, "First", "Second")
    report(seen, step(0, StepStatus.FAILED, attempt=3, error={"code": "HTTP_STATUS", "message": MESSAGE}))
    seen.status = ExecutionStatus.FAILED

    shown = lines(seen)

    assert f"after 3 tries: HTTP_STATUS: {MESSAGE}" in " ".join(" ".join(shown).split())
    assert any("∅ not run" in line for line in shown)
    assert shown[-1].endswith("1 of 2 steps")


def test_on_a_low_screen_it_shows_the_steps_around_the_one_at_work_and_at_the_end_all_of_them() -> None:
    seen = view(80, *[f"Step {number}" for number in range(1, 101)], height=12)
    report(seen, *[step(index, StepStatus.SUCCESS) for index in range(49)], step(49, StepStatus.RUNNING))

    shown = lines(seen)
    assert len(shown) < 12
    assert any("Step 50 " in line and "running" in line for line in shown)
    assert any(line.startswith("… ") and line.endswith(" before") for line in shown)
    assert any(line.startswith("… ") and line.endswith(" to come") for line in shown)

    seen.status = ExecutionStatus.COMPLETED
    assert sum("Step " in line for line in lines(seen)) == 100


@pytest.mark.parametrize(
    ("heights", "focus", "room", "expected"),
    [
        ([1, 1, 1], 0, 10, (0, 3)),
        ([1] * 10, 0, 4, (0, 4)),
        ([1] * 10, 9, 4, (6, 10)),
        ([1] * 10, 5, 6, (2, 8)),
        ([2] * 10, 5, 6, (4, 7)),
        ([3] * 10, 5, 2, (5, 6)),
        ([1], 0, -3, (0, 1)),
        ([], 0, 5, (0, 0)),
    ],
)
def test_the_window_holds_the_focus_and_what_fits_around_it(
    heights: list[int], focus: int, room: int, expected: tuple[int, int]
) -> None:
    assert window(heights, focus, room) == expected


def test_an_older_report_does_not_take_back_what_the_rows_have_said() -> None:
    seen = view(80, "Only")
    report(seen, step(0, StepStatus.SUCCESS), step(0, StepStatus.RUNNING))
    assert "✔ success" in lines(seen)[1]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-0.1, "0 ms"), (0.0071, "7 ms"), (1, "1.0 s"), (59.94, "59.9 s"), (59.96, "1 min 00 s"),
        (125, "2 min 05 s"), (3600, "1 h 00 min"), (100_000, "27 h 46 min"),
    ],
)  # fmt: skip
def test_a_duration_is_read_at_a_glance(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (step(0, StepStatus.SUCCESS, output={"conditionMet": True}), "condition met"),
        (step(0, StepStatus.SUCCESS, output={"conditionMet": False}, flow="skip_next"), "condition not met: skip next"),
        (step(0, StepStatus.SKIPPED, output={"reason": "its conditions aren't met"}), "its conditions aren't met"),
        (step(0, StepStatus.SUCCESS, output={"simulated": True}), "dry run: nothing was sent"),
        (step(0, StepStatus.RUNNING, wait_until=NOW + timedelta(seconds=90)), "1 min 30 s left, until 12:01:30 UTC"),
        (
            step(0, StepStatus.RUNNING, wait_until=NOW + timedelta(days=1)),
            "24 h 00 min left, until 2030-01-02 12:00:00 UTC",
        ),
        (
            step(0, StepStatus.RUNNING, attempt=1, error={"message": "no"}, wait_until=NOW + timedelta(seconds=2)),
            "next try in 2.0 s, at 12:00:02 UTC; the last one: no",
        ),
        (step(0, StepStatus.RUNNING, failures=({"error": {"code": "INTERRUPTED"}},)), "the try before was cut off"),
        (step(0, StepStatus.SUCCESS, output="text"), ""),
    ],
)
def test_a_remark_says_what_there_is_to_say(record: StepRecord, text: str) -> None:
    assert remark(record, NOW) == text


def test_what_a_server_answered_does_not_steer_the_terminal() -> None:
    assert plain("\x1b[2Jred\r\nand\x07 blue\t") == "�[2Jred and� blue"
    seen = view(80, "[bold]Not markup[/]")
    assert "[bold]Not markup[/]" in lines(seen)[1]
