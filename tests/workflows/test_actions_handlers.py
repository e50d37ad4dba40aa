"""Whatever a handler returns or raises: a typed failure of its step, and the next execution runs."""

import asyncio
import enum
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NoReturn

import pytest

from tests.executions.scenes import ran, steps
from workflows.actions.context import ActionCancelled, ActionContext, ActionError, Pause, Steer
from workflows.actions.registry import ActionConfig, action

pytestmark = pytest.mark.django_db(transaction=True)
answers: list[Callable[[], Any]] = []


class AnswerConfig(ActionConfig):
    pass


@action("test_answer", config=AnswerConfig)
def answer(config: AnswerConfig, context: ActionContext) -> Any:
    return answers[-1]()


@action("test_answer_async", config=AnswerConfig)
async def answer_async(config: AnswerConfig, context: ActionContext) -> Any:
    await asyncio.sleep(0)
    return answers[-1]()


@action("test_answer_inside", config=AnswerConfig, transactional=True)
def answer_inside(config: AnswerConfig, context: ActionContext) -> Any:
    return answers[-1]()


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class Halfway(ActionError):
    """One whose author forgot to call what it overrides."""

    def __init__(self) -> None:
        pass


class Level(enum.IntEnum):
    HIGH = 3


def cyclic() -> Any:
    value: list[Any] = []
    value.append(value)
    return value


def deep() -> Any:
    value: Any = None
    for _ in range(100_000):
        value = [value]
    return value


def raising(error: BaseException) -> Callable[[], NoReturn]:
    def answer() -> NoReturn:
        raise error

    return answer


def wordless() -> NoReturn:
    raise ActionError("A", Mute())  # type: ignore[arg-type]


def endless() -> Any:
    return endless()


NOT_JSON: dict[str, Callable[[], Any]] = {
    "set": lambda: {1, 2},
    "bytes": lambda: b"x",
    "tuple": lambda: (1, 2),
    "object": object,
    "Decimal": lambda: {"price": Decimal(1)},
    "datetime": lambda: datetime.now(UTC),
    "generator": lambda: (number for number in range(3)),
    "class": lambda: Level,
    "NaN": lambda: float("nan"),
    "infinity": lambda: [float("inf")],
    "huge integer": lambda: 2**64,
    "cycle": cyclic,
    "depth": deep,
    "2 MiB": lambda: "x" * 2**21,
    "lone surrogate": lambda: {"text": "\ud800"},
    "NUL": lambda: "a\x00b",
    "NUL in a key": lambda: {"\x00": 1},
    "number as key": lambda: {1: 2},
    "steer with a set": lambda: Steer(output={1}),  # type: ignore[arg-type]
    "pause with bytes": lambda: Pause(datetime.now(UTC), b"x"),  # type: ignore[arg-type]
}
RAISED: dict[str, tuple[Callable[[], Any], str, str]] = {
    "SystemExit": (raising(SystemExit(3)), "HANDLER_ERROR", "SystemExit: 3"),
    "KeyboardInterrupt": (raising(KeyboardInterrupt()), "HANDLER_ERROR", "KeyboardInterrupt: "),
    "GeneratorExit": (raising(GeneratorExit()), "HANDLER_ERROR", "GeneratorExit: "),
    "BaseException": (raising(BaseException("base")), "HANDLER_ERROR", "BaseException: base"),
    "MemoryError": (raising(MemoryError()), "HANDLER_ERROR", "MemoryError: "),
    "RecursionError": (endless, "HANDLER_ERROR", "RecursionError: maximum recursion depth"),
    "group": (raising(BaseExceptionGroup("many", [SystemExit()])), "HANDLER_ERROR", "BaseExceptionGroup: many"),
    "no text": (raising(Mute()), "HANDLER_ERROR", "Mute: its text can't be had (RuntimeError)"),
    "surrogate": (raising(ValueError("a\ud800\x00b")), "HANDLER_ERROR", "ValueError: a\\ud800\\x00b"),
    "long text": (raising(ValueError("x" * 10**7)), "HANDLER_ERROR", "ValueError: xxx"),
    "TimeoutError": (raising(TimeoutError("slow")), "TIMEOUT", "slow"),
    "cancelled": (raising(ActionCancelled()), "HANDLER_ERROR", "ActionCancelled"),
    "asyncio's cancel": (raising(asyncio.CancelledError()), "HANDLER_ERROR", "CancelledError"),
    "code": (raising(ActionError("GONE", "It left.")), "GONE", "It left."),
    "odd code": (raising(ActionError(5, {"a": 1})), "5", "{'a': 1}"),  # type: ignore[arg-type]
    "hostile code": (raising(ActionError("\ud800", "\x00")), "\\ud800", "\\x00"),
    "halfway": (raising(Halfway()), "ACTION_ERROR", "ACTION_ERROR"),
    "code without words": (wordless, "HANDLER_ERROR", "RuntimeError"),
    "pause without offset": (lambda: Pause(datetime(2026, 1, 1)), "HANDLER_ERROR", "its offset"),  # noqa: DTZ001 (that is what is tested)
    "odd flow": (lambda: Steer(1, "back"), "HANDLER_ERROR", "give continue"),  # type: ignore[arg-type]
}
KINDS = ("test_answer", "test_answer_async", "test_answer_inside")


def answered(kind: str, what: Callable[[], Any]) -> Any:
    """The step's error, once it is sure that the next execution runs."""
    answers.append(what)
    execution = ran({"type": kind})
    (step,) = steps(execution)
    assert (execution.status, step.status, step.output) == ("FAILED", "failed", None)

    answers.append(lambda: {"fine": True})
    assert steps(ran({"type": kind}))[0].output == {"fine": True}
    return step.error


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("what", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_not_json_fails_the_step(kind: str, what: Callable[[], Any]) -> None:
    error = answered(kind, what)

    assert error["code"] == "INVALID_OUTPUT"
    assert len(error["message"]) < 500


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("what", "code", "message"), RAISED.values(), ids=RAISED)
def test_whatever_is_raised_fails_the_step(kind: str, what: Callable[[], Any], code: str, message: str) -> None:
    error = answered(kind, what)

    assert error["code"] == code
    assert message in error["message"]
    assert len(error["message"]) < 2_500


@pytest.mark.parametrize(
    "details", [{1}, b"x", float("nan"), cyclic(), "x" * 20_000, "\ud800", {"\x00": 1}, object()], ids=lambda _: ""
)
def test_details_that_cannot_be_kept_are_left_out(details: Any) -> None:
    error = answered("test_answer", raising(ActionError("GONE", "It left.", details=details)))

    assert (error["code"], error["message"]) == ("GONE", "It left.")
    assert "aren't JSON that can be kept" in error["details"]


def test_details_that_can_be_kept_are() -> None:
    error = answered("test_answer", raising(ActionError("GONE", details={"tries": [1, 2]})))

    assert error == {"code": "GONE", "message": "GONE", "details": {"tries": [1, 2]}}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [None, True, 0, 1.5, "", "é", [], {}, {"b": [1], "a": {"c": None}}])
def test_every_json_value_is_kept(kind: str, value: Any) -> None:
    answers.append(lambda: value)
    (step,) = steps(ran({"type": kind}))

    assert (step.status, step.output) == ("success", value)
    assert type(step.output) is type(value)


def test_a_failure_that_cannot_get_better_is_not_tried_again() -> None:
    answers.append(raising(ActionError("GONE", retryable=False)))
    (step,) = steps(ran({"type": "test_answer", "onError": "retry", "retryConfig": {"delayMs": 0}}))

    assert step.attempt == 1
