"""Reads an expression: finds what it refers to, and writes it as CEL over plain variables.

`steps.action-1.output.total * 2` becomes `r0 * 2` with `r0` standing for that reference, so that keys which CEL
couldn't spell work, and only the values named are handed over. A hyphen directly between two characters of a name
belongs to the name; a subtraction is written with spaces.
"""

import difflib
import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import NoReturn

from workflows.expressions.references import ROOTS, SECRETS, ExpressionError, Reference, shorten
from workflows.expressions.tokens import CALL, CLOSE, DOT_KEY, INDEX, OPENING, PROBED, TOKEN, WORDS, decoded, dot_key

MAX_CHARACTERS = 500
MAX_NESTING = 24
MAX_PATTERNS = 5
FUNCTIONS = (
    *("size", "type", "has", "dyn", "int", "uint", "double", "string", "bool", "timestamp", "duration"),
    *("lower", "upper", "trim", "replace", "split", "join", "sum", "round"),
)
METHODS = {name: name for name in ("contains", "startsWith", "endsWith", "size")} | {"matches": "boundedMatches"}


@dataclass(frozen=True, slots=True)
class Syntax:
    """`uses[i]` says how often the value of `references[i]` is used as `r<i>`; `probes` are those in `has(…)`, `h<i>`.

    `path` is the reference if the expression is that and nothing else.
    """

    source: str
    cel: str
    references: tuple[Reference, ...]
    uses: tuple[int, ...]
    probes: frozenset[int]
    path: Reference | None


def read_expression(text: str, start: int = 0, *, braced: bool = False) -> tuple[Syntax, int]:
    """The expression at `start` and the position behind it: behind its `}}` if `braced`, else the end of the text."""
    return _Reader(text, start, braced=braced).read()


def named(source: str, fault: str) -> str:
    return f"{{{{ {shorten(source.strip())} }}}}: {fault}"


