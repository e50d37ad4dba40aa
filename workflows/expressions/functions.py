"""The functions that expressions have beside CEL's own. Each checks its result's size before it makes it."""

from decimal import ROUND_HALF_UP, Decimal
from math import isfinite

from workflows.documents import MAX_INTEGER, Json
from workflows.expressions.references import kind

MAX_TEXT = 64 * 1024
MAX_PARTS = 1_000
MAX_EXACT_INTEGER = 2**53


def lower(text: str) -> str:
    return text.lower()


def upper(text: str) -> str:
    return _bounded(text.upper())


def trim(text: str) -> str:
    return text.strip()


def replace(text: str, old: str, new: str) -> str:
    if not old:
        raise ValueError("replace() needs a text to look for; the second argument is empty")
    _check_length(len(text) + text.count(old) * (len(new) - len(old)))
    return text.replace(old, new)


def split(text: str, separator: str) -> list[str]:
    if not separator:
        raise ValueError("split() needs a separator; the second argument is empty")
    if text.count(separator) >= MAX_PARTS:
        raise ValueError(f"split() gives at most {MAX_PARTS:,} parts")
    return text.split(separator)


def join(items: list[Json], separator: str) -> str:
    texts = [item for item in items if isinstance(item, str)]
    if len(texts) < len(items):
        stranger = next(item for item in items if not isinstance(item, str))
        raise ValueError(f"join() takes a list of texts, and one item is {kind(stranger)}")
    _check_length(sum(map(len, texts)) + len(separator) * (len(texts) - 1))
    return separator.join(texts)


def total(items: list[Json]) -> int | float:
    numbers = [item for item in items if isinstance(item, int | float) and not isinstance(item, bool)]
    if len(numbers) < len(items):
        stranger = next(item for item in items if isinstance(item, bool) or not isinstance(item, int | float))
        raise ValueError(f"sum() takes a list of numbers, and one item is {kind(stranger)}")
    if any(isinstance(number, float) for number in numbers):
        return sum(map(widened, numbers))
    if abs(result := sum(numbers)) > MAX_INTEGER:
        raise ValueError("sum() gives a number beyond 64 bits")
    return result


def rounded(number: float) -> int:
    """Halves away from zero, as people round."""
    if not isfinite(number) or abs(number) >= MAX_INTEGER:
        raise ValueError("round() gives a number beyond 64 bits")
    return int(Decimal(number).to_integral_value(ROUND_HALF_UP))


def widened(number: float) -> float:
    """An integer as the float of the same value. JSON has one kind of number, so the two may meet in one sum."""
    if isinstance(number, int) and abs(number) > MAX_EXACT_INTEGER:
        raise ValueError(f"{number} can't be mixed with decimals without loss; write double(…) if that is meant")
    return float(number)


def _bounded(text: str) -> str:
    _check_length(len(text))
    return text


def _check_length(characters: int) -> None:
    if characters > MAX_TEXT:
        raise ValueError(f"a text of {characters:,} characters; at most {MAX_TEXT:,} can be made")
