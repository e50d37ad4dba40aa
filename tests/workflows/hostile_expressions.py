"""The attack strings."""

from dataclasses import dataclass
from typing import cast

from workflows.documents import Json

MIXED = "ab" * 8_000 + "abba" * 8_000


@dataclass(frozen=True)
class Attack:
    """`how` parses and evaluates the document; `ends` is what comes of it: refused, failed or a value."""

    document: Json
    ends: str
    trigger: Json = None
    how: str = "expression"


def _matches(pattern: str, ends: str = "failed", text: Json = MIXED) -> Attack:
    return Attack({"field": "trigger.a", "operator": "matches", "value": pattern}, ends, {"a": text}, "condition")


def _bomb(inner: Json, layers: int) -> Json:
    for _ in range(layers):
        inner = [inner]
    return inner


PYTHON = {
    "dunder of a literal": "''.__class__",
    "dunder walk": "''.__class__.__mro__[1].__subclasses__()",
    "dunder of a function": "size.__globals__",
    "import": "__import__('os').system('true')",
    "eval": "eval('1')",
    "builtin": "open('/etc/passwd')",
    "lambda": "(lambda: 1)()",
    "format": "'{0.__class__}'.format(1)",
    "percent format": "'%s'.format([1])",
    "f-string": "f'{1}'",
    "statement": "import os",
    "walrus": "(x := 1)",
    "assignment": "trigger.a = 1",
    "engine's variable": "r0",
    "engine's probe": "h0",
    "engine's function": "'a'.boundedMatches('a')",
    "time zone file": "timestamp(0).getHours('/etc/passwd')",
    "protobuf message": "google.protobuf.Any{}",
    "protobuf struct": "google.protobuf.Struct{fields: {}}",
    "bytes": "b'\\xff'",
    "bytes function": "bytes('a')",
    "optional": "trigger.?a",
    "binding": "cel.bind(x, 1, x)",
    "comment": "1 // ' }}",
    "backquotes": "trigger.`a`",
    "absolute name": ".trigger",
}
LOOPS = {
    "map": "[1, 2].map(x, x)",
    "filter": "[1, 2].filter(x, x > 1)",
    "all": "[1].all(x, true)",
    "exists": "[1].exists(x, true)",
    "exists_one": "[1].exists_one(x, true)",
    "nested loops": "[1].map(a, [1].map(b, [1].map(c, [1].map(d, [a, b, c, d]))))",
    "loop over the trigger": "trigger.a.map(x, trigger.a.map(y, x + y))",
}
NESTING = {
    "100,000 parentheses": "(" * 100_000 + "1" + ")" * 100_000,
    "parentheses that fit": "(" * 240 + "1" + ")" * 240,
    "lists": "[" * 240 + "]" * 240,
    "objects": "{1:" * 120 + "1" + "}" * 120,
    "calls": "size(" * 80 + "''" + ")" * 80,
    "ternaries": "true?1:" * 70 + "1",
    "sums": "1" + "+1" * 240,
    "products": "9999999" + "*9" * 200,
    "keys of a literal": "{}" + ".a" * 200,
    "only opening": "(" * 499,
    "only closing": ")" * 499,
    "only quotes": "'" * 499,
    "only backslashes": "'" + "\\" * 499,
    "500,000 spaces": " " * 500_000,
    "a name of 10 MB": "a" * 10_000_000,
    "a hyphenated name": "a-" * 240,
}
CHARACTERS = {
    "NUL": "'a\x00b'",
    "NUL escape": "'a\\x00b'",
    "NUL octal": "'\\000'",
    "NUL unicode": "'\\u0000'",
    "lone surrogate": "'\ud800'",
    "lone surrogate escape": "'\\ud800'",
    "lone surrogate key": "trigger['\ud800']",
    "beyond Unicode": "'\\UFFFFFFFF'",
    "override mark": "trigger\u202e.a",
    "fullwidth letters": "\uff54\uff52\uff49gger.a",
    "unknown escape": "'\\q'",
}
SMALL_CONTEXT = {"a": "x" * 2_500, "l": cast(Json, [1] * 350)}
ATTACKS: dict[str, Attack] = {
    **{name: Attack(text, "refused") for name, text in (PYTHON | LOOPS | NESTING | CHARACTERS).items()},
    "trigger's dunder": Attack("trigger.__class__", "failed", {}),
    "text's dunder": Attack("trigger.a.__class__", "failed", {"a": ""}),
    "dunder by index": Attack("trigger['__class__']['__mro__']", "failed", {"a": ""}),
    "unary not": Attack("!" * 400 + "true", "value"),
    "unary minus": Attack("-" * 400 + "1", "value"),
    "integer overflow": Attack("9223372036854775807 + trigger.a", "failed", {"a": 1}),
    "integer underflow": Attack("-9223372036854775808 - trigger.a", "failed", {"a": 1}),
    "integer negation": Attack("-trigger.a", "failed", {"a": -(2**63)}),
    "least by minus one": Attack("trigger.a / -1", "failed", {"a": -(2**63)}),
    "least modulo minus one": Attack("trigger.a % -1", "failed", {"a": -(2**63)}),
    "division by zero": Attack("1 / 0", "failed"),
    "modulo zero": Attack("1 % 0", "failed"),
    "float division by zero": Attack("1.0 / 0.0", "failed"),
    "mixed division by zero": Attack("1 / 0.0", "failed"),
    "NaN": Attack("double('nan')", "failed"),
    "NaN in a list": Attack("[double('nan')]", "failed"),
    "infinity": Attack("1e308 * 10.0", "failed"),
    "huge power": Attack("1e308 * 1e308 * 1e308", "failed"),
    "unsigned beyond 64 bits": Attack("18446744073709551615u", "failed"),
    "huge literal": Attack("9" * 400, "refused"),
    "huge exponent": Attack("1e" + "9" * 400, "failed"),
    "a value of 2^64": Attack("trigger.a + 1", "failed", {"a": 2**64}),
    "a value of 2^70000": Attack("trigger.a + 1", "failed", {"a": 2**70_000}),
    "far time": Attack("timestamp('9999-12-31T23:59:59Z') + duration('9999999h')", "failed"),
    "a time": Attack("timestamp(0)", "failed"),
    "a type": Attack("[type(1)]", "failed"),
    "numbers as keys": Attack("{1: 1}", "failed"),
    "text doubling": Attack("+".join(["trigger.a"] * 30), "value", SMALL_CONTEXT),
    "text doubling in groups": Attack("+".join(["(trigger.a+trigger.a)"] * 20), "value", SMALL_CONTEXT),
    "text doubling of much": Attack("+".join(["trigger.a"] * 30), "failed", {"a": "x" * 65_536}),
    "list doubling": Attack("+".join(["trigger.l"] * 30), "value", SMALL_CONTEXT),
    "list doubling of much": Attack("+".join(["trigger.l"] * 30), "failed", {"l": cast(Json, ["x"] * 10_000)}),
    "lists of lists": Attack("[[trigger.l,trigger.l],[trigger.l,trigger.l]]", "value", SMALL_CONTEXT),
    "replace explodes": Attack("replace(trigger.a, 'x', trigger.a)", "failed", SMALL_CONTEXT),
    "nested replace": Attack(
        "replace(replace(replace('aaaa','a','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'),'a',trigger.a),'x',trigger.a)",
        "failed",
        SMALL_CONTEXT,
    ),
    "split to letters": Attack("split(trigger.a, 'x')", "failed", SMALL_CONTEXT),
    "empty split": Attack("split(trigger.a, '')", "failed", SMALL_CONTEXT),
    "empty replace": Attack("replace(trigger.a, '', 'x')", "failed", SMALL_CONTEXT),
    "join explodes": Attack(
        "join(split('a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z', ','), trigger.a + trigger.a)",
        "failed",
        SMALL_CONTEXT,
    ),
    "sum of much": Attack("sum(trigger.l)", "failed", {"l": cast(Json, [2**62] * 1_000)}),
    "slow search": Attack("trigger.a.contains(trigger.b)", "value", {"a": "a" * 65_000, "b": "a" * 32_000 + "b"}),
    "largest context": Attack("size(trigger.l)", "value", {"l": cast(Json, [1] * 10_900)}),
    "too large a context": Attack("size(trigger)", "failed", {"l": cast(Json, [1] * 500_000)}),
    "too long a text": Attack("size(trigger.a)", "failed", {"a": "x" * 10_000_000}),
    "too deep a context": Attack("size(trigger.a)", "failed", {"a": _bomb(1, 100_000)}),
    "NUL in the context": Attack("trigger.a + 'x'", "failed", {"a": "secret\x00hidden"}),
    "NUL in a key": Attack("size(trigger.a)", "failed", {"a": {"b\x00c": 1}}),
    "surrogate in the context": Attack("trigger.a + 'x'", "failed", {"a": "\ud800"}),
    "surrogate as a key": Attack("size(trigger)", "failed", {"\ud800": 1}),
    "five dear patterns": Attack(
        "||".join(["trigger.a.matches('" + "(a|b)*a[ab]{20}" + "c')"] * 5), "value", {"a": MIXED[:1_200]}
    ),
    "six patterns": Attack("||".join(["'a'.matches('b')"] * 6), "refused"),
    "dear pattern": Attack("'a'.matches('\\\\pL{1000}')", "failed"),
    "nested stars": _matches("(a+)+$", "value"),
    "many stars": _matches("(.*)*(.*)*(.*)*c", "value", MIXED[:2_000]),
    "alternation": _matches("^(a|aa)+$", "value"),
    "pattern too long for the text": _matches("(a|b)*a(a|b){30}c"),
    "states explode": _matches("(a|b)*a(a|b){12}c", "value", MIXED[:8_900]),
    "nested repetition": _matches("(a{1000}){1000}", "refused"),
    "threefold repetition": _matches("((a{10}){10}){10}", "refused"),
    "huge repetition": _matches("a{999999999999999999}", "refused"),
    "open repetition": _matches("(.{500,})", "refused"),
    "Unicode classes": _matches("(\\pL|\\pN|\\pS){300}", "refused"),
    "Unicode class by name": _matches("[\\p{Greek}\\p{Han}\\p{L}\\p{N}]", "refused"),
    "few Unicode classes": _matches("(?i)\\pL\\pN\\p{Han}", "value", "x" * 400),
    "hidden by a quotation": _matches("\\Q[\\E(.{1000})\\Q]\\E", "refused"),
    "hidden by a class": _matches("[]a]{1000}", "refused"),
    "invalid pattern": _matches("(", "refused"),
    "pattern of 10 MB": _matches("a" * 10_000_000, "refused"),
    "10,000 groups": _matches("(" * 10_000 + ")" * 10_000, "refused"),
    "240 groups": _matches("(" * 240 + ")" * 240, "value"),
    "look-behind": _matches("(?<=a)b", "refused"),
    "back-reference": _matches("(a)\\1", "refused"),
    "pattern from the trigger": Attack(
        {"field": "trigger.a", "operator": "matches", "value": "{{ trigger.p }}"},
        "failed",
        {"a": "a", "p": "(\\pL{30}){30}"},
        "condition",
    ),
    "NUL to cut a text off": _matches("^admin$", "failed", "admin\x00x"),
    "deep groups": Attack(_bomb("true", 100_000), "refused", how="condition"),
    "deep negation": Attack({"not": {"not": _bomb("true", 500)}}, "refused", how="condition"),
    "100,000 comparisons": Attack(cast(Json, ["trigger.a == 1"] * 100_000), "refused", how="condition"),
    "10 MB without braces": Attack("x" * 10_000_000, "value", how="render"),
    "10 MB of template": Attack("{{ trigger }}" + "x" * 10_000_000, "refused", how="render"),
    "10,000 braces": Attack("{{" * 10_000, "refused", how="render"),
    "10,000 closed braces": Attack("{{}}" * 10_000, "refused", how="render"),
    "10,000 expressions": Attack("{{trigger.a}}" * 5_000, "refused", {"a": 1}, "render"),
    "braces that don't close": Attack("{{ 'a }} " * 10, "refused", how="render"),
    "rendered to more than 1 MiB": Attack(
        cast(Json, ["{{ trigger.a }}"] * 1_000), "failed", {"a": "x" * 65_536}, "render"
    ),
    "copied to more than 1 MiB": Attack(
        cast(Json, ["{{ trigger }}"] * 1_000), "failed", {"a": cast(Json, [{"b": 1}] * 1_000)}, "render"
    ),
    "texts joined to more than 1 MiB": Attack("{{ trigger.a }}" * 90, "failed", {"a": "x" * 65_536}, "render"),
    "a deep config": Attack(_bomb("{{ trigger }}", 100_000), "failed", how="render"),
    "a deep config without braces": Attack(_bomb("x", 100_000), "failed", how="render"),
    "Jinja": Attack("{% for x in range(10**9) %}{% endfor %}{{ self }}", "refused", how="render"),
    "Jinja's cycler": Attack("{{ cycler.__init__.__globals__.os.popen('id').read() }}", "refused", how="render"),
}