class _Reader:
    def __init__(self, text: str, start: int, *, braced: bool) -> None:
        self.text = text[start : start + MAX_CHARACTERS + 4]
        self.start = start
        self.braced = braced
        self.position = 0
        self.parts: list[str] = []
        self.expected: list[str] = []
        self.references: dict[Reference, int] = {}
        self.uses: Counter[int] = Counter()
        self.probes: set[int] = set()
        self.patterns = 0
        self.after_value = False

    def read(self) -> tuple[Syntax, int]:
        while not self._at_end():
            if self.after_value and self._read_tail():
                continue
            self._read_token()
        if self.expected:
            self._fail(f"no closing '{self.expected[-1]}'; check the brackets")
        source = self.text[: self.position].strip()
        if not source:
            self._fail("empty; write what it stands for, such as trigger.id")
        end = self.start + self.position + (2 if self.braced else 0)
        return self._syntax(source), end

    def _syntax(self, source: str) -> Syntax:
        cel = "".join(self.parts).strip()
        references = tuple(self.references)
        uses = tuple(self.uses[index] for index in range(len(references)))
        path = references[0] if cel == "r0" else None
        if any(reference.root == SECRETS for reference in references):
            self._check_secret(path)
        return Syntax(source, cel, references, uses, frozenset(self.probes), path)

    def _check_secret(self, path: Reference | None) -> None:
        """What was computed of a secret couldn't be masked where it reappears."""
        if path is None:
            self._fail("a secret can't be computed with; write {{ secrets.NAME }}, alone or within a text")
        if [type(key) for key in path.keys] != [str]:
            self._fail("a secret is one text; write {{ secrets.NAME }}")

    def _at_end(self) -> bool:
        if self.braced and not self.expected and self.text.startswith("}}", self.position):
            return True
        if self.position > MAX_CHARACTERS:
            self._fail(f"longer than {MAX_CHARACTERS} characters; split it over variables or steps")
        if self.position < len(self.text):
            return False
        if self.braced:
            self._fail("no closing }}; add it, or write {{ '{{' }} for the braces themselves")
        return True

    def _read_token(self) -> None:
        token = TOKEN.match(self.text, self.position)
        if token is None or self.text.startswith("//", self.position):
            self._fail(self._stranger())
        self.position = token.end()
        match token.lastgroup:
            case "space":
                self.parts.append(" ")
            case "name":
                self._read_name(token[0])
            case "text":
                self._check_text(token[0])
                self._emit(token[0], after_value=True)
            case "bytes":
                self._fail("bytes aren't JSON; write the text without b before its quote")
            case "open":
                self._open(token[0])
            case "close":
                self._close(token[0])
            case kind:
                self._emit(token[0], after_value=kind == "number")

    def _stranger(self) -> str:
        rest = self.text[self.position :]
        if rest[0] in "\"'":
            cut = f", within {MAX_CHARACTERS} characters" if len(self.text) > MAX_CHARACTERS else ""
            return f"a text without its closing quote{cut}; add the quote or shorten the text"
        if rest.startswith("//"):
            return "comments aren't taken; remove what follows //"
        if rest[0] == ".":
            return 'a dot that no key follows; write .key, [0] or ["key"], and 0.5 for a number'
        if rest[0] == "`":
            return 'backquotes aren\'t taken; write ["key"]'
        return f"'{shorten(rest[0])}' isn't part of the language; put texts in quotes"

    def _emit(self, cel: str, *, after_value: bool) -> None:
        self.parts.append(cel)
        self.after_value = after_value

    def _open(self, bracket: str) -> None:
        self.expected.append(OPENING[bracket])
        if len(self.expected) > MAX_NESTING:
            self._fail(f"nested deeper than {MAX_NESTING} brackets; split it over variables or steps")
        self._emit(bracket, after_value=False)

    def _close(self, bracket: str) -> None:
        if not self.expected or self.expected.pop() != bracket:
            self._fail(f"'{bracket}' closes nothing; check the brackets")
        self._emit(bracket, after_value=True)

    def _read_name(self, name: str) -> None:
        if name == "in":
            self._emit(" in ", after_value=False)
        elif CALL.match(self.text, self.position):
            self._call(name, FUNCTIONS)
            if name != "has" or not self._read_probe():
                self.parts.append(name)
        elif name in ROOTS:
            self._use(self._read_chain(name))
        elif name in WORDS:
            self._emit(name, after_value=True)
        else:
            near = "".join(f"; did you mean {root}?" for root in difflib.get_close_matches(name, ROOTS, 1))
            self._fail(f"unknown name '{shorten(name)}'; values begin with {', '.join(ROOTS)}; texts need quotes{near}")

    def _call(self, name: str, known: tuple[str, ...]) -> None:
        if name not in known:
            self._fail(f"unknown function {shorten(name)}(); there are {', '.join(known)}")
        self.after_value = False

    def _read_chain(self, root: str) -> Reference:
        keys: list[str | int] = []
        while True:
            if (dot := DOT_KEY.match(self.text, self.position)) and not dot["call"]:
                keys.append(dot_key(dot["key"]))
                self.position = dot.end()
            elif index := INDEX.match(self.text, self.position):
                keys.append(int(index["number"]) if index["number"] else self._check_text(index["text"]))
                self.position = index.end()
            else:
                return Reference(root, tuple(keys))

    def _use(self, reference: Reference) -> None:
        index = self.references.setdefault(reference, len(self.references))
        self.uses[index] += 1
        self._emit(f" r{index} ", after_value=True)

    def _read_probe(self) -> bool:
        """`has(path)` as one variable, so that it is false also where an object on the way is missing."""
        before = self.position
        root = PROBED.match(self.text, before)
        if root and root[1] in ROOTS:
            self.position = root.end()
            reference = self._read_chain(root[1])
            if close := CLOSE.match(self.text, self.position):
                self.position = close.end()
                self.probes.add(index := self.references.setdefault(reference, len(self.references)))
                self._emit(f" h{index} ", after_value=True)
                return True
        self.position = before
        return False

    def _read_tail(self) -> bool:
        """A key or a method of what an operator, an index or a call gave."""
        dot = DOT_KEY.match(self.text, self.position)
        if dot is None:
            return False
        key = dot["key"]
        self.position = dot.end("key")
        if dot["call"]:
            self._call(key, tuple(METHODS))
            self.patterns += key == "matches"
            if self.patterns > MAX_PATTERNS:
                self._fail(f"more than {MAX_PATTERNS} matches(); join the patterns with |")
            self.parts.append(f".{METHODS[key]}")
        elif re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*+", key):
            self._emit(f".{key}", after_value=True)
        else:
            self._emit(f"[{json.dumps(dot_key(key), ensure_ascii=False)}]", after_value=True)
        return True

    def _check_text(self, literal: str) -> str:
        text = decoded(literal)
        if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
            self._fail("a text with a NUL character or a lone surrogate; remove the escape")
        return text

    def _fail(self, fault: str) -> NoReturn:
        raise ExpressionError(named(self.text.split("}}")[0] if self.braced else self.text, fault))
