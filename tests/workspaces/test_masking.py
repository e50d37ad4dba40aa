"""A secret that reappears is masked, however it is spelt there."""

import base64
import html
import json
import logging
import re
import urllib.parse

import pytest
import requests.utils

from config.logs import Handler, formatter
from workspaces.masking import MASK, Masker, beyond, cut, hide_in_logs, masked_by, masked_line

PLAIN = "sk-4f0a81c2d9e7"
AWKWARD = "p@ss/w\"o'rd é+x\\1 <&>"
KEY = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n-----END KEY-----\n"


def _escaped(text: str, characters: str) -> str:
    return "".join(f"\\u{ord(each):04X}" if each in characters else each for each in text)


SPELLINGS = {
    "as it is": lambda value: value,
    "in a URL's path": urllib.parse.quote,
    "in a URL's query": urllib.parse.quote_plus,
    "with each byte escaped": lambda value: urllib.parse.quote(value, safe=""),
    "in small hexadecimal escapes": lambda value: re.sub(
        "%..", lambda escaped: escaped[0].lower(), urllib.parse.quote(value, safe="")
    ),
    "in JSON": lambda value: json.dumps(value)[1:-1],
    "in JSON of all characters": lambda value: json.dumps(value, ensure_ascii=False)[1:-1],
    "in JSON as Go writes it": lambda value: _escaped(json.dumps(value, ensure_ascii=False)[1:-1], "&<>"),
    "in JSON as .NET writes it": lambda value: _escaped(
        json.dumps(value)[1:-1].replace(r"\"", '"').replace("00e9", "00E9"), "&<>+'\"`"
    ),
    "in JSON, in capitals": lambda value: json.dumps(value)[1:-1].replace("00e9", "00E9"),
    "in JSON within JSON": lambda value: json.dumps(json.dumps(value)[1:-1])[1:-1],
    "in HTML, quotes left": lambda value: html.escape(value, quote=False),
    "in HTML as Go writes it": lambda value: (
        html.escape(value).replace("&#x27;", "&#39;").replace("&quot;", "&#34;").replace("+", "&#43;")
    ),
    "in UTF-8 taken for Latin-1": lambda value: value.encode().decode("latin-1"),
    "in a URL put in order": requests.utils.requote_uri,
    "in repr()": lambda value: repr(value)[1:-1],
    "in repr() of bytes": lambda value: repr(value.encode())[2:-1],
    "in HTML": html.escape,
    "in hexadecimal": lambda value: value.encode().hex(),
}


