"""The engine's complaints in plain words, with the mend."""

import re

_UNBOUND = re.compile(r'No value with name "(r\d+)"')
_NO_OVERLOAD = re.compile(
    r"(?:No matching overloads found : |no matching overload for ')(?:\((?P<holder>[^)]*)\)\.)?(?P<name>[^('\s]+)'?"
    r"[^(]*(?:\((?P<arguments>.*)\))?"
)
_PLAIN_TYPES = (("uint64", "uint"), ("int64", "int"), ("null_type", "null"), ("dyn", "any value"))
_FIRST_FAULT = re.compile(r"ERROR: <input>:-?\d+:-?\d+: (.*)")
_UNDECLARED = re.compile(r"undeclared reference to '([^']*)'")
_STATUS = re.compile(r"^[A-Z_]+: ")
_SYNTAX_FAULT = re.compile(
    r"(?:mismatched|extraneous) input ('.*?'(?= expecting))|no viable alternative at input ('.*')"
)


class EngineError(Exception):
    """What the engine says of an expression, in plain words. It knows nothing of the source."""


class UnboundError(EngineError):
    """The variable `name` was needed and has no value."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def compile_fault(message: str) -> str:
    if "recursion" in message:
        return "it is too long a chain or nested too deeply; split it over variables or steps"
    fault = found[1] if (found := _FIRST_FAULT.search(message)) else message
    if fault.startswith("Syntax error"):
        near = _SYNTAX_FAULT.search(fault)
        return f"it doesn't read as an expression{_near((near[1] or near[2]) if near else '')}; check its operators"
    if "has() argument" in fault:
        return "has() takes a path, as in has(trigger.user.id)"
    if undeclared := _UNDECLARED.search(fault):
        return f"{undeclared[1].replace('boundedMatches', 'matches')}() takes other arguments; check their number"
    return _overload_fault(fault) or fault


def _near(fragment: str) -> str:
    if not fragment:
        return ""
    return ": it ends too early" if fragment == "'<EOF>'" else f": unexpected {fragment}"


def evaluation_fault(message: str) -> EngineError:
    if unbound := _UNBOUND.search(message):
        return UnboundError(unbound[1])
    plain = without_status(message)
    return EngineError(_overload_fault(plain) or plain.replace("Key not found in map :", "there is no key"))


def _overload_fault(message: str) -> str | None:
    found = _NO_OVERLOAD.search(message)
    if found is None:
        return None
    holder, name, arguments = found["holder"], found["name"], found["arguments"] or ""
    if name in ("_&&_", "_||_", "!_", "_?_:_", "<jump_condition>"):
        return "a condition that isn't true or false; compare it with something, as in trigger.count > 0"
    types = " and ".join(filter(None, [holder, *arguments.split(", ")]))
    for technical, plain in _PLAIN_TYPES:
        types = types.replace(technical, plain)
    operator = name.replace("boundedMatches", "matches").strip("_@").replace("_", " ")
    return f"'{operator}' doesn't take {types or 'these'}; convert with string(), int() or double()"


def without_status(message: str) -> str:
    """`INVALID_ARGUMENT: divide by zero` without its first word."""
    return _STATUS.sub("", message)
