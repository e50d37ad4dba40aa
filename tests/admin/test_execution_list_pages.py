"""Newer and older: every execution once, without a count and without an offset."""

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone

from executions.admin.listing import ExecutionList
from executions.models import Execution
from tests.admin.lists import an_execution, failed, ids_in, link, notes, shown, source
from tests.executions.histories import save_many
from tests.factories import MembershipFactory, UserFactory, WorkflowFactory
from workflows.models import Workflow

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ExecutionList, "list_per_page", 7)


@pytest.fixture
def workflow() -> Workflow:
    workflow: Workflow = WorkflowFactory.create()
    return workflow


def follow(client: Client, kind: str, address: str = "", **query: Any) -> Iterator[str]:
    """The page, and those that the link leads to, one after the other."""
    page = source(client, address, **query)
    yield page
    while following := link(page, kind):
        page = source(client, following)
        yield page


def newest_first(**fields: Any) -> list[UUID]:
    return list(Execution.objects.filter(**fields).newest_first().values_list("pk", flat=True))


@pytest.mark.parametrize("seed", range(5))
def test_older_leads_through_all_and_newer_back(admin_client: Client, workflow: Workflow, seed: int) -> None:
    """Many of them created at the same instant."""
    save_many(workflow, seed)
    pages = list(follow(admin_client, "next"))
    back = list(follow(admin_client, "prev", last_link(pages)))

    assert [pk for page in pages for pk in ids_in(page)] == newest_first()
    assert [len(ids_in(page)) for page in pages] == [7] * 8 + [4]
    assert [ids_in(page) for page in back[::-1]] == [ids_in(page) for page in pages]


def last_link(pages: list[str]) -> str:
    address = link(pages[-2], "next")
    assert address
    return address


NARROWED: list[tuple[dict[str, str], dict[str, Any]]] = [
    ({"status": "wrong"}, {"status": "FAILED"}),
    ({"trigger": "webhook"}, {"trigger_type": "webhook"}),
    ({"simulation": "no"}, {"is_simulation": False}),
]


@pytest.mark.parametrize(("query", "fields"), NARROWED, ids=str)
def test_with_a_filter_too(
    admin_client: Client, workflow: Workflow, query: dict[str, str], fields: dict[str, Any]
) -> None:
    save_many(workflow, 1)

    assert [pk for page in follow(admin_client, "next", **query) for pk in ids_in(page)] == newest_first(**fields)


def test_in_several_workspaces_too() -> None:
    user = UserFactory.create(is_staff=True)
    for seed in range(3):
        workflow = WorkflowFactory.create()
        MembershipFactory.create(workspace=workflow.workspace, user=user)
        save_many(workflow, seed, number=25)
    an_execution()
    client = Client()
    client.force_login(user)
    walked = [pk for page in follow(client, "next") for pk in ids_in(page)]

    assert walked == newest_first(workspace__memberships__user=user)
    assert len(walked) == 75


def test_what_is_new_moves_no_page(admin_client: Client, workflow: Workflow) -> None:
    save_many(workflow, 1)
    older = link(source(admin_client), "next")
    assert older
    second = shown(admin_client, older)
    for _ in range(9):
        an_execution(workflow)

    assert shown(admin_client, older) == second


def test_one_page_has_no_links(admin_client: Client, workflow: Workflow) -> None:
    for _ in range(7):
        an_execution(workflow)
    page = source(admin_client)

    assert [link(page, kind) for kind in ("next", "prev")] == [None, None]
    assert "7 executions, created" in page


def test_a_page_that_began_to_be_short_is_filled_up(admin_client: Client, workflow: Workflow) -> None:
    """Back at the top there may be less than a page before the oldest that was seen: then it's the first page."""
    executions = [an_execution(workflow, minutes_ago=minutes) for minutes in range(12)]

    assert shown(admin_client, after=executions[3].pk) == [each.pk for each in executions[:7]]


@pytest.mark.parametrize("place", ["nonsense", str(UUID(int=7))])
def test_a_place_that_is_none_leads_to_the_first_page(admin_client: Client, workflow: Workflow, place: str) -> None:
    execution = an_execution(workflow)

    assert shown(admin_client, before=place) == shown(admin_client, after=place) == [execution.pk]


def test_links_keep_what_was_asked_for(admin_client: Client, workflow: Workflow) -> None:
    save_many(workflow, 1)
    older = link(source(admin_client, q=workflow.name, trigger="manual"), "next")

    assert older
    assert "trigger=manual" in older
    assert "q=Workflow" in older


# Looking through what no index knows


@pytest.fixture
def _looks_at_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("executions.admin.paging.LOOKED_AT", 10)


@pytest.mark.usefixtures("_looks_at_ten")
@pytest.mark.parametrize("seed", range(3))
def test_it_goes_on_where_it_stopped_looking(admin_client: Client, workflow: Workflow, seed: int) -> None:
    """Rare ones among many, far apart, and many at the same instant."""
    draw, now = random.Random(seed), timezone.now()
    for number in range(80):
        created = now - timedelta(seconds=draw.randrange(20))
        an_execution(workflow, created_at=created, trigger_type="rare" if number % 27 == 5 else "manual")
    found = [ids_in(page) for page in follow(admin_client, "next", trigger="rare")]

    assert [pk for page in found for pk in page] == newest_first(trigger_type="rare")
    assert [] in found


@pytest.mark.usefixtures("_looks_at_ten")
def test_it_says_how_far_it_looked(admin_client: Client, workflow: Workflow) -> None:
    executions = [an_execution(workflow, minutes_ago=minutes) for minutes in range(15)]
    first, last = follow(admin_client, "next", trigger="rare")

    assert f"back to {executions[9].created_at:%Y-%m-%d %H:%M:%S} UTC, and not yet further" in notes(first)
    assert notes(last) == ""


@pytest.mark.usefixtures("_looks_at_ten")
def test_it_goes_on_the_same_way_back(admin_client: Client, workflow: Workflow) -> None:
    rare = [an_execution(workflow, minutes_ago=minutes, trigger_type="rare") for minutes in (50, 12.5)]
    oldest = [an_execution(workflow, minutes_ago=minutes) for minutes in range(31)][-1]
    back = list(follow(admin_client, "prev", f"?trigger=rare&after={oldest.pk}"))

    assert [ids_in(page) for page in back] == [[], [rare[1].pk], [], []]
    assert len(list(follow(admin_client, "next", trigger="rare"))) == 4


@pytest.mark.usefixtures("_looks_at_ten")
def test_a_search_of_errors_says_so_too(admin_client: Client, workflow: Workflow) -> None:
    old = failed("The shop is closed", workflow, minutes_ago=50)
    for minutes in range(15):
        failed("no", workflow, minutes_ago=minutes)
    first, second = follow(admin_client, "next", q="closed")

    assert "executions that failed or timed out with closed in their error" in notes(first)
    assert "and not yet further" in notes(first)
    assert (ids_in(first), ids_in(second)) == ([], [old.pk])
    assert "not yet further" not in notes(second)
