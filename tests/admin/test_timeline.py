"""The timeline's geometry, and what a step's time went into; no database."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from executions.admin import timeline
from executions.admin.spans import spans_of
from executions.admin.timeline import DAY, HOUR, MINUTE, SECOND, Kind, Lane, Span, drawn, offset_in_words
from executions.models import Step

START = datetime(2030, 1, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def span(begins: float, ends: float, kind: Kind = Kind.ATTEMPT) -> Span:
    return Span(kind, "success", "Attempt 1, success", at(begins), at(ends))


def lane(*spans: Span, name: str = "a step") -> Lane:
    return Lane("0", name, spans)


def failure(number: int, begins: float, ends: float, code: str = "HTTP_STATUS") -> dict[str, Any]:
    """As the engine keeps an attempt that failed."""
    moments = {"startedAt": at(begins).isoformat(), "completedAt": at(ends).isoformat()}
    return {"attempt": number, "error": {"code": code, "message": "so"}, **moments}


def step(status: str, *attempts: dict[str, Any], **fields: Any) -> Step:
    times = {"started_at": at(0), "attempt_started_at": at(0), "completed_at": None, **fields}
    return Step(path="0", action_type=times.pop("action_type", "call_api"), status=status,
                attempts=list(attempts) or None, **times)  # fmt: skip


def told(of: Step, now: float = 10) -> list[tuple[str, str, float, float]]:
    """Kind, status and the seconds at which each span begins and ends."""
    return [
        (found.kind.value, found.status, (found.begins - START).total_seconds(), (found.ends - START).total_seconds())
        for found in spans_of(of, at(now))
    ]


# Geometry


def test_bars_stand_where_their_times_are() -> None:
    drawing = drawn([lane(span(0, 5)), lane(span(5, 10))], at(0), at(10))

    (first,), (second,) = (row.bars for row in drawing.rows)
    assert (first.x, first.width) == (0, 50)
    assert (second.x, second.width) == (50, 50)
    assert drawing.height == 2 * drawing.lane


def test_a_bar_lies_within_its_lane_and_a_backoff_is_thinner() -> None:
    row = drawn([lane(), lane(span(0, 1), span(1, 2, Kind.BACKOFF))], at(0), at(2)).rows[1]

    for bar in row.bars:
        assert row.top < bar.y < bar.y + bar.height < row.top + timeline.LANES_PX[0][1]
        assert bar.y + bar.height / 2 == pytest.approx(row.middle, abs=0.1)
    assert row.bars[1].height < row.bars[0].height


@pytest.mark.parametrize("moment", [0, 3600, 7200])
def test_what_took_no_time_can_be_seen_all_the_same_and_inside(moment: float) -> None:
    (bar,) = drawn([lane(span(moment, moment))], at(0), at(7200)).rows[0].bars

    assert bar.width == timeline.MIN_WIDTH
    assert 0 <= bar.x <= 100 - bar.width


def test_an_execution_that_took_no_time_at_all_is_drawn_too() -> None:
    drawing = drawn([lane(span(0, 0))], at(0), at(0))

    assert drawing.rows[0].bars[0].x == 0
    assert [tick.label for tick in drawing.ticks] == ["0", "1 ms"]


def test_it_is_as_wide_as_its_spans_reach_whatever_the_clocks_say() -> None:
    early, late = drawn([lane(span(-2, 0)), lane(span(8, 10))], at(0), at(9)).rows

    assert early.bars[0].x == 0
    assert late.bars[0].x + late.bars[0].width == pytest.approx(100)


def test_a_step_that_has_not_run_has_a_lane_without_bars() -> None:
    assert drawn([lane()], at(0), at(1)).rows[0].bars == ()


@pytest.mark.parametrize(("count", "px"), [(1, 30), (40, 30), (41, 22), (500, 16)])
def test_many_lanes_are_lower(count: int, px: int) -> None:
    drawing = drawn([lane()] * count, at(0), at(1))

    assert (drawing.lane, drawing.height) == (px, px * count)


@pytest.mark.parametrize(
    ("begins", "ends", "anchor"), [(0, 1, "start"), (8, 9, "end"), (4, 6, "middle"), (0, 10, "middle")]
)
def test_a_label_stands_where_there_is_room(begins: float, ends: float, anchor: str) -> None:
    (bar,) = drawn([lane(span(begins, ends))], at(0), at(10)).rows[0].bars

    assert bar.anchor == anchor
    assert 0 < bar.label_x < 100


def test_a_label_says_when_and_how_long() -> None:
    (bar,) = drawn([lane(span(1, 2.5))], at(0), at(10)).rows[0].bars

    assert bar.label == "Attempt 1, success: 12:00:01.000 to 12:00:02.500 UTC, 1.5 s"


def test_a_label_names_the_day_where_there_is_more_than_one() -> None:
    (bar,) = drawn([lane(span(1, 86_400))], at(0), at(86_400)).rows[0].bars

    assert "01 Jan 12:00:01.000 to 02 Jan 12:00:00.000" in bar.label


@pytest.mark.parametrize("total_ms", [1, 7, 99, 1_000, 4_400, 61_000, 5 * HOUR, 9 * DAY, 366 * DAY, 3_660 * DAY])
def test_there_are_a_few_ticks_at_even_distances(total_ms: int) -> None:
    ticks = drawn([], START, START + timedelta(milliseconds=total_ms)).ticks

    gaps = {round(later.x - earlier.x, 1) for earlier, later in pairwise(ticks)}
    assert 2 <= len(ticks) <= timeline.MOST_TICKS + 1
    assert max(gaps) - min(gaps) < 0.2
    assert (ticks[0].x, ticks[0].label, ticks[0].anchor) == (0, "0", "start")
    assert ticks[-1].x <= 100


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (0, "0"), (250, "250 ms"), (SECOND, "1 s"), (1_500, "1.5 s"), (MINUTE, "1 min"), (90 * SECOND, "1 min 30 s"),
        (2 * HOUR, "2 h"), (36 * HOUR, "1 d 12 h"),
    ],
)  # fmt: skip
def test_offsets_in_words(ms: int, words: str) -> None:
    assert offset_in_words(ms) == words


# What the time went into


def test_attempts_and_the_backoffs_between_them() -> None:
    retried = step("failed", failure(1, 0, 1), failure(2, 3, 4), attempt=3, attempt_started_at=at(8),
                   completed_at=at(9), error={"code": "X"})  # fmt: skip

    assert told(retried) == [
        ("attempt", "failed", 0, 1), ("backoff", "pending", 1, 3), ("attempt", "failed", 3, 4),
        ("backoff", "pending", 4, 8), ("attempt", "failed", 8, 9),
    ]  # fmt: skip


def test_a_running_step_lasts_up_to_now() -> None:
    assert told(step("running"), now=7) == [("attempt", "running", 0, 7)]


def test_a_backoff_that_goes_on() -> None:
    waiting = step("running", failure(1, 0, 1), attempt=1, error={"code": "X"}, wait_until=at(60))

    assert told(waiting, now=5) == [("attempt", "failed", 0, 1), ("backoff", "pending", 1, 5)]


def test_a_backoff_that_was_cancelled_ends_there() -> None:
    cancelled = step("cancelled", failure(1, 0, 1), attempt=1, error={"code": "X"}, completed_at=at(3))

    assert told(cancelled) == [("attempt", "failed", 0, 1), ("backoff", "pending", 1, 3)]


def test_an_interrupted_attempt_is_made_again_under_its_number() -> None:
    again = step("success", failure(1, 0, 4, "INTERRUPTED"), attempt=1, attempt_started_at=at(4), completed_at=at(5))

    assert told(again) == [("attempt", "failed", 0, 4), ("attempt", "success", 4, 5)]


@pytest.mark.parametrize(
    ("fields", "status"), [({"completed_at": at(9)}, "success"), ({"wait_until": at(99)}, "waiting")]
)
def test_a_wait_is_a_wait_while_it_lasts_and_afterwards(fields: dict[str, Any], status: str) -> None:
    waits = step("success" if status == "success" else "running", action_type="wait", **fields)

    assert told(waits, now=9) == [("wait", status, 0, 9)]


def test_so_is_the_pause_of_any_other_action() -> None:
    assert told(step("running", wait_until=at(99)), now=2) == [("wait", "waiting", 0, 2)]


def test_a_skipped_step_is_a_moment() -> None:
    assert told(step("skipped", completed_at=at(0))) == [("attempt", "skipped", 0, 0)]


def test_attempts_whose_times_are_not_known_are_left_out() -> None:
    unknown = {"attempt": 1, "error": {"code": "X", "message": ""}, "startedAt": None, "completedAt": None}

    assert told(step("success", unknown, attempt=2, completed_at=at(2))) == [("attempt", "success", 0, 2)]
