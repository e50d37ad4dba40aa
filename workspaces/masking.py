"""Takes secrets out of what is kept and shown, wherever they reappear: in longer texts, and as encodings spell them.

A part of a secret isn't known by it, but for the lines of one of many lines: so texts are masked before they are cut.
Whoever sees what is masked can try whether a text is a secret; that of a part would tell him all of it, bit by bit.
"""

import base64
import json
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property, lru_cache
from html import escape
from itertools import islice
from typing import Any
from urllib.parse import quote, quote_plus, unquote_to_bytes

MASK = "***"
MIN_LINE_CHARACTERS = 16
MAX_LINES = 64
MIN_SPELLING = 6
"""Secrets have 8 characters at least. What is shorter than this, as may be what escapes stand for, is any text."""
SECRETS_IN_LOGS = 256
# What is left as it is in a part of a URL: by quote(), requests, JavaScript's encodeURIComponent and encodeURI.
_SAFE_IN_URLS = ("", "/", "!#$%&'()*+,/:;=?@[]~", "!'()*", ";,/?:@&=+$!*'()#")
_LEFT_BY_URLLIB3 = "/?:@!$&'()*+,;="
_WRITER = json.JSONEncoder(ensure_ascii=False)
_ESCAPED_BYTE = re.compile("%[0-9A-Fa-f]{2}")
_UNICODE_ESCAPE = re.compile(r"\\u([0-9a-f]{4})")


class Masker:
    def __init__(self, values: Iterable[str]) -> None:
        self.values = list(values)

    @cached_property
    def spelt(self) -> dict[str, tuple[str, ...]]:
        """Each part of the values, the longest first, and what it may be spelt as."""
        parts = {part for value in self.values for part in _parts(value)}
        return {part: _spellings(part) for part in sorted(parts, key=len, reverse=True)}

    def text(self, text: str) -> str:
        return _replaced(text, self.spelt)

    @cached_property
    def longest(self) -> int:
        """How many characters anything that it masks may have."""
        return max((len(spellings[0]) for spellings in self.spelt.values()), default=0)

    @cached_property
    def beginnings(self) -> frozenset[str]:
        """A text in which none of them is has nothing to mask."""
        return frozenset(each[:MIN_SPELLING] for spellings in self.spelt.values() for each in spellings)

    def cut(self, text: str, most: int, *, is_whole: bool) -> str:
        piece = text[: most + self.longest]
        masked = self.text(piece)
        if not is_whole or len(piece) < len(text):
            masked = masked[: max(0, len(masked) - self.longest)]
        return masked[:most]

    def value(self, value: Any) -> Any:
        """The same JSON with its texts, keys and numbers masked; itself where there is nothing to mask."""
        text = _WRITER.encode(value)
        has_traces = any(trace in text for trace in self._traces)
        return self._masked(value) if has_traces else value

    @cached_property
    def _traces(self) -> tuple[str, ...]:
        """One of them is in every JSON text in which there is anything to mask."""
        spelt = (_WRITER.encode(each)[1:-1] for spellings in self.spelt.values() for each in spellings)
        return tuple(dict.fromkeys(spelt))

    def _masked(self, value: Any) -> Any:
        match value:
            case str():
                return self.text(value)
            case dict():
                return {self.text(key): self._masked(item) for key, item in value.items()}
            case list():
                return [self._masked(item) for item in value]
            case bool() | None:
                return value
        return MASK if self.text(str(value)) != str(value) else value


_NOTHING = Masker(())


def _replaced(text: str, spelt: dict[str, tuple[str, ...]]) -> str:
    for spellings in spelt.values():
        for spelling in spellings:
            text = text.replace(spelling, MASK)
    return text


def _parts(value: str) -> Iterator[str]:
    """Itself, with and without the spaces around it, and its longer lines: of a key in PEM one often sees a line."""
    yield value
    yield value.strip()
    lines = (line.strip() for line in value.splitlines())
    yield from islice((line for line in lines if len(line) >= MIN_LINE_CHARACTERS), MAX_LINES)


@lru_cache(maxsize=4 * SECRETS_IN_LOGS)
def _spellings(value: str) -> tuple[str, ...]:
    """The longest first."""
    misread = value.encode().decode("latin-1")
    found = {value, misread, *_in_urls(value), *_quoted(value), *_encoded(value.encode())}
    found = {each for each in found if len(each) >= MIN_SPELLING}
    return tuple(sorted(found, key=len, reverse=True))


def _in_urls(value: str) -> Iterator[str]:
    """Also of a value that has escapes already, as they are put in order on the way."""
    for spelling in (quote_plus(value), *(quote(value, safe) for safe in _SAFE_IN_URLS)):
        yield spelling
        yield _ESCAPED_BYTE.sub(lambda escaped: escaped[0].lower(), spelling)
    in_order = _ESCAPED_BYTE.sub(lambda escaped: quote(unquote_to_bytes(escaped[0]), ""), value)
    yield in_order
    yield quote(in_order, "%" + _SAFE_IN_URLS[2])
    in_capitals = _ESCAPED_BYTE.sub(lambda escaped: escaped[0].upper(), value)
    yield from (
        quote(each, safe) for each in (value, in_capitals) for safe in (_LEFT_BY_URLLIB3, f"%{_LEFT_BY_URLLIB3}")
    )


