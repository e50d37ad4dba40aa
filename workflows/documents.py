"""What counts as JSON here: the one check that every stored value passes, on both databases alike."""

import math
from collections.abc import Iterator
from json import JSONEncoder

from workspaces.masking import cut

type Json = None | bool | int | float | str | list[Json] | dict[str, Json]
type Trail = tuple[Trail, object] | None

MAX_DOCUMENT_BYTES = 1024 * 1024
MAX_DEPTH = 64
MAX_INTEGER = 2**63 - 1
MAX_KEY_SHOWN = 100
MAX_PATH_SHOWN = 200
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
    if value is None:
        return "null"
    _check(value, max_bytes)
    text = _ENCODER.encode(value)
    if len(text) > max_bytes or (not text.isascii() and len(text.encode()) > max_bytes):
        raise _too_large(max_bytes)
    return text


def dump(value: Json) -> str:
    """The same text, for a value whose parts were checked when they came in."""
    return _ENCODER.encode(value)


def _check(root: object, max_bytes: int) -> None:
    """Walks without recursion, and gives up as soon as the size is past the limit, however large the rest is.

    A trail becomes a path only where there is a fault: keys may be long, and many values lie below one.
    """
    budget = max_bytes
    stack: list[tuple[object, Trail, int]] = [(root, None, 0)]
    while stack:
        value, trail, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise DocumentError(cut(path_of(trail), MAX_PATH_SHOWN), f"nested deeper than {MAX_DEPTH} levels")
        budget -= _least_size(value, trail)
        if budget < 0:
            raise _too_large(max_bytes)
        if isinstance(value, dict):
            for key, item in value.items():
                budget -= _key_size(key, trail, budget)
                if budget < 0:
                    raise _too_large(max_bytes)
                stack.append((item, (trail, key), depth + 1))
        elif isinstance(value, list):
            stack.extend((item, (trail, index), depth + 1) for index, item in enumerate(value))
        elif isinstance(value, str):
            _check_text(value, trail)


def _least_size(value: object, trail: Trail) -> int:
    """How many bytes of JSON a value has at least: a text its characters, an object or a list its commas."""
    match value:
        case None | bool():
            return 1
        case str() | list() | dict():
            return len(value) + 1
        case float() if math.isfinite(value):
            return 1
        case float():
            raise DocumentError(path_of(trail), f"{value} isn't a JSON number")
        case int() if -MAX_INTEGER - 1 <= value <= MAX_INTEGER:
            return 1
        case int():
            raise DocumentError(path_of(trail), "an integer beyond 64 bits; send it as text")
    name = type(value).__name__
    raise DocumentError(path_of(trail), f"{name} isn't JSON; use dict, list, str, int, float, bool or None")


def _key_size(key: object, trail: Trail, budget: int) -> int:
    if not isinstance(key, str):
        raise DocumentError(path_of(trail), f"a key of type {type(key).__name__}; keys are text")
    if len(key) <= budget:
        _check_text(key, trail)
    return len(key)


def _check_text(text: str, trail: Trail) -> None:
    if "\x00" in text:
        raise DocumentError(path_of(trail), "text with a NUL character; remove it")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise DocumentError(path_of(trail), "text with a lone surrogate, which isn't Unicode; remove it") from error


def _too_large(max_bytes: int) -> DocumentError:
    return DocumentError("", f"larger than {max_bytes:,} bytes")


def path_of(trail: Trail) -> str:
    """The path that a trail stands for, with long keys cut."""
    path = ""
    for part in reversed([*_parts(trail)]):
        path = f"{path}[{part}]" if isinstance(part, int) else join(path, _shown(str(part)))
    return path


def _parts(trail: Trail) -> Iterator[object]:
    while trail is not None:
        trail, part = trail
        yield part


def _shown(key: str) -> str:
    """A key as an error may show it: long ones cut, what a terminal or UTF-8 can't take escaped."""
    head = key if len(key) <= MAX_KEY_SHOWN else f"{cut(key, MAX_KEY_SHOWN - 1)}…"
    return head if head.isprintable() else ascii(head)[1:-1]


def join(path: str, key: str) -> str:
    """The path of `key` inside `path`, as errors write it: `config.headers.X-Id`."""
    return f"{path}.{key}" if path else key


def inside(path: str, rest: str) -> str:
    """The path `rest`, which may be empty or begin with an index, as a path inside `path`."""
    return path + rest if not rest or rest.startswith("[") else join(path, rest)
