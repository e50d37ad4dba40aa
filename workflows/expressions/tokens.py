"""The tokens of an expression: texts, names, numbers, keys; and what a key or a text literal stands for."""

import re
import sys

WORDS = ("true", "false", "null", "int", "uint", "double", "string", "bool", "list", "map", "null_type")
OPENING = {"(": ")", "[": "]", "{": "}"}
_TEXT = r"""(?:[rR]?+(?:\"{3}(?:[^\\"]|\\.|\"(?!""))*+\"{3}|'{3}(?:[^\\']|\\.|'(?!''))*+'{3})
    |[rR](?:"[^"\r\n]*+"|'[^'\r\n]*+')|"(?:[^"\\\r\n]|\\.)*+"|'(?:[^'\\\r\n]|\\.)*+')"""
_NAME = r"[A-Za-z_]\w*+(?:-++\w++)*+"
TOKEN = re.compile(
    rf"""(?P<space>\s++)|(?P<text>{_TEXT})|(?P<bytes>[rR]?[bB][rR]?["'])|(?P<name>{_NAME})
    |(?P<number>(?:0[xX][0-9a-fA-F]++|[0-9]++(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+)[uU]?+)
    |(?P<operator>&&|\|\||[=!<>]=|[-+*/%!<>?:,])|(?P<open>[(\[{{])|(?P<close>[)\]}}])""",
    re.VERBOSE | re.DOTALL,
)
DOT_KEY = re.compile(r"\s*+\.\s*+(?P<key>\w++(?:-++\w++)*+)(?P<call>\s*+\()?+")
INDEX = re.compile(rf"\s*+\[\s*+(?:(?P<number>[0-9]{{1,15}}+)|(?P<text>{_TEXT}))\s*+\]", re.VERBOSE | re.DOTALL)
CALL = re.compile(r"\s*+\(")
PROBED = re.compile(rf"\s*+\(\s*+({_NAME})")
CLOSE = re.compile(r"\s*+\)")
_INDEX_KEY = re.compile(r"0|[1-9][0-9]{0,14}")
_ESCAPE = re.compile(r"\\(?:[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.))", re.DOTALL)
_ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def dot_key(key: str) -> str | int:
    """`0` is an index; `007` and `a1` are keys."""
    return int(key) if _INDEX_KEY.fullmatch(key) else key


def decoded(literal: str) -> str:
    """What a CEL text literal stands for; CEL itself refuses the escapes that it doesn't know."""
    is_raw = literal[0] in "rR"
    body = literal.removeprefix("r").removeprefix("R")
    quotes = 3 if body.startswith(('"""', "'''")) else 1
    inner = body[quotes:-quotes]
    return inner if is_raw or "\\" not in inner else _ESCAPE.sub(_unescaped, inner)


def _unescaped(escape: re.Match[str]) -> str:
    two, four, eight, octal, character = escape.groups()
    if character:
        return _ESCAPED.get(character, character)
    code = int(octal, 8) if octal else int(two or four or eight, 16)
    return chr(code) if code <= sys.maxunicode else "\ufffd"
