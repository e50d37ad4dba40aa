"""What counts as JSON here: the one check that every stored value passes, on both databases alike."""

import math
from json import JSONEncoder

type Json = None | bool | int | float | str | list[Json] | dict[str, Json]

MAX_DOCUMENT_BYTES = 1024 * 1024
MAX_DEPTH = 64
MAX_INTEGER = 2**63 - 1
_ENCODER = JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class DocumentError(ValueError):
    """A value that can't be stored as JSON. `path` says where in it (`user.tags[2]`), `message` why."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path
        self.message = message


def encode(value: object, *, max_bytes: int = MAX_DOCUMENT_BYTES) -> str:
    """The value as compact JSON text with its keys in their own order.

    Raises DocumentError for what isn't JSON (sets, bytes, tuples, NaN, keys that aren't text), for NUL and lone
    surrogates, integers beyond 64 bits, more than 64 levels (so also for cycles), or more than `max_bytes` in UTF-8.
    """
    if value is None or value == {}:
        return "null" if value is None else "{}"
    _check(value, max_bytes)
    text = _ENCODER.encode(value)
    if len(text) > max_bytes or (not text.isascii() and len(text.encode()) > max_bytes):
        raise _too_large(max_bytes)
    return text


def dump(value: Json) -> str:
    """The same text, for a value whose parts were checked when they came in."""
    return _ENCODER.encode(value)


def _check(root: object, max_bytes: int) -> None:
    """Walks without recursion, and gives up as soon as the size is past the limit, however large the rest is."""
    budget = max_bytes
    stack: list[tuple[object, str, int]] = [(root, "", 0)]
    while stack:
        value, path, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise DocumentError(path[:200], f"nested deeper than {MAX_DEPTH} levels")
        budget -= 1 + _check_scalar(value, path)
        if isinstance(value, dict):
            stack.extend((item, join(path, _checked_key(key, path)), depth + 1) for key, item in value.items())
            budget -= sum(map(len, value))
        elif isinstance(value, list):
            budget -= len(value)
            if budget >= 0:
                stack.extend((item, f"{path}[{index}]", depth + 1) for index, item in enumerate(value))
        if budget < 0:
            raise _too_large(max_bytes)


def _check_scalar(value: object, path: str) -> int:
    """How many characters a text has (0 for any other JSON value)."""
    match value:
        case str():
            _check_text(value, path)
            return len(value)
        case float() if not math.isfinite(value):
            raise DocumentError(path, f"{value} isn't a JSON number")
        case bool() | None | float() | dict() | list():
            return 0
        case int() if -MAX_INTEGER <= value <= MAX_INTEGER:
            return 0
        case int():
            raise DocumentError(path, "an integer beyond 64 bits; send it as text")
    raise DocumentError(path, f"{type(value).__name__} isn't JSON; return dict, list, str, int, float, bool or None")


def _check_text(text: str, path: str) -> None:
    if "\x00" in text:
        raise DocumentError(path, "text with a NUL character")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise DocumentError(path, "text with a lone surrogate, which isn't Unicode")


def _checked_key(key: object, path: str) -> str:
    if not isinstance(key, str):
        raise DocumentError(path, f"a key of type {type(key).__name__}; keys are text")
    _check_text(key, path)
    return key


def _too_large(max_bytes: int) -> DocumentError:
    return DocumentError("", f"larger than {max_bytes:,} bytes")


def join(path: str, key: str) -> str:
    """The path of `key` inside `path`, as errors write it: `config.headers.X-Id`."""
    return f"{path}.{key}" if path else key
