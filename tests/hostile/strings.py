# ruff: noqa: RUF001 (what only looks like something else is the point)
"""Texts that have broken programs before, by what they break. The first of each kind stands for it where all are many.

Those that no UTF-8 and no database can hold (a NUL, half a surrogate pair) are kept apart, as `UNSTORABLE`.
"""

import unicodedata

COMBINING = "".join(chr(code) for code in range(0x300, 0x370) if unicodedata.combining(chr(code)))
# What Unicode calls a space or ends a line with, and what only looks like nothing at all.
SPACES = [chr(code) for code in (0x20, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000)]
UNSEEN = [chr(code) for code in (0xAD, 0x34F, 0x61C, 0x115F, 0x180E, 0x200B, 0x2060, 0x2063, 0x3164, 0xFFA0, 0xFEFF)]
BIDI = [chr(code) for code in (0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))]

STRINGS: dict[str, list[str]] = {
    "nothing": [""],
    "only spaces": ["   ", "\t", "\n", "\r\n", *SPACES],
    "spaces around": ["  a  ", "a\n", "\ta", "\u3000a\u3000", "a\u2028", "\x85a"],
    "control characters": [
        "a\x01b",
        *(f"a{chr(code)}b" for code in range(2, 32)),
        "\x7f",
        *map(chr, range(0x80, 0xA0)),
    ],
    "terminal escapes": ["\x1b[2J\x1b[31mred", "\x1b]0;title\x07", "\x9b31m", "\x1bP$q\x1b\\", "a\rb", "a\bb\b"],
    "unseen characters": ["a\u200bb", *UNSEEN],
    "both directions": ["\u202eexe.txt", *BIDI, "שלום hello عالم", "\u2067\u2066" * 200, "\u061c٣"],
    "combining marks": [
        "Z" + COMBINING,
        "e\u0301",
        "\u0301",
        "a" + "\u0308" * 500,
        "각".replace("각", "\u1100\u1161\u11a8"),
    ],
    "emoji": ["👩‍👩‍👧‍👦", "👍🏿", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🇩🇪🇫", "☃️", "1️⃣", "\U0001fae0", "🏳️‍🌈"],
    "beyond the first plane": ["𝒳𐍈𠜎", "\U0010ffff", "\U000e0001", "𝟘𝟙"],
    "private and unassigned": ["\ue000\uf8ff", "\ufffd\ufffe\uffff", "\ufdd0", "\U000f0000", "\u0378"],
    "byte order marks": ["\ufeff{}", "{}\ufeff", "\ufffea"],
    "normal forms": ["Å\u212bA\u030a", "ﬁ", "ﷺ", "①", "ｆｕｌｌ", "\u1e9b\u0323", "㎓", "½"],
    "letters with two cases": ["İıſßẞ", "ǅ", "K", "ΌΣΟΣ", "i̇", "ŉ", "ﬃ", "Ω", "ᾳ"],
    "look-alikes": ["аdmin", "pаypal", "ѕсоре", "раｇｅ", "l1I|", "\u02b9\u02bc\u2019"],
    "digits of others": ["١٢٣", "１２３", "۱۲۳", "²", "Ⅻ", "໐", "𝟏"],
    "like numbers": [
        "0",
        "-0",
        "1e309",
        "0x1F",
        "1_000",
        "1,000.5",
        "NaN",
        "-Infinity",
        "9" * 400,
        "00",
        "1.",
        ".5",
        "+1",
    ],
    "like nothing": ["null", "None", "nil", "undefined", "NULL", "N/A", "-", "true", "False", "[]", "{}", "(null)"],
    "names of engines": [
        "__proto__",
        "constructor",
        "__class__",
        "toString",
        "hasOwnProperty",
        "$where",
        "$ref",
        "self",
    ],
    "SQL": [
        "' OR '1'='1",
        "'; DROP TABLE workflows_workflow; --",
        '" OR ""="',
        "1; SELECT pg_sleep(9)",
        "%' ESCAPE '!",
        "\\' OR 1=1 --",
        "a%_[]^",
        "') UNION SELECT 1,2,3--",
        "%s %(a)s ? :a $1 {0} {a}",
        "\\",
        "\\\\",
        "''''",
    ],
    "markup": [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "</textarea><script>",
        "<!--",
        "]]>",
        "<![CDATA[",
        "&lt;&amp;&#0;&#x1F;",
        "<svg/onload=alert(1)>",
        "' onfocus=alert(1) autofocus='",
        "</title>",
        "javascript:alert(1)",
        "<a\x0bhref='x'>",
        "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
    ],
    "script": [
        "';alert(1)//",
        "\u2028alert(1)",
        "</script><!--<script>",
        "${alert(1)}",
        "`${1}`",
        "\\u003cscript>",
        "*/",
    ],
    "templates of others": [
        "{% debug %}",
        "{{",
        "}}",
        "{%",
        "{#",
        "{{{",
        "<%= 1 %>",
        "#{1}",
        "${jndi:ldap://127.0.0.1/a}",
        "{0.__class__}",
        "%n%n%s",
        "%(a",
        "{}",
        "{!r}",
        "$(a)",
        "{{}}",
        "{{ }}",
        "{{{{",
        "}}}}{{",
        "\\{{ a }}",
    ],
    "expressions": [
        "{{ trigger.a }}",
        "{{ steps.x.output }}",
        "{{ 1 + }}",
        "{{ nothing }}",
        "{{ 'a }}",
        "{{ 1/0 }}",
        "x{{'}}'}}y",
        "{{ secrets.A }}",
        "{{ trigger['\\u0000'] }}",
        "{{\n1\n}}",
        "{{ trigger." + "a." * 200 + "b }}",
    ],
    "formulas": ["=cmd|' /C calc'!A0", "@SUM(1)", "+1+1", "-2+3", "\t=1", '=HYPERLINK("http://127.0.0.1")', "\r=1"],
    "a shell": ["$(touch /tmp/x)", "`id`", "; true", "| true", "&& true", "-rf", "--help", "a\nb", "~", "*", "%PATH%"],
    "paths": [
        "../../../etc/passwd",
        "..\\..\\x",
        "/dev/null",
        "C:\\con",
        "CON",
        "aux.txt",
        "file:///etc/passwd",
        ".",
        "..",
    ],
    "lines of a protocol": ["a\r\nSet-Cookie: b=c", "a\r\n\r\n<html>", "a\n\n", "%0d%0aX: y", "a\u560d\u560ab"],
    "events": ["a\ndata: {}\n\nevent: end", "\nid: 9999\n\n", ": comment\n", "retry: 0\n\n", "data:\r\rdata:"],
    "addresses": ["http://127.0.0.1:1/", "//evil.example", "http://[::1]", "a@b", "mailto:a@b?bcc=c", "tel:1", "0:0"],
    "patterns": ["(a+)+$", "[", "(?<n>a)\\k<n>", "\\", ".*", "a{99999}", "(?i)", "\\p{L}", "^$"],
    "commas and quotes": [",", ",,,", '"', "'", '"a","b"', ";", "\\,", '"""', "a;b=c", "‚‘“„«"],
    "percent": ["%", "%%", "%00", "%2e%2e%2f", "%u0041", "%FF", "a+b%20c", "&a=b#c?d"],
    "long": ["x" * 201, "x" * 255, "x" * 256, "x" * 10_000, "é" * 5_000, "👩‍💻" * 3_000, "a " * 5_000, "\n" * 5_000],
    "last names": ["O'Brien", "D’Arcy", "Nguyễn Văn A", "山田太郎", "Mc Donald-Smith", "Null", "Ng", "ابن سينا", "Þór"],
}
"""By their kind."""

UNSTORABLE: dict[str, list[str]] = {
    "a NUL": ["a\x00b", "\x00", "a\x00"],
    "half a pair": ["\ud800", "a\udfffb", "\ud800\ud800", "\udc00\ud800", "\ud83d", "{{ '\ud800' }}"],
}

REPRESENTATIVES = {kind: texts[0] for kind, texts in (STRINGS | UNSTORABLE).items()}
ALL = [text for texts in STRINGS.values() for text in texts]
NONE_OF_THEM = [text for texts in UNSTORABLE.values() for text in texts]


def is_storable(text: str) -> bool:
    return text not in NONE_OF_THEM
