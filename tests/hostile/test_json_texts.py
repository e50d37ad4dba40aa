"""The list of JSON through the places where a client's own JSON goes in: kept as it is, or refused and nothing kept."""

import json
from functools import partial

import pytest

from tests.api.documents import PLACES, read_back, send
from tests.api.house import House
from tests.api.test_json import check_refusal, filled, rows
from tests.api.test_json_fidelity import archive
from tests.hostile.json_texts import DECIDED, REFUSED, TAKEN

# A part of the trigger, of the variables and of metadata, which are stored in three ways.
SOME_PLACES = ("triggerData", "variables", "metadata")


@pytest.mark.parametrize("place", SOME_PLACES)
def test_what_is_json_comes_back_as_it_was_sent(house: House, place: str) -> None:
    for name, text in TAKEN.items():
        archive()
        written = send(house, place, partial(filled, value=text))

        assert written.status in (200, 201, 202), (name, written.content[:300])
        assert json.dumps(read_back(house, place, written)) == json.dumps(json.loads(text)), name


@pytest.mark.parametrize("place", [place for place in PLACES if place not in ("config", "tags")])
def test_what_is_not_is_refused_and_nothing_is_left_of_it(house: House, place: str) -> None:
    """But for the places in a list, where many of them are right."""
    house.workflow  # noqa: B018 (so that it is there before)
    before = rows(house)
    for text in REFUSED.values():
        check_refusal(house, before, send(house, place, partial(filled, value=text)))


def test_what_is_ours_to_decide_is_as_we_have_decided(house: House) -> None:
    statuses = {}
    for name, (text, _) in DECIDED.items():
        written = send(house, "triggerData", partial(filled, value=text))
        statuses[name] = written.status
        if written.status == 202:
            kept = read_back(house, "triggerData", written)
            assert json.dumps(kept) == json.dumps(json.loads(text)), name

    assert statuses == {name: status for name, (_, status) in DECIDED.items()}
