"""What a handler may return or raise that nobody can keep, or can't even look at."""

import enum
import logging
import math
from collections.abc import Callable
from typing import Any, NoReturn

from workflows.actions.context import ActionContext, ActionError

LARGE = 200 * 2**20


class Liar(dict[str, Any]):
    """Another one at each look."""

    def items(self) -> Any:
        self.looks = getattr(self, "looks", 0) + 1
        return {"look": self.looks, "junk": {1, 2} if self.looks > 2 else 0}.items()

    def __len__(self) -> int:
        return 1


class Untouchable:
    def __getattribute__(self, name: str) -> NoReturn:
        raise RuntimeError(f"no {name} of mine")


class Odd(type):
    @property
    def __name__(cls) -> NoReturn:  # type: ignore[override]
        raise RuntimeError("no name of mine")


class Silent(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text of mine")

    __repr__ = __str__


class Nameless(Exception, metaclass=Odd):
    pass


class Mute(BaseException, metaclass=Odd):
    def __str__(self) -> str:
        raise SystemExit


class Awkward(ActionError):
    def __init__(self) -> None:
        super().__init__("AWKWARD")
        self.retryable = Silent()  # type: ignore[assignment]

    @property
    def details(self) -> Any:
        raise Silent

    @details.setter
    def details(self, value: Any) -> None: ...


class LyingText(str):
    __slots__ = ()

    def __len__(self) -> int:
        return 1

    def __getitem__(self, _key: Any) -> Any:
        return 7

    def isascii(self) -> bool:
        return True


class Telling(Exception):
    def __str__(self) -> str:
        return LyingText("\ud800" * 3)


class Number(enum.IntEnum):
    ONE = 1


class DiesBadly:
    def __del__(self) -> None:
        raise RuntimeError("at my end")


def _raise(error: BaseException) -> NoReturn:
    raise error


def _cycle() -> list[Any]:
    cycle: list[Any] = []
    cycle.append(cycle)
    return cycle


def _deep() -> list[Any]:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    return deep


def _cyclic_cause() -> NoReturn:
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    one.__context__, two.__context__ = two, one
    raise one


def _recurse() -> NoReturn:
    _recurse()


class _LogsWhatItLogs(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        logging.getLogger("again").warning("%s", record.getMessage())


def _log_for_ever() -> str:
    logger = logging.getLogger("again")
    handler = _LogsWhatItLogs()
    logger.addHandler(handler)
    try:
        logger.warning("again")
    finally:
        logger.removeHandler(handler)
    return "done"


def _dies_badly() -> str:
    DiesBadly()
    return "done"


HOW: dict[str, Callable[[ActionContext], Any]] = {
    "set": lambda _: {1, 2},
    "bytes": lambda _: b"bytes",
    "tuple": lambda _: (1, 2),
    "NaN": lambda _: math.nan,
    "Infinity": lambda _: [math.inf],
    "cycle": lambda _: _cycle(),
    "deep": lambda _: _deep(),
    "generator": lambda _: (each for each in [1]),
    "untouchable": lambda _: {"a": [Untouchable()]},
    "large text": lambda _: "x" * LARGE,
    "long integer": lambda _: 10**10_000,
    "lone surrogate": lambda _: {"a": "\ud800"},
    "NUL": lambda _: ["\x00"],
    "lying text": lambda _: LyingText("\ud800"),
    "exit": lambda _: _raise(SystemExit(3)),
    "interrupt": lambda _: _raise(KeyboardInterrupt()),
    "generator exit": lambda _: _raise(GeneratorExit()),
    "silent": lambda _: _raise(Silent()),
    "nameless": lambda _: _raise(Nameless("text")),
    "mute": lambda _: _raise(Mute()),
    "awkward": lambda _: _raise(Awkward()),
    "telling": lambda _: _raise(Telling()),
    "large message": lambda _: _raise(ValueError("\x00\ud800" * (LARGE // 8))),
    "large code": lambda _: _raise(ActionError("C\x00" * 1_000_000, "m" * LARGE, details={"a": "x" * LARGE})),
    "cyclic cause": lambda _: _cyclic_cause(),
    "group": lambda _: _raise(BaseExceptionGroup("several", [KeyError("a"), SystemExit(1)])),
    "recursion": lambda _: _recurse(),
    "no memory": lambda _: _raise(MemoryError()),
    "liar": lambda _: Liar(a=1),
    "number": lambda _: {"n": Number.ONE},
    "dies badly": lambda _: _dies_badly(),
    "logs for ever": lambda _: _log_for_ever(),
}

INVALID = (
    "set", "bytes", "tuple", "NaN", "Infinity", "cycle", "deep", "generator", "large text", "long integer",
    "lone surrogate", "NUL",
)  # fmt: skip
FINE = {"number": {"n": 1}, "dies badly": "done"}
