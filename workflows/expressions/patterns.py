"""What a regular expression may cost.

RE2 runs in linear time, but the program it builds grows with each counted repetition (`(\\pL{30}){30}` takes 60 ms
and 8 MB), so a pattern is weighed before it is compiled.
"""

import re

MAX_PATTERN_CHARACTERS = 500
MAX_WEIGHT = 500
MAX_WORK = 250_000
_ANY_CHARACTER_WEIGHT = 5
_CLASS_WEIGHT = 10
_UNICODE_CLASS_WEIGHT = 150
_TOKEN = re.compile(
    r"""(?P<unicode>\\[pP](?:\{[^}]*+\}|.))
    |(?P<code>\\x\{[0-9a-fA-F]*+\})
    |(?P<escape>\\.)
    |(?P<class>\[\^?+\]?+(?:\[:\^?+\w++:\]|\\.|[^\]\\])*+\])
    |(?P<count>\{(?P<least>[0-9]++)(?P<most>,[0-9]*+)?+\})
    |(?P<open>\()|(?P<close>\))|(?P<any>\.)|(?P<operator>[*+?|^$])
    |(?P<literal>.)""",
    re.VERBOSE | re.DOTALL,
)


class CostlyPatternError(ValueError):
    """A pattern that could take too much time or memory. The message says the mend."""


def check_pattern(pattern: str, *, text_bytes: int = 0) -> None:
    """Raises CostlyPatternError when it costs too much to compile `pattern`, or to run it over a text of that size."""
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        raise CostlyPatternError(
            f"a pattern of {len(pattern):,} characters; at most {MAX_PATTERN_CHARACTERS} are taken"
        )
    weight = _weigh(pattern)
    if weight > MAX_WEIGHT:
        raise CostlyPatternError(
            "the pattern is too costly; lower its counted repetitions {n} or drop some \\p classes"
        )
    if weight * text_bytes > MAX_WORK:
        allowed = MAX_WORK // weight
        raise CostlyPatternError(
            f"the text is too long for this pattern ({text_bytes:,} bytes, at most {allowed:,} here)"
        )


def _weigh(pattern: str) -> int:
    """About how many instructions RE2 makes of the pattern; never fewer by an order of magnitude."""
    groups = [0]
    last = 0
    for token in _TOKEN.finditer(pattern):
        found = token.lastgroup
        if found == "open":
            groups.append(0)
            last = 0
        elif found == "close" and len(groups) > 1:
            last = groups.pop()
            groups[-1] += last
        elif found == "count":
            added = last * (_repetitions(token) - 1)
            groups[-1] += added
            last += added
        elif found != "operator":
            last = _atom_weight(token)
            groups[-1] += last
        if groups[-1] > MAX_WEIGHT:
            break
    return max(sum(groups), 1)


def _repetitions(token: re.Match[str]) -> int:
    most = (token["most"] or "").lstrip(",")
    return max(int(token["least"][:6]), int(most[:6] or 0), 1)


def _atom_weight(token: re.Match[str]) -> int:
    match token.lastgroup:
        case "unicode":
            return _UNICODE_CLASS_WEIGHT
        case "class":
            return _CLASS_WEIGHT + _UNICODE_CLASS_WEIGHT * token[0].lower().count("\\p")
        case "any":
            return _ANY_CHARACTER_WEIGHT
        case "escape" if token[0] in ("\\Q", "\\C"):
            raise CostlyPatternError(f"{token[0]} isn't taken; escape single characters with a backslash instead")
    return 1
