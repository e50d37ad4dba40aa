"""The engine in simulation: random definitions, a virtual clock, and a crash, a rival or a cancel before or after any
write. Each seed is a whole life of an execution on a real database; the promises are checked at its end."""

from collections.abc import Iterator, Sequence

import pytest
from django.db import IntegrityError, connection
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from executions.engine import journal
from executions.engine.statements import Piece
from tests.executions.world import Attempt, Plot, World, simulated
from tests.factories import WorkflowFactory
from workflows.definition import Action, Definition, OnError

SEEDS = 10_000
SHARES = 4

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="the virtual clock is a function of SQLite's"),
]

TYPES = ("simulated", "simulated", "simulated_task")
KINDS = ("succeed", "succeed", "succeed", "fail", "fatal", "pause", "skip_next", "stop")
EVENTS = ("crash", "crash", "overtaken", "cancel", "slow")
POINTS = 40
TIMEOUTS = (None, None, None, 40_000)


class Dice:
    """Choices read off one drawn number: a draw for each would take longer than the life it is for."""

    def __init__(self, number: int) -> None:
        self.number = number

    def pick[T](self, options: Sequence[T]) -> T:
        self.number, index = divmod(self.number, len(options))
        return options[index]


@st.composite
def plots(draw: st.DrawFn) -> Plot:
    dice = [Dice(number) for number in draw(st.lists(st.integers(0, 2**40), min_size=1, max_size=5))]
    actions = tuple(_action(index, each) for index, each in enumerate(dice))
    attempts = tuple(_attempts(each) for each in dice)
    events = [Dice(number) for number in draw(st.lists(st.integers(0, POINTS * len(EVENTS) - 1), max_size=4))]
    timeout = draw(st.sampled_from(TIMEOUTS))
    definition = Definition.model_construct(actions=actions, timeout=timeout, variables={})
    return Plot(definition, attempts, {each.pick(range(1, POINTS + 1)): each.pick(EVENTS) for each in events})


def _action(index: int, dice: Dice) -> Action:
    return Action.model_validate(
        {
            "id": f"a{index}",
            "type": dice.pick(TYPES),
            "config": {"step": index},
            "onError": dice.pick(list(OnError)),
            "retryConfig": {"maxRetries": dice.pick(range(4)), "delayMs": 1000},
        }
    )


def _attempts(dice: Dice) -> tuple[Attempt, ...]:
    return tuple(Attempt(dice.pick(KINDS), dice.pick(range(90))) for _ in range(dice.pick((1, 2, 3))))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with simulated(WorkflowFactory.create(), monkeypatch) as world:
        yield world


def lives(count: int) -> settings:
    return settings(
        max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck), derandomize=False
    )


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
def test_no_crash_rival_or_cancel_breaks_a_promise(world: World, share: int) -> None:
    @seed(share)
    @lives(SEEDS // SHARES)
    @given(plots())
    def live(plot: Plot) -> None:
        world.live_through(plot)

    live()


def test_it_catches_a_broken_fence(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin: writes that any epoch may make. The simulation must not let that pass."""
    fenced = journal._fence

    def unfenced(*args: object, **kwargs: object) -> Piece:
        piece = fenced(*args, **kwargs)  # type: ignore[arg-type]
        return Piece(piece.sql.replace("AND epoch = %s", "AND %s IS NOT NULL"), piece.parameters)

    monkeypatch.setattr(journal, "_fence", unfenced)

    @seed(0)
    @settings(lives(SEEDS // SHARES), phases=[Phase.generate])
    @given(plots())
    def live(plot: Plot) -> None:
        world.live_through(plot)

    with pytest.raises((AssertionError, IntegrityError, ExceptionGroup)):
        live()
