"""The list of workflows: filters, order and pages, which say the same on both databases."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.house import House
from tests.factories import WorkflowFactory, definition
from workflows.models import Workflow, WorkflowStatus

START = datetime(2026, 1, 1, tzinfo=UTC)


def add(house: House, *names: str, **fields: Any) -> None:
    """Workflows of these names, each made a second after the one before."""
    for name in names:
        workflow = WorkflowFactory.create(workspace=house.workspace, name=name, **fields)
        count = Workflow.objects.count()
        Workflow.objects.filter(pk=workflow.pk).update(created_at=START + timedelta(seconds=count))


def names(house: House, **query: Any) -> list[str]:
    answer = house.guest.get(f"{house.path}/workflows", **query)
    assert answer.status == 200, answer.content
    return [workflow["name"] for workflow in answer.json["workflows"]]


def test_the_newest_come_first_in_pages(house: House) -> None:
    add(house, *"abcde")
    WorkflowFactory.create(workspace=house.elsewhere)

    page = house.guest.get(f"{house.path}/workflows", page=2, limit=2).json

    assert [workflow["name"] for workflow in page.pop("workflows")] == ["c", "b"]
    assert page == {"total": 5, "page": 2, "limit": 2, "totalPages": 3}
    assert names(house, page=3, limit=2) == ["a"]
    assert names(house, page=4, limit=2) == []
    assert names(house, page=1_000_000, limit=100) == []
    assert names(house) == list("edcba")


def test_a_page_has_20_unless_it_is_said_and_100_at_most(house: House) -> None:
    add(house, *map(str, range(101)))

    assert len(names(house)) == 20
    assert len(names(house, limit=100)) == 100
    for query in ({"limit": 101}, {"limit": 0}, {"limit": -1}, {"page": 0}, {"page": 1_000_001}, {"limit": ""}):
        answer = house.guest.get(f"{house.path}/workflows", **query)
        assert (answer.status, list(answer.json["errors"])) == (400, list(query))


def test_no_workflows_are_an_empty_page(house: House) -> None:
    assert house.guest.get(f"{house.path}/workflows").json == {
        "workflows": [], "total": 0, "page": 1, "limit": 20, "totalPages": 0,
    }  # fmt: skip


def test_a_workflow_is_listed_as_it_is_read(house: House) -> None:
    [listed] = house.guest.get(f"{house.path}/workflows", search=house.workflow.name).json["workflows"]

    assert house.guest.get(f"{house.path}/workflows/{house.workflow.pk}").json == {"workflow": listed}


def test_archived_ones_are_listed_only_when_they_are_asked_for(house: House) -> None:
    for status in WorkflowStatus:
        add(house, status, status=status)

    assert names(house) == ["INACTIVE", "ACTIVE", "DRAFT"]
    assert names(house, status="ARCHIVED") == ["ARCHIVED"]
    assert names(house, status=["DRAFT", "ARCHIVED"]) == ["ARCHIVED", "DRAFT"]
    assert names(house, search="RCHIVE") == []
    assert names(house, search="RCHIVE", status="ARCHIVED") == ["ARCHIVED"]


@pytest.mark.parametrize("query", [{"status": "active"}, {"status": ["ACTIVE", "x"]}, {"sortBy": "id"}], ids=str)
def test_a_value_that_there_is_not_is_refused(house: House, query: dict[str, Any]) -> None:
    answer = house.guest.get(f"{house.path}/workflows", **query)

    assert (answer.status, answer.error, list(answer.json["errors"])) == (400, "VALIDATION_ERROR", [*query])


def test_by_trigger(house: House) -> None:
    add(house, "form", definition=definition(trigger={"type": "form"}))
    add(house, "manual")

    assert names(house, trigger="form") == ["form"]
    assert names(house, trigger="manual") == ["manual"]
    assert names(house, trigger="FORM") == names(house, trigger="for") == names(house, trigger="%") == []
    Workflow.objects.filter(name="manual").update(trigger_type="form")
    assert names(house, trigger="form") == ["manual", "form"]


ODD = [
    "50%", "a_b", "aXb", "it's", 'say "hi"', "back\\slash", "[x]", "(y)", "a.b", "x*", "^z$", "naïve ÉTÉ", "ẞtraße",
    "é(", "é.c", "éxc", "é\\d", "é5", "夜", "a,b", "{{ x }}", "%s", "?", "'; --", "tab\there", "two  spaces", "👩‍💻",
]  # fmt: skip


def test_a_search_finds_what_is_written_there_whatever_its_characters(house: House) -> None:
    """No character of it means anything else: not to LIKE, not to a regular expression."""
    add(house, *ODD)
    for text in {*ODD, *(name[1:] for name in ODD), *(name[:2] for name in ODD)}:
        wanted = text.strip().lower()

        assert set(names(house, search=text, limit=100)) == {name for name in ODD if wanted in name.lower()}, text


@pytest.mark.parametrize(
    ("written", "sought"),
    [
        ("Orders", "oRDERS"),
        ("ÉTÉ", "été"),
        ("été", "ÉTÉ"),
        ("ΣΊΣΥΦΟΣ", "σίσυ"),
        ("ПРИВЕТ", "привет"),
        ("straße", "STRA"),
    ],
    ids=ascii,
)
def test_a_search_does_not_mind_the_case_in_any_script(house: House, written: str, sought: str) -> None:
    add(house, written, "another")
    add(house, "described", description=f"before {written} after")

    assert sorted(names(house, search=sought)) == sorted([written, "described"])


def test_a_search_looks_in_name_and_description_and_nowhere_else(house: House) -> None:
    add(house, "needle")
    add(house, "a", description="x needle x")
    add(house, "b", tags=["needle"], metadata={"needle": "needle"})

    assert names(house, search="needle") == ["a", "needle"]
    assert names(house, search="") == ["b", "a", "needle"]
    assert names(house, search="needles") == []


TAGS = [
    "red", "re", "Red", "50%", "a_b", 'say "hi"', '"', "\\", 'x"\\', "back\\slash", "été", "夜", "[", "]", "x[", "x,",
    "{}", "a b", "null", "\t", "1",
]  # fmt: skip


def test_a_tag_is_found_whole_whatever_its_characters(house: House) -> None:
    for each in TAGS:
        add(house, f"only {each}", tags=[each])
        add(house, f"among {each}", tags=["first", each, "last"])
    for tag in TAGS:
        if "," not in tag and tag.strip():
            assert set(names(house, tags=tag, limit=100)) == {f"only {tag}", f"among {tag}"}, tag


def test_all_tags_that_are_given_have_to_be_there(house: House) -> None:
    add(house, "both", tags=["b", "a"])
    add(house, "one", tags=["a"])
    add(house, "none")

    assert names(house, tags="a,b") == names(house, tags=" b , a ") == names(house, tags="a,b,a") == ["both"]
    assert names(house, tags="a") == ["one", "both"]
    assert names(house, tags="a,b,c") == []
    assert names(house, tags="a,") == names(house, tags=",a,,") == ["one", "both"]
    assert names(house, tags="") == names(house, tags=",") == ["none", "one", "both"]
    assert names(house, tags="a," * 500) == ["one", "both"]
    assert names(house, tags=",".join(map(chr, range(0x4E00, 0x4E00 + 500)))) == []


SORTED = {
    "createdAt": ["b", "a", "C"],
    "name": ["a", "b", "C"],
    "status": ["C", "b", "a"],
    "executionCount": ["a", "b", "C"],
    "lastExecutedAt": ["C", "b", "a"],
}


@pytest.mark.parametrize("field", SORTED)
def test_they_come_in_the_order_that_is_asked_for(house: House, field: str) -> None:
    for name, status, count, executed in (("b", "DRAFT", 1, 2), ("a", "INACTIVE", 0, None), ("C", "ACTIVE", 5, 1)):
        add(house, name, status=status)
        at = START + timedelta(days=executed) if executed else None
        Workflow.objects.filter(name=name).update(execution_count=count, last_executed_at=at)
    descending = [*reversed(SORTED[field])]
    if field == "lastExecutedAt":  # what never was comes last, whichever way
        descending = ["b", "C", "a"]

    assert names(house, sortBy=field, sortOrder="asc") == SORTED[field]
    assert names(house, sortBy=field, sortOrder="desc") == names(house, sortBy=field) == descending


def test_by_update(house: House) -> None:
    add(house, *"abc")
    house.owner.patch(f"{house.path}/workflows/{Workflow.objects.get(name='a').pk}", {"description": "x"})

    assert names(house, sortBy="updatedAt")[0] == "a"


def test_equals_stay_in_one_order_over_all_pages(house: House) -> None:
    """The later made comes first, as when they are sorted by that."""
    add(house, *"dbfaceg")
    Workflow.objects.update(created_at=START)

    for order, expected in (("desc", "gecafbd"), ("asc", "dbfaceg")):
        paged = [
            names(house, sortBy="status", sortOrder=order, page=page, limit=1)[0]
            for page in range(1, len(expected) + 1)
        ]
        assert paged == list(expected)


def test_a_wrong_choice_is_told_what_there_is_to_choose(house: House) -> None:
    errors = house.owner.get(f"{house.path}/workflows", status="DONE", sortBy="colour").json["errors"]

    assert errors == {
        "status": ["Give one of DRAFT, ACTIVE, INACTIVE, ARCHIVED."],
        "sortBy": ["Give one of createdAt, updatedAt, name, status, executionCount, lastExecutedAt."],
    }
