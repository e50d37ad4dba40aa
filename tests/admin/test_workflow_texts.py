"""JSON as people type it: each fault at its line, and nothing taken that couldn't be given back."""

import json
import time

import pytest

from workflows.admin.positions import lines_of, repeated_line
from workflows.admin.texts import TextInvalid, lines_ended, pretty, read, read_definition, read_object

TEXT = """{
  "variables": {
    "a.b": 1,
    "list": [10, {"x": [1,
      2]}, "]}"]
  },
  "actions": [
    {"id": "one"},
    {
      "id": "two",
      "config": {
        "url": "with \\" a quote {",
        "deep": {"er": null}
      }
    }
  ]
}"""


def faults_of(text: str) -> list[tuple[int, str]]:
    with pytest.raises(TextInvalid) as raised:
        read(text)
    return [(fault.line, fault.message) for fault in raised.value.faults]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("", 1), ("variables", 2), ("variables.a.b", 3), ("variables.list", 4), ("variables.list[0]", 4),
        ("variables.list[1].x[1]", 5), ("variables.list[2]", 5), ("actions", 7), ("actions[0]", 8), ("actions[1]", 9),
        ("actions[1].config.url", 12), ("actions[1].config.deep.er", 13),
    ],
)  # fmt: skip
def test_a_path_leads_to_the_line_of_its_key(path: str, line: int) -> None:
    assert lines_of(TEXT, [path]) == {path: line}


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("actions[1].config.method", 11), ("actions[1].type", 9), ("actions[7].type", 7), ("nothing[3].here", 1),
        ("actions[0].config.deep.er", 8), ("...[[", 1), ("]", 1),
    ],
)  # fmt: skip
def test_a_path_that_isnt_there_leads_to_the_nearest_part_around_it(path: str, line: int) -> None:
    assert lines_of(TEXT, [path]) == {path: line}


def test_the_lines_of_a_large_text_are_found_at_once() -> None:
    deep: object = {str(number) * 50: number for number in range(20_000)}
    for _ in range(50):
        deep = {"k" * 90: deep}
    text = json.dumps(deep, indent=0)
    began = time.process_time()

    lines_of(text, ["k.k", *(f"a[{number}].b" for number in range(500))])

    assert time.process_time() - began < 5


@pytest.mark.parametrize("text", ["{", "[[[[", '{"a": [1, {"b"', "}}}]]", '"\\', "{,,:", ""])
def test_a_text_that_breaks_off_is_looked_through_as_far_as_it_goes(text: str) -> None:
    assert lines_of(text, ["a[1].b"])["a[1].b"] == 1


def test_what_isnt_json_says_where() -> None:
    [(line, message)] = faults_of('{\n  "a": 1,\n  "b" 2\n}')

    assert line == 3
    assert message == "This isn't JSON, at column 7: Expecting ':' delimiter."


def test_a_name_that_occurs_twice_is_refused_at_its_second_line() -> None:
    text = '{\n"a": {"b": 1},\n"b": 2,\n"c": {"b": 3,\n"b": 4}}'

    assert faults_of(text) == [(5, "The name 'b' occurs twice in an object; remove one.")]
    assert repeated_line(text, "nothing") == 1


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "0.1000000000000000055", "9" * 2_000])
def test_a_number_that_cant_be_kept_is_refused_at_its_line(number: str) -> None:
    [(line, _)] = faults_of(f'{{"{number[:20]}": "{number}",\n"n": [1,\n{number}]}}')

    assert line == 3


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('{"a": [\n"\\ud800"]}', 2, "lone surrogate"),
        ('{"a":\n"\\u0000"}', 1, "NUL"),
        (f'{{"a": \n{2**63}}}', 1, "64 bits"),
        ("[" * 70 + "]" * 70, 1, "nested deeper than 64 levels"),
        ("[" * 100_000, 1, "levels"),
        ("", 1, "nothing here"),
        (f'"{"x" * 1_100_000}"', 1, "larger than"),
    ],
)
def test_what_cant_be_kept_is_refused(text: str, line: int, says: str) -> None:
    [(found, message)] = faults_of(text)

    assert found == line
    assert says.lower() in message.lower()


def test_an_object_has_to_be_one() -> None:
    assert read_object('{"a": 1}') == {"a": 1}
    with pytest.raises(TextInvalid, match="Give an object"):
        read_object("[1]")


def test_all_faults_of_a_definition_are_found_in_the_order_of_their_lines() -> None:
    text = pretty({"actions": [{"type": "wait", "config": {}, "onErr": 1}, {"type": "wat"}], "timeout": -1})

    with pytest.raises(TextInvalid) as raised:
        read_definition(text)

    lines = text.split("\n")
    faults = raised.value.faults
    assert [fault.line for fault in faults] == sorted(fault.line for fault in faults)
    found = {fault.path: lines[fault.line - 1].strip() for fault in faults}
    assert found["actions[0].onErr"] == '"onErr": 1'
    assert found["actions[1].type"] == '"type": "wat"'
    assert found["timeout"] == '"timeout": -1'


def test_lines_end_in_one_way() -> None:
    assert lines_ended("a\r\nb\rc\n") == "a\nb\nc\n"
