"""The state machine: exactly the edges that are drawn, and none out of an end."""

import itertools

import pytest

from executions.states import FINAL, TRANSITIONS, UNFINISHED, ExecutionStatus, TransitionNotAllowed, check_transition

EDGES = {
    ("PENDING", "RUNNING"),
    ("PENDING", "CANCELLED"),
    ("RUNNING", "COMPLETED"),
    ("RUNNING", "FAILED"),
    ("RUNNING", "TIMEOUT"),
    ("RUNNING", "CANCELLED"),
}
PAIRS = list(itertools.product(ExecutionStatus, repeat=2))


@pytest.mark.parametrize(("current", "wished"), [pair for pair in PAIRS if pair in EDGES])
def test_what_the_drawing_shows_is_allowed(current: ExecutionStatus, wished: ExecutionStatus) -> None:
    check_transition(current, wished)


@pytest.mark.parametrize(("current", "wished"), [pair for pair in PAIRS if pair not in EDGES])
def test_everything_else_is_refused_and_says_so(current: ExecutionStatus, wished: ExecutionStatus) -> None:
    with pytest.raises(
        TransitionNotAllowed, match=f"^an execution that is {current} can't become {wished}$"
    ) as refusal:
        check_transition(current, wished)

    assert (refusal.value.current, refusal.value.wished) == (current, wished)


def test_every_status_is_in_the_table() -> None:
    assert set(TRANSITIONS) == set(ExecutionStatus)


def test_an_end_leads_nowhere_and_everything_else_leads_on() -> None:
    assert set(FINAL) == {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT"}
    assert set(UNFINISHED) == {"PENDING", "RUNNING"}
    assert all(status.is_final and not TRANSITIONS[status] for status in FINAL)
    assert not any(status.is_final for status in UNFINISHED)
