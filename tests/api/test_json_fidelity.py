"""Any JSON at all, in every place where a client's own goes in: it comes back unchanged, or it is refused whole."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.documents import PLACES, VALUE, read_back, send
from tests.api.house import House
from tests.api.test_json import rows
from workflows.documents import Json
from workflows.models import Workflow

some = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


def document(text: st.SearchStrategy[str], leaves: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4), max_leaves=20
    )


plain_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00{"), max_size=30)
plain = document(
    plain_text,
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | plain_text,
)
wild_text = st.text(st.characters(), max_size=10) | st.sampled_from(
    ["\x00", "\ud800", "\udfff", "{{", "{{ trigger.a }}"]
)
wild = document(
    wild_text, st.integers() | st.floats() | wild_text | st.none() | st.sampled_from([2**63, -(2**63) - 1, 1e400])
)


def with_value(body: Json, value: Json) -> Json:
    """The body with this value where VALUE is."""
    if isinstance(body, dict):
        return {key: with_value(part, value) for key, part in body.items()}
    if isinstance(body, list):
        return [with_value(part, value) for part in body]
    return value if body == VALUE else body


def putting(value: Json) -> Callable[[Json], Json]:
    return lambda body: with_value(body, value)


def archive() -> None:
    """What the example before has made, so that this one finds the name free."""
    Workflow.objects.filter(name="Theirs").update(status="ARCHIVED")


@pytest.mark.parametrize("place", [place for place in PLACES if place != "tags"])
def test_any_json_comes_back_unchanged(house: House, place: str) -> None:
    @some
    @given(plain.filter(lambda value: value is not None))
    def comes_back(value: Json) -> None:
        archive()
        written = send(house, place, putting(value))

        assert written.status < 300, written.content[:500]
        assert json.dumps(read_back(house, place, written)) == json.dumps(value)

    comes_back()


def test_trigger_data_may_be_null(house: House) -> None:
    assert send(house, "triggerData", putting(None)).status == 202


@pytest.mark.parametrize("place", PLACES)
def test_whatever_is_sent_comes_back_unchanged_or_is_refused_whole(house: House, place: str) -> None:
    house.workflow  # noqa: B018 (so that it is there before)

    @some
    @given(wild)
    def holds(value: Json) -> None:
        archive()
        before = rows(house)
        written = send(house, place, putting(value))

        if written.status < 300:
            assert json.dumps(read_back(house, place, written)) == json.dumps(value)
        else:
            assert (written.status, rows(house)) == (400, before)
            assert written.error in ("VALIDATION_ERROR", "WORKFLOW_INVALID")

    holds()


@some
@given(tags=st.lists(plain_text, max_size=5), description=plain_text)
def test_tags_and_description_come_back_unchanged(house: House, tags: list[str], description: str) -> None:
    path = f"{house.path}/workflows/{house.workflow.pk}"

    assert house.owner.patch(path, {"tags": tags, "description": description}).status == 200

    found: dict[str, Any] = house.owner.get(path).json["workflow"]
    assert (found["tags"], found["description"]) == (tags, description)
