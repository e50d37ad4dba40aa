"""What a request costs the database: bounded, and the same however many rows there are."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.clients import with_token
from tests.api.house import House
from tests.api.routes import EXPECTED, address
from tests.factories import ExecutionFactory, MembershipFactory, WorkflowFactory
from workspaces import tokens
from workspaces.services import create_task, notify

BUDGET = 6
LISTS: dict[str, Callable[[House], Any]] = {
    "workspaces": lambda house: MembershipFactory.create(user=house.people["owner"]),
    "tokens": lambda house: house.own_token_of("owner"),
    "{house}/members": lambda house: MembershipFactory.create(workspace=house.workspace),
    "{house}/tokens": lambda house: tokens.issue(
        user=MembershipFactory.create(workspace=house.workspace).user, name="ci", scopes=["read"],
        workspace=house.workspace,
    ),
    "{house}/tasks": lambda house: create_task(
        workspace_id=house.workspace.pk, title="x", assignee=MembershipFactory.create(workspace=house.workspace).user
    ),
    "{house}/notifications": lambda house: notify(
        workspace_id=house.workspace.pk, recipient=house.people["owner"], message="x"
    ),
    "{house}/workflows": lambda house: WorkflowFactory.create(workspace=house.workspace),
    "{house}/workflows/{workflow}/executions": lambda house: ExecutionFactory.create(workflow=house.workflow),
    "{house}/workflows/{workflow}/history": lambda house: ExecutionFactory.create(workflow=house.workflow),
}  # fmt: skip


@pytest.mark.parametrize("path", LISTS)
def test_a_list_costs_the_same_however_long_it_is(house: House, path: str) -> None:
    whole = path.format(house=house.path, workflow=house.workflow.pk)
    costs = []
    for rows in (1, 3, 12):
        for _ in range(rows):
            LISTS[path](house)
        house.owner.get("workspaces")  # the token's first use is recorded
        with CaptureQueriesContext(connection) as queries:
            assert house.owner.get(whole, limit=100).status == 200
        costs.append(len(queries))

    assert costs[0] == costs[1] == costs[2] <= BUDGET + (path.endswith(("executions", "history")))


def test_a_list_of_a_hundred_workflows_costs_six_queries(house: House) -> None:
    for _ in range(100):
        WorkflowFactory.create(workspace=house.workspace, tags=["a"])
    token = with_token(house.people["member"])

    with CaptureQueriesContext(connection) as queries:
        page = token.get(f"{house.path}/workflows", limit=100, search="Workflow", tags="a", sortBy="name").json

    assert len(page["workflows"]) == 100
    assert len(queries) <= BUDGET, "the token's first use and its record too"


@pytest.mark.parametrize("keys", [("", ""), ("first", "second"), ("first", "first")], ids=["none", "new", "replay"])
def test_to_execute_costs_eight_queries(house: House, keys: tuple[str, str]) -> None:
    """One of them is the start itself, if there is one: it goes past Django, and so isn't seen here."""
    path = f"{house.path}/workflows/{house.workflow.pk}/execute"
    body = {"triggerData": {"a": 1}, "variables": {"b": 2}}
    first, second = ({"Idempotency_Key": key} if key else {} for key in keys)
    assert house.member.post(path, body, **first).status == 202

    with CaptureQueriesContext(connection) as queries:
        assert house.member.post(path, body, **second).status == 202

    own = [query["sql"] for query in queries.captured_queries if "SAVEPOINT" not in query["sql"]]
    assert len(own) <= (8 if keys == ("first", "first") else 7), "\n".join(own)


@pytest.mark.parametrize(
    "route", [route for route, rules in EXPECTED.items() if "GET" in rules and "<str:id>" in route]
)
def test_to_read_one_thing_costs_few_queries(house: House, route: str) -> None:
    path = address(route, house)
    house.owner.get("workspaces")

    with CaptureQueriesContext(connection) as queries:
        assert house.owner.get(path).status == 200

    assert len(queries) <= BUDGET + ("history" in route or "executions" in route)


def test_a_refusal_costs_no_more_than_the_way_to_it(house: House) -> None:
    """Who isn't let in causes no query beyond those that find out."""
    path = f"{house.path}/workflows/{house.workflow.pk}"
    house.guest.get("workspaces")
    house.stranger.get("workspaces")

    for name, cost in (("anonymous", 0), ("stranger", 2), ("guest", 2)):
        api = getattr(house, name, None) or house.api("anonymous")
        with CaptureQueriesContext(connection) as queries:
            assert api.delete(path).status in (401, 404, 403)
        assert len(queries) == cost, name
