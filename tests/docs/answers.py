"""The answers that the pages show, in which `…` stands for what is left out, beside those that come."""

import json
import re
from collections.abc import Iterator
from typing import Any

LEFT_OUT = "…"
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|…')


def shown_json(text: str) -> Any:
    """The answer as it is shown: JSON in which `…` may stand for a value, for further fields, and for further items."""
    return json.loads(_TOKEN.sub(_Quoting(), text))


class _Quoting:
    """Puts a bare `…` into JSON: as a value, or in an object as a field of its own."""

    def __init__(self) -> None:
        self.inside: list[str] = []
        self.previous = ""
        self.fields = 0

    def __call__(self, token: re.Match[str]) -> str:
        text = token[0]
        if text in "{[":
            self.inside.append(text)
        elif text in "}]":
            self.inside.pop()
        if text == LEFT_OUT:
            text = self._quoted()
        self.previous = token[0]
        return text

    def _quoted(self) -> str:
        if self.inside[-1] == "[" or self.previous == ":":
            return json.dumps(LEFT_OUT)
        self.fields += 1
        return json.dumps(f"{LEFT_OUT}{self.fields}") + ": null"


def faults(shown: Any, real: Any, where: str = "") -> Iterator[str]:
    """What isn't as it is shown, with its place."""
    if shown == LEFT_OUT:
        return
    if isinstance(shown, dict) and isinstance(real, dict):
        yield from _faults_of_fields(shown, real, where)
    elif isinstance(shown, list) and isinstance(real, list):
        yield from _faults_of_items(shown, real, where)
    elif isinstance(shown, str) and isinstance(real, str):
        if not is_text(shown, real):
            yield f"{where}: {real!r} isn't {shown!r}"
    elif type(shown) is not type(real) or shown != real:
        yield f"{where}: {real!r} isn't {shown!r}"


def _faults_of_fields(shown: dict[str, Any], real: dict[str, Any], where: str) -> Iterator[str]:
    told = [name for name in shown if not name.startswith(LEFT_OUT)]
    kept = [name for name in real if name in told]
    if kept != told or (len(told) == len(shown) and len(real) > len(told)):
        yield f"{where}: the fields are {', '.join(real)}"
    for name in kept:
        yield from faults(shown[name], real[name], f"{where}.{name}")


def _faults_of_items(shown: list[Any], real: list[Any], where: str) -> Iterator[str]:
    is_cut = bool(shown) and shown[-1] == LEFT_OUT
    told = shown[:-1] if is_cut else shown
    if len(real) < len(told) or (len(real) > len(told) and not is_cut):
        yield f"{where}: there are {len(real)} items"
    for number, (one, other) in enumerate(zip(told, real, strict=False)):
        yield from faults(one, other, f"{where}[{number}]")


def is_text(shown: str, real: str) -> bool:
    """Whether the text is as shown, with something or nothing for each `…`."""
    pattern = ".*".join(re.escape(part) for part in shown.strip().split(LEFT_OUT))
    return re.fullmatch(pattern, real.strip().replace("\r\n", "\n"), flags=re.DOTALL) is not None
