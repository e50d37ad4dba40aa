"""What `docs/operations.md` says of metrics is what `/metrics` gives, with every family and each of its labels."""

import re

import pytest
from django.test import RequestFactory

from config.metrics import metrics
from executions.engine.metrics import REGISTRY
from executions.monitoring.backlog import FRESH_SECONDS, MAX_SHARE
from tests.docs.pages import DOCS, blocks, codes, rows, section

PAGE = DOCS / "operations.md"
TABLE = {
    row["metric"].strip("`"): row for row in rows(section(PAGE, "## What to watch"), "metric", "labels", "what it says")
}
COUNTED_OUT = {"le"}


def shown() -> set[str]:
    """The families that a scrape gives, by the names that their TYPE lines have."""
    text = metrics(RequestFactory().get("/metrics")).text
    return set(re.findall(r"^# TYPE (trilith_\S+) \w+$", text, re.MULTILINE))


@pytest.mark.django_db(transaction=True)
def test_the_table_has_what_a_scrape_gives_and_nothing_else() -> None:
    assert set(TABLE) == shown()


@pytest.mark.django_db(transaction=True)
def test_the_labels_are_those_of_the_table() -> None:
    for family in REGISTRY.collect():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        for sample in family.samples if name in TABLE else ():
            assert set(sample.labels) - COUNTED_OUT == set(codes(TABLE[name]["labels"])), sample


def test_the_alerts_ask_for_what_there_is() -> None:
    (alerts,) = (block for block in blocks(PAGE, "text") if block.startswith("groups:"))
    asked = re.findall(r"trilith_\w+", alerts)

    assert len(asked) == 4
    assert set(asked) <= set(TABLE)


def test_how_often_the_database_is_asked_is_as_the_page_says() -> None:
    assert (FRESH_SECONDS, MAX_SHARE) == (5, 1 / 20)
    assert "at most every 5 seconds" in section(PAGE, "## What to watch")