def _quoted(value: str) -> Iterator[str]:
    """Inside the quotes of JSON (as Python, Go and .NET write it, and within JSON again), of Python, and in HTML."""
    escaped = json.dumps(value)[1:-1]
    for spelling in (escaped, json.dumps(value, ensure_ascii=False)[1:-1]):
        yield spelling
        yield spelling.replace("/", r"\/")
        yield json.dumps(spelling)[1:-1]
        yield _with_codes(spelling, "&<>")
        yield _with_codes(_in_capitals(spelling.replace(r"\"", '"')), "&<>+'\"`")
    yield _in_capitals(escaped)
    for spelling in (repr(value), ascii(value), repr(value.encode())[1:]):
        yield spelling[1:-1]
        yield spelling[1:-1].replace("'", r"\'")
    for spelling in (escape(value), escape(value, quote=False)):
        yield spelling
        yield spelling.replace("&#x27;", "&#39;")
        yield spelling.replace("&#x27;", "&#39;").replace("&quot;", "&#34;").replace("+", "&#43;")


def _in_capitals(text: str) -> str:
    return _UNICODE_ESCAPE.sub(lambda code: rf"\u{code[1].upper()}", text)


def _with_codes(text: str, characters: str) -> str:
    return "".join(rf"\u{ord(each):04X}" if each in characters else each for each in text)


def _encoded(value: bytes) -> Iterator[str]:
    """In hexadecimal; and in base64, wherever in it the value begins, without the characters that it shares."""
    yield from (value.hex(), value.hex().upper())
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + value + bytes(2)).decode()
        own = encoded[-(-before * 8 // 6) : (before + len(value)) * 8 // 6]
        yield from (own, own.replace("+", "-").replace("/", "_"))


_current: ContextVar[Masker] = ContextVar("masker", default=_NOTHING)


@contextmanager
def masked_by(masker: Masker) -> Iterator[None]:
    """As long as it lasts, in this thread and those that get its context, texts are masked before they are cut."""
    token = _current.set(masker)
    try:
        yield
    finally:
        _current.reset(token)


def masked(text: str) -> str:
    """With the secrets masked that are in use here and now: before a text is taken apart, or spelt in another way."""
    return _current.get().text(text)


def current() -> Masker:
    """That of here and now, to keep it for other threads."""
    return _current.get()


def cut(text: str, most: int, *, is_whole: bool = True) -> str:
    """At most so many characters of it, masked first: what is left of a secret that was cut would be unknown.

    If it isn't whole, it was cut before; `beyond()` characters more than are needed make up for that.
    """
    return _current.get().cut(text, most, is_whole=is_whole)


def hidden() -> list[str]:
    """What is masked here and now, for another process that is to mask it too."""
    return _current.get().values


def beyond() -> int:
    return _current.get().longest


class _Logs:
    """What no line of this process's logs says: the values that were used last.

    They may be many, and lines are short: so it is looked at first whether anything of them begins there.
    """

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._maskers: dict[str, Masker] = {}
        self._all: tuple[frozenset[str], dict[str, tuple[str, ...]]] = frozenset(), {}

    def hide(self, values: Iterable[str]) -> None:
        with self._changing:
            known = set(self._maskers)
            for value in values:
                self._maskers[value] = self._maskers.pop(value) if value in self._maskers else Masker([value])
            while len(self._maskers) > SECRETS_IN_LOGS:
                del self._maskers[next(iter(self._maskers))]
            if known != set(self._maskers):
                self._all = self._together()

    def _together(self) -> tuple[frozenset[str], dict[str, tuple[str, ...]]]:
        """Longer parts first, of whichever value: one secret may stand in another."""
        spelt = {part: each for masker in self._maskers.values() for part, each in masker.spelt.items()}
        beginnings = frozenset[str]().union(*(masker.beginnings for masker in self._maskers.values()))
        return beginnings, dict(sorted(spelt.items(), key=lambda each: len(each[0]), reverse=True))

    def masked(self, line: str) -> str:
        beginnings, spelt = self._all
        if beginnings.isdisjoint(line[at : at + MIN_SPELLING] for at in range(len(line) - MIN_SPELLING + 1)):
            return line
        return _replaced(line, spelt)


_logs = _Logs()


def hide_in_logs(values: Iterable[str]) -> None:
    """From now on no line that this process logs says these values; of many it is the latest 256."""
    _logs.hide(values)


def masked_line(line: str) -> str:
    return _logs.masked(line)
