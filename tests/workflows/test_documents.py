"""What can be stored as JSON, and what is refused where."""

import enum
import json
import tracemalloc
from collections import OrderedDict, defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.documents import MAX_DOCUMENT_BYTES, DocumentError, encode, inside, join


class Colour(enum.StrEnum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Text(str):
    __slots__ = ()

    def __repr__(self) -> str:
        return "{not JSON"


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def cyclic() -> Any:
    value: dict[str, Any] = {"a": []}
    value["a"].append(value)
    return value


@pytest.mark.parametrize(
    "value",
    [
        None, True, False, 0, -(2**63), 2**63 - 1, 1.5, -0.0, 1e308, "", "é🜁", [], {}, [None], {"": {}},
        {"b": 1, "a": {"z": [1, "2", None, True], "y": 2.5}}, nested(64), "\x01\x7f\u2028",
    ],
)  # fmt: skip
def test_json_comes_back_as_it_went_in(value: Any) -> None:
    back = json.loads(encode(value))

    assert back == value
    assert repr(back) == repr(value)


@pytest.mark.parametrize(
    ("value", "path", "fault"),
    [
        ({"tags": {1, 2}}, "tags", "set isn't JSON"),
        ({"user": {"tags": ["a", b"b"]}}, "user.tags[1]", "bytes isn't JSON"),
        ((1, 2), "", "tuple isn't JSON"),
        ([Decimal(1)], "[0]", "Decimal isn't JSON"),
        ([datetime.now(UTC)], "[0]", "datetime isn't JSON"),
        ({"id": UUID(int=1)}, "id", "UUID isn't JSON"),
        ({"of": object}, "of", "type isn't JSON"),
        ({"many": iter([])}, "many", "list_iterator isn't JSON"),
        ({"a": float("nan")}, "a", "nan isn't a JSON number"),
        ([float("-inf")], "[0]", "-inf isn't a JSON number"),
        ([2**63], "[0]", "beyond 64 bits; send it as text"),
        ([-(2**63) - 1], "[0]", "beyond 64 bits"),
        ([10**100_000], "[0]", "beyond 64 bits"),
        ({"a": {1: 2}}, "a", "a key of type int; keys are text"),
        ({None: 1}, "", "a key of type NoneType"),
        ({"a": "x\x00"}, "a", "NUL"),
        ({"a": {"x\x00": 1}}, "a", "NUL"),
        (["\ud800"], "[0]", "lone surrogate"),
        (["\ude00\ud83d"], "[0]", "lone surrogate"),
        ({"\udfff": 1}, "", "lone surrogate"),
        (nested(65), "[0]" * 65, "nested deeper than 64 levels"),
        (nested(100_000), ("[0]" * 65)[:200], "nested deeper than 64 levels"),
        (cyclic(), "", "nested deeper than 64 levels"),
    ],
)
def test_what_is_not_json_is_refused_with_its_path(value: Any, path: str, fault: str) -> None:
    with pytest.raises(DocumentError, match=fault) as raised:
        encode(value)

    assert raised.value.path.startswith(path[:200])
    assert raised.value.message in str(raised.value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": Colour.RED}, '{"a":"red"}'),
        ([Level.HIGH], "[3]"),
        (Text("x"), '"x"'),
        ({Text("k"): 1}, '{"k":1}'),
        (OrderedDict(b=1, a=2), '{"b":1,"a":2}'),
        (defaultdict(list, a=[1]), '{"a":[1]}'),
        ([True, 1, 1.0], "[true,1,1.0]"),
    ],
)
def test_subclasses_are_written_as_what_they_are(value: Any, text: str) -> None:
    assert encode(value) == text


def test_a_value_with_its_own_idea_of_equality_is_refused_without_asking_it() -> None:
    class Sly:
        __hash__ = None  # type: ignore[assignment]

        def __eq__(self, other: object) -> bool:
            raise RuntimeError("asked")

    with pytest.raises(DocumentError, match="Sly isn't JSON"):
        encode(Sly())


@pytest.mark.parametrize("letter", ["x", "é", "🜁"])
def test_the_limit_is_a_mebibyte_of_utf_8_and_no_byte_less(letter: str) -> None:
    width = len(letter.encode())
    fits = letter * ((MAX_DOCUMENT_BYTES - 2) // width) + "x" * ((MAX_DOCUMENT_BYTES - 2) % width)

    assert len(encode(fits).encode()) == MAX_DOCUMENT_BYTES
    with pytest.raises(DocumentError, match="larger than 1,048,576 bytes"):
        encode(fits + "x")


@pytest.mark.parametrize("item", [0, "", [], {}, None, "ab"])
def test_lists_and_objects_may_use_all_of_the_limit(item: Any) -> None:
    size = len(encode([item] * 1000))
    objects = {f"{number:03}": item for number in range(1000)}

    assert len(encode([item] * 1000, max_bytes=size)) == size
    assert encode(objects, max_bytes=len(encode(objects)))
    with pytest.raises(DocumentError):
        encode([item] * 1000, max_bytes=size - 1)


@pytest.mark.parametrize(
    "value",
    [
        "x" * 200_000_000,
        {"a": "x" * 199_999_999 + "é"},
        [0] * 25_000_000,
        [["x" * 1000]] * 200_000,
        {"k" * 100_000_000: 1},
        {"k" * 500_000: [0] * 300_000},
    ],
    ids=["text", "unicode", "numbers", "texts", "key", "many below a long key"],
)
def test_a_huge_value_is_refused_without_memory_for_it(value: Any) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(DocumentError, match="larger than") as raised:
            encode(value)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert len(str(raised.value)) < 1000
    assert peak < 100_000_000


def test_a_fault_below_a_long_key_is_told_in_short() -> None:
    with pytest.raises(DocumentError) as raised:
        encode({"k" * 100_000: {"\n\x1b[31m": {1}}})

    assert len(raised.value.path) < 200
    assert raised.value.path.isprintable()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")), inner
    ),
)  # fmt: skip


@given(json_values)
def test_whatever_is_json_passes_unchanged(value: Any) -> None:
    text = encode(value)

    assert json.loads(text) == value
    assert encode(value, max_bytes=len(text.encode())) == text


def test_paths_are_written_as_errors_show_them() -> None:
    assert join("", "a") == "a"
    assert join("config", "X-Id") == "config.X-Id"
    assert inside("actions[0]", "") == "actions[0]"
    assert inside("tags", "[2].name") == "tags[2].name"
    assert inside("actions[0]", "config") == "actions[0].config"
