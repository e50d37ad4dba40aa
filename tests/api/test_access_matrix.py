"""Every route and method of the API against everybody who may come: it is in the table, and does what the table says.

A route that is added to the URL configuration has to be added to `routes.EXPECTED` as well.
"""

import pytest

from tests.api import routes
from tests.api.clients import Answer, with_token
from tests.api.house import PEOPLE, House
from tests.api.routes import CASES, EXPECTED, IN_A_WORKSPACE, METHODS, Rule, address
from tests.factories import UserFactory
from workspaces.models import Scope

PRINCIPALS = ("anonymous", *PEOPLE)
GUARDED = [(route, method) for route, method in CASES if EXPECTED[route][method].who != "everybody"]
MISSING = [
    (route, method)
    for route, rules in EXPECTED.items()
    for method in METHODS
    if method not in rules and (method, "GET" in rules) != ("HEAD", True)
]


@pytest.fixture(autouse=True)
def _newcomer(db: None) -> None:
    """Whom a body of the table names."""
    UserFactory.create(username="newcomer")


def expected(rule: Rule, name: str) -> int:
    if rule.who == "everybody":
        return rule.status
    if name == "anonymous":
        return 401
    if rule.who == "user":
        return rule.status
    if name == "stranger":
        return 404
    return rule.status if name in rule.roles else 403


def check_refusal(answer: Answer, refused: int) -> None:
    code = {401: "UNAUTHORIZED", 403: "FORBIDDEN", 404: "WORKSPACE_NOT_FOUND"}[refused]
    assert (answer.status, answer.error) == (refused, code)
    assert answer.headers.get("WWW-Authenticate") == ("Bearer" if refused == 401 else None)


def test_the_table_has_every_route_and_every_method_and_no_others() -> None:
    assert {route: set(methods) for route, methods in routes.found()} == {
        route: set(rules) for route, rules in EXPECTED.items()
    }


@pytest.mark.parametrize("name", PRINCIPALS)
@pytest.mark.parametrize(("route", "method"), CASES)
def test_a_person_may_what_the_role_allows(house: House, route: str, method: str, name: str) -> None:
    rule = EXPECTED[route][method]

    answer = house.api(name).ask(method, address(route, house, name), rule.body)

    wanted = expected(rule, name)
    if wanted in (401, 403, 404):
        check_refusal(answer, wanted)
    else:
        assert answer.status == wanted, answer.content


@pytest.mark.parametrize("name", PRINCIPALS)
@pytest.mark.parametrize("route", [route for route, rules in EXPECTED.items() if "GET" in rules])
def test_head_is_answered_as_get_without_a_body(house: House, route: str, name: str) -> None:
    answer = house.api(name).ask("HEAD", address(route, house, name))

    assert (answer.status, answer.content) == (expected(EXPECTED[route]["GET"], name), b"")


@pytest.mark.parametrize(
    ("route", "method"), [case for case in CASES if "guest" not in EXPECTED[case[0]][case[1]].roles]
)
def test_a_refused_request_changes_nothing(house: House, route: str, method: str) -> None:
    """What a guest may not do, he hasn't done either: the owner finds everything as it was."""
    rule = EXPECTED[route][method]
    path = address(route, house)
    before = routes.rows()

    assert house.api("guest").ask(method, path, rule.body).status == 403
    assert house.api("stranger").ask(method, path, rule.body).status == 404
    assert house.api("anonymous").ask(method, path, rule.body).status == 401
    assert routes.rows() == before


@pytest.mark.parametrize("scope", Scope.values)
@pytest.mark.parametrize(("route", "method"), GUARDED)
def test_a_token_opens_what_its_one_scope_names(house: House, route: str, method: str, scope: str) -> None:
    rule = EXPECTED[route][method]
    body = rule.body if rule.body is None or "scopes" not in rule.body else rule.body | {"scopes": [scope]}

    answer = with_token(house.people["owner"], scope).ask(method, address(route, house), body)

    if scope == rule.scope:
        assert answer.status == rule.status, answer.content
    else:
        check_refusal(answer, 403)
        assert rule.scope in answer.json["message"]


@pytest.mark.parametrize(("route", "method"), GUARDED)
def test_a_scope_does_not_lend_a_role(house: House, route: str, method: str) -> None:
    rule = EXPECTED[route][method]

    answer = house.guest.ask(method, address(route, house, "guest"), rule.body)

    assert answer.status == (rule.status if "guest" in rule.roles else 403), answer.content


@pytest.mark.parametrize(("route", "method"), IN_A_WORKSPACE)
def test_a_token_of_another_workspace_opens_nothing_here(house: House, route: str, method: str) -> None:
    path = address(route, house)
    bound = with_token(house.people["owner"], workspace=house.elsewhere)

    check_refusal(bound.ask(method, path, EXPECTED[route][method].body), 404)
    own = with_token(house.people["owner"], workspace=house.workspace)
    assert own.ask(method, path, EXPECTED[route][method].body).status == EXPECTED[route][method].status


@pytest.mark.parametrize(("route", "method"), MISSING)
def test_a_method_that_a_route_has_not_is_405_for_who_gets_in(house: House, route: str, method: str) -> None:
    path, rules = address(route, house), EXPECTED[route]

    answer = house.api("guest").ask(method, path, {})

    assert answer.status == 405
    allowed = {*rules, *({"HEAD"} if "GET" in rules else ())}
    assert set(answer.headers["Allow"].split(", ")) == allowed
    if method != "HEAD":
        assert answer.error == "METHOD_NOT_ALLOWED"
    if all(rule.who != "everybody" for rule in rules.values()):
        assert house.api("anonymous").ask(method, path, {}).status == 401
    if "workspace>" in route:
        assert house.api("stranger").ask(method, path, {}).status == 404
