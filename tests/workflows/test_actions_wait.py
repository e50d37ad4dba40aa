"""`wait`: how long, until when, and what it refuses."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from executions.engine import journal, runner
from tests.executions.scenes import ran, started, steps
from tests.workflows.conftest import House
from workflows.actions.context import ActionError, Pause
from workflows.actions.wait import WaitConfig, preview_wait, wait

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def waited(house: House, **config: Any) -> Pause:
    return wait(WaitConfig.model_validate(config), house.context(now=NOW))


@pytest.mark.parametrize(
    ("config", "seconds"),
    [
        ({"durationMs": 1500}, 1.5),
        ({"seconds": 90}, 90),
        ({"seconds": 0.25}, 0.25),
        ({"minutes": 2}, 120),
        ({"hours": 1.5}, 5400),
        ({"days": 366}, 366 * 86_400),
        ({"days": 1, "hours": 1, "minutes": 1, "seconds": 1, "durationMs": 1}, 86_400 + 3600 + 61.001),
        ({"durationMs": 0}, 0),
    ],
)
def test_it_waits_for_the_sum_of_what_is_given(house: House, config: dict[str, Any], seconds: float) -> None:
    pause = waited(house, **config)

    assert pause.until == NOW + timedelta(seconds=seconds)
    assert isinstance(pause.output, dict)
    assert pause.output["durationMs"] == round(seconds * 1000)


@pytest.mark.parametrize(
    ("until", "ends_at", "duration_ms"),
    [
        ("2026-03-01T12:00:01Z", "2026-03-01T12:00:01Z", 1000),
        ("2026-03-01T14:00:00+01:00", "2026-03-01T13:00:00Z", 3_600_000),
        ("2026-03-01T11:59:59Z", "2026-03-01T11:59:59Z", 0),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z", 0),
    ],
)
def test_it_waits_until_a_time_and_a_past_one_is_over(house: House, until: str, ends_at: str, duration_ms: int) -> None:
    pause = waited(house, until=until)

    assert pause.until == datetime.fromisoformat(ends_at)
    assert pause.output == {"until": ends_at, "durationMs": duration_ms}


def test_a_time_too_far_ahead_is_refused_when_it_runs(house: House) -> None:
    with pytest.raises(ActionError, match="366 days at most") as raised:
        waited(house, until="2028-01-01T00:00:00Z")

    assert (raised.value.code, raised.value.retryable) == ("WAIT_TOO_LONG", False)


@pytest.mark.parametrize(
    "config",
    [
        {}, {"seconds": "5"}, {"seconds": -1}, {"seconds": None}, {"days": 367}, {"days": 1e300}, {"durationMs": 2**62},
        {"durationMs": 1.5}, {"minutes": True}, {"until": None}, {"until": "2026-03-01"}, {"weeks": 1},
        {"until": "2026-03-01T12:00:00Z", "seconds": 0}, {"duration_ms": 5}, {"until": "9999-12-31T23:59:59-23:00"},
    ],
)  # fmt: skip
def test_it_refuses_a_config_that_does_not_fit(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WaitConfig.model_validate(config)


def test_a_dry_run_says_how_long_it_would_have_waited(house: House) -> None:
    assert preview_wait(WaitConfig(minutes=1), house.context(now=NOW)) == {
        "wait": {"until": "2026-03-01T12:01:00Z", "durationMs": 60_000}
    }


@pytest.mark.django_db(transaction=True)
class TestInAnExecution:
    def test_it_holds_no_thread_and_says_what_it_waits_for(self) -> None:
        execution = started({"type": "wait", "config": {"hours": 1}})
        claim = journal.claim(execution.pk)
        assert claim is not None

        runner.run(claim)

        execution.refresh_from_db()
        (step,) = steps(execution)
        assert (execution.status, execution.waiting_for, step.status) == ("RUNNING", "timer", "running")
        assert execution.wake_at == step.wait_until
        assert step.wait_until is not None
        assert step.started_at is not None
        assert timedelta(minutes=59) < step.wait_until - step.started_at <= timedelta(hours=1, seconds=1)

    @pytest.mark.parametrize("config", [{"durationMs": 30}, {"until": "2001-01-01T00:00:00Z"}, {"seconds": 0}])
    def test_it_goes_on_when_the_time_is_over(self, config: dict[str, Any]) -> None:
        execution = ran({"type": "wait", "config": config}, {"type": "wait", "config": {"durationMs": 0}})

        assert [step.status for step in steps(execution)] == ["success", "success"]
        assert (execution.status, execution.waiting_for) == ("COMPLETED", execution.waiting_for)

    def test_an_expression_gives_the_time(self) -> None:
        execution = ran(
            {"type": "wait", "config": {"until": "{{ trigger.until }}"}}, trigger={"until": "2001-01-01T00:00:00Z"}
        )

        assert steps(execution)[0].output == {"until": "2001-01-01T00:00:00Z", "durationMs": 0}
