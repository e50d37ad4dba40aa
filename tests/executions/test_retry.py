"""What follows a failed attempt: whether there is another, and when."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executions.engine.retry import delay_ms, should_retry
from workflows.definition import Action, RetryPolicy

DAY_MS = 24 * 60 * 60 * 1000
ALMOST_ONE = 1 - 2**-53

policies = st.fixed_dictionaries(
    {
        "maxRetries": st.integers(0, 100),
        "delayMs": st.integers(0, DAY_MS),
        "backoffMultiplier": st.floats(1, 100),
        "maxDelayMs": st.integers(0, DAY_MS),
        "jitter": st.booleans(),
    }
).map(RetryPolicy.model_validate)
draws = st.floats(0, 1, exclude_max=True)


def action(on_error: str, max_retries: int = 3) -> Action:
    return Action.model_validate(
        {"id": "a", "type": "noop", "onError": on_error, "retryConfig": {"maxRetries": max_retries}}
    )


def delays(attempts: int, **policy: Any) -> list[int]:
    steady = RetryPolicy.model_validate({"jitter": False, **policy})
    return [delay_ms(steady, attempt, lambda: 0.0) for attempt in range(1, attempts + 1)]


@pytest.mark.parametrize(
    ("on_error", "max_retries", "attempt", "retryable", "expected"),
    [
        ("retry", 3, 1, True, True),
        ("retry", 3, 3, True, True),
        ("retry", 3, 4, True, False),  # three retries after the first attempt: four attempts
        ("retry", 1, 1, True, True),
        ("retry", 1, 2, True, False),
        ("retry", 0, 1, True, False),
        ("retry", 3, 1, False, False),  # it can't get better
        ("stop", 3, 1, True, False),
        ("continue", 3, 1, True, False),
    ],
)
def test_it_tries_again_only_where_the_action_says_so(
    on_error: str, max_retries: int, attempt: int, *, retryable: bool, expected: bool
) -> None:
    assert should_retry(action(on_error, max_retries), attempt, retryable=retryable) is expected


def test_the_delay_grows_by_the_multiplier_up_to_the_cap() -> None:
    assert delays(9) == [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]
    assert delays(4, delayMs=100, backoffMultiplier=1.5) == [100, 150, 225, 338]


def test_with_a_multiplier_of_one_it_stays_the_same() -> None:
    assert delays(3, delayMs=250, backoffMultiplier=1) == [250, 250, 250]


@pytest.mark.parametrize(
    ("policy", "expected"), [({"delayMs": 0}, 0), ({"maxDelayMs": 0}, 0), ({"maxDelayMs": 70}, 70)]
)
def test_the_cap_holds_from_the_first_delay_on(policy: dict[str, int], expected: int) -> None:
    assert delays(100, **policy) == [expected] * 100


def test_the_largest_policy_that_can_be_saved_does_not_overflow() -> None:
    largest = {"delayMs": DAY_MS, "backoffMultiplier": 100.0, "maxDelayMs": DAY_MS}

    assert delays(101, **largest) == [DAY_MS] * 101


@pytest.mark.parametrize(("drawn", "expected"), [(0.0, 2_000), (0.5, 3_000), (ALMOST_ONE, 4_000)])
def test_jitter_takes_up_to_half_of_it_away(drawn: float, expected: int) -> None:
    assert delay_ms(RetryPolicy(), 3, lambda: drawn) == expected


@given(policies, st.integers(1, 10_000), draws)
def test_no_delay_is_longer_than_the_cap_nor_negative(policy: RetryPolicy, attempt: int, drawn: float) -> None:
    assert 0 <= delay_ms(policy, attempt, lambda: drawn) <= policy.max_delay_ms


@given(policies, st.integers(1, 200), draws)
def test_jitter_stays_between_half_and_all_of_the_delay(policy: RetryPolicy, attempt: int, drawn: float) -> None:
    full = delay_ms(policy.model_copy(update={"jitter": False}), attempt, lambda: drawn)
    jittered = delay_ms(policy.model_copy(update={"jitter": True}), attempt, lambda: drawn)

    assert full / 2 - 1 <= jittered <= full


@given(policies)
def test_without_jitter_no_delay_is_shorter_than_the_one_before(policy: RetryPolicy) -> None:
    steady = policy.model_copy(update={"jitter": False})
    waits = [delay_ms(steady, attempt, lambda: 0.0) for attempt in range(1, 80)]

    assert all(earlier <= later for earlier, later in pairwise(waits))