@pytest.mark.parametrize("value", [PLAIN, AWKWARD, KEY], ids=["plain", "awkward", "lines"])
@pytest.mark.parametrize("spelt", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_it_is_masked_within_longer_text(value: str, spelt: object) -> None:
    assert callable(spelt)

    assert Masker([value]).text(f"before {spelt(value)} behind") == f"before {MASK} behind"


@pytest.mark.parametrize("value", [PLAIN, AWKWARD, KEY], ids=["plain", "awkward", "lines"])
@pytest.mark.parametrize("before", ["", "u", "us", "use", "user:"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_it_is_masked_in_base64_wherever_it_begins_there(value: str, before: str, encode: object) -> None:
    assert callable(encode)
    encoded = encode(f"{before}{value} and more".encode()).decode()

    masked = Masker([value]).text(f"Basic {encoded}")

    assert MASK in masked
    left = masked.removeprefix("Basic ").split(MASK)
    known = base64.urlsafe_b64decode(f"{left[0].translate(str.maketrans('+/', '-_'))[: len(left[0]) // 4 * 4]}")
    assert known == before.encode()[: len(known)]


@pytest.mark.parametrize("value", [PLAIN, AWKWARD, KEY], ids=["plain", "awkward", "lines"])
@pytest.mark.parametrize("spelt", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_a_text_is_masked_before_it_is_cut(value: str, spelt: object) -> None:
    assert callable(spelt)
    text = f"{'x' * 20}{spelt(value)}{'y' * 200}"

    with masked_by(Masker([value])):
        assert cut(text, 1_000) == f"{'x' * 20}{MASK}{'y' * 200}"
        for most in range(len(text)):
            came = text[: most + beyond()]
            for shown in (cut(text, most), cut(came, most, is_whole=len(came) == len(text))):
                assert len(shown) <= most
                assert f"{'x' * 20}{MASK}{'y' * 200}".startswith(shown)
    assert cut(text, 30) == text[:30]


def test_a_part_of_it_is_not_told_from_other_text() -> None:
    """Else whoever sees what is masked could find it out bit by bit."""
    masker = Masker([PLAIN])

    for length in range(len(PLAIN)):
        assert masker.text(PLAIN[:length]) == PLAIN[:length]
        assert masker.value([PLAIN[:length]]) == [PLAIN[:length]]


def test_spaces_around_it_make_no_difference() -> None:
    assert Masker([f" {PLAIN}\n"]).text(f"Bearer {PLAIN}!") == f"Bearer {MASK}!"


def test_each_line_of_a_key_is_masked_by_itself() -> None:
    indented = "\n".join(f"    {line}" for line in KEY.splitlines())

    assert "MIIE" not in Masker([KEY]).text(indented)
    assert "AQEF" not in Masker([KEY]).text(indented)


def test_json_is_masked_in_texts_keys_and_numbers() -> None:
    masker = Masker(["20261123.5", "1234567890"])
    value = {"a 1234567890": [1234567890, 20261123.5, True, None, 12, {"b": "1234567890"}]}

    assert masker.value(value) == {f"a {MASK}": [MASK, MASK, True, None, 12, {"b": MASK}]}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("user%3apass%2fword", "user%3Apass%2Fword"),
        ("abc%7Edef", "abc~def"),
        ("9`$==Y[`%ca;", "9%60$==Y%5B%60%CA;"),
        ("|*!'0%X0%1c}<\\", "%7C*!'0%25X0%251C%7D%3C%5C"),
    ],
)
def test_what_a_url_puts_in_order_is_known_again(value: str, shown: str) -> None:
    assert requests.Request("GET", f"https://a.org/{value}").prepare().url == f"https://a.org/{shown}"
    assert Masker([value]).text(f"https://a.org/{shown}") == f"https://a.org/{MASK}"


def test_a_value_within_another_is_no_way_out() -> None:
    assert Masker(["secret-one", "secret-one-and-two"]).text("secret-one-and-two") == MASK


def test_a_value_within_another_is_no_way_out_of_a_log_either() -> None:
    hide_in_logs(["hunter22-9fQ2kLm4-tail"])
    hide_in_logs(["hunter22"])

    assert masked_line("using hunter22-9fQ2kLm4-tail") == f"using {MASK}"


def test_a_line_of_a_log_that_cannot_be_written_does_not_say_it_either(capsys: pytest.CaptureFixture[str]) -> None:
    hide_in_logs([AWKWARD])
    record = logging.LogRecord("a", logging.ERROR, "a.py", 1, f"sent {AWKWARD} %d", (AWKWARD,), None)
    handler = Handler()
    handler.setFormatter(formatter("plain"))

    handler.handle(record)

    told = capsys.readouterr().err
    assert "can't be written (TypeError" in told
    assert MASK in told
    assert "p@ss" not in told


@pytest.mark.parametrize("kind", ["plain", "json"])
def test_no_line_of_a_log_says_it(kind: str) -> None:
    hide_in_logs([AWKWARD])
    try:
        raise ValueError(AWKWARD)
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("a", logging.ERROR, "a.py", 1, "sent %r to %s", (AWKWARD, AWKWARD), info)

    line = formatter(kind).format(record)

    assert "p@ss" not in line
    assert line.count(MASK) >= 3
