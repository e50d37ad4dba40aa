"""The routes of the API, as the URL configuration has them, and as they are expected."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from django.urls import URLPattern, URLResolver, get_resolver

from executions.models import Execution
from tests.api.house import ROLES, House
from tests.factories import definition
from workflows.models import Workflow, WorkflowVersion
from workspaces.models import ApiToken, Membership, Notification, Secret, Task, Workspace

PREFIX = "api/"
WORKSPACE = "workspaces/<str:workspace>"
WORKFLOWS = f"{WORKSPACE}/workflows"
MODELS: tuple[Any, ...] = (Workspace, Workflow, WorkflowVersion, Execution, Membership, Task, Notification, Secret)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Rule(NamedTuple):
    """Who may (`everybody`, any `user`, or a role and those above it), by which scope of a token, and what comes."""

    who: str
    scope: str = ""
    status: int = 200
    body: Any = None

    @property
    def roles(self) -> tuple[str, ...]:
        return ROLES if self.who in ("everybody", "user") else ROLES[ROLES.index(self.who) :]

    def but(self, status: int = 200, body: Any = None) -> "Rule":
        return self._replace(status=status, body=body)


OPEN = Rule("everybody")
SEE_ONES_OWN = Rule("user", "read")
MANAGE_ONES_OWN = Rule("user", "admin")
READ = Rule("guest", "read")
ATTEND = Rule("guest", "execute")
EXECUTE = Rule("member", "execute")
WRITE = Rule("admin", "write")
ADMINISTER = Rule("admin", "admin")

EXPECTED: dict[str, dict[str, Rule]] = {
    "schema": {"GET": OPEN},
    "docs": {"GET": OPEN},
    "action-types": {"GET": SEE_ONES_OWN},
    "definition-schema": {"GET": SEE_ONES_OWN},
    "workspaces": {"GET": SEE_ONES_OWN},
    "tokens": {"GET": MANAGE_ONES_OWN, "POST": MANAGE_ONES_OWN.but(201, {"name": "new", "scopes": ["admin"]})},
    "tokens/<str:id>": {"DELETE": MANAGE_ONES_OWN.but(204)},
    WORKSPACE: {"GET": READ, "PATCH": ADMINISTER.but(body={"maxRunning": 3})},
    f"{WORKSPACE}/members": {"GET": READ, "POST": ADMINISTER.but(201, {"user": "newcomer", "role": "GUEST"})},
    f"{WORKSPACE}/members/<str:id>": {
        "GET": READ,
        "PATCH": ADMINISTER.but(body={"role": "MEMBER"}),
        "DELETE": ADMINISTER.but(204),
    },
    f"{WORKSPACE}/audit": {"GET": ADMINISTER},
    f"{WORKSPACE}/tokens": {"GET": ADMINISTER, "POST": ADMINISTER.but(201, {"name": "new", "scopes": ["admin"]})},
    f"{WORKSPACE}/tokens/<str:id>": {"DELETE": ADMINISTER.but(204)},
    f"{WORKSPACE}/secrets": {"GET": WRITE.but(body=None)},
    f"{WORKSPACE}/secrets/<str:name>": {
        "PUT": ADMINISTER.but(body={"value": "of a test"}),
        "DELETE": ADMINISTER.but(204),
    },
    f"{WORKSPACE}/tasks": {"GET": READ},
    f"{WORKSPACE}/tasks/<str:id>": {"GET": READ, "PATCH": EXECUTE.but(body={"status": "DONE"})},
    f"{WORKSPACE}/notifications": {"GET": READ},
    f"{WORKSPACE}/notifications/read": {"POST": ATTEND},
    f"{WORKSPACE}/notifications/<str:id>": {"GET": READ},
    f"{WORKSPACE}/notifications/<str:id>/read": {"POST": ATTEND},
    WORKFLOWS: {"GET": READ, "POST": WRITE.but(201, {"name": "New", **definition()})},
    f"{WORKFLOWS}/<str:id>": {"GET": READ, "PATCH": WRITE.but(body={"name": "Other"}), "DELETE": WRITE},
    f"{WORKFLOWS}/<str:id>/activate": {"POST": WRITE},
    f"{WORKFLOWS}/<str:id>/deactivate": {"POST": WRITE},
    f"{WORKFLOWS}/<str:id>/execute": {"GET": READ, "POST": EXECUTE.but(202, {})},
    f"{WORKFLOWS}/<str:id>/executions": {"GET": READ},
    f"{WORKFLOWS}/<str:id>/history": {"GET": READ},
    f"{WORKFLOWS}/executions/stream": {"GET": READ},
    f"{WORKFLOWS}/executions/<str:id>": {"GET": READ, "POST": EXECUTE, "DELETE": EXECUTE},
    f"{WORKFLOWS}/executions/<str:id>/resume": {"POST": EXECUTE.but(202)},
    f"{WORKFLOWS}/executions/<str:id>/stream": {"GET": READ},
    f"{WORKFLOWS}/executions/<str:id>/stream-ticket": {"POST": READ.but(201)},
}
CASES = [(route, method) for route, rules in EXPECTED.items() for method in rules]
IN_A_WORKSPACE = [case for case in CASES if case[0].startswith(WORKSPACE)]
WITH_AN_ID = [case for case in CASES if "<str:id>" in case[0]]


def found(patterns: Any = None, path: str = "") -> Iterator[tuple[str, frozenset[str]]]:
    """Each route under `api/` with the methods that its view has."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        whole = path + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from found(pattern.url_patterns, whole)
        elif isinstance(pattern, URLPattern) and whole.startswith(PREFIX):
            yield whole.removeprefix(PREFIX), _methods(pattern.callback)


def _methods(view: Any) -> frozenset[str]:
    if actions := getattr(view, "actions", None):
        return frozenset(method.upper() for method in actions if method != "head")
    kind = getattr(view, "cls", None) or view.view_class
    return frozenset(name.upper() for name in ("get", "post", "put", "patch", "delete") if hasattr(kind, name))


# What stands behind an id; the first beginning that fits.
ROWS: dict[str, Callable[[House, str], Any]] = {
    "tokens/": lambda house, name: house.own_token_of(name),
    f"{WORKSPACE}/members/": lambda house, _: house.intern,
    f"{WORKSPACE}/tokens/": lambda house, _: house.token,
    f"{WORKSPACE}/tasks/": lambda house, _: house.task,
    f"{WORKSPACE}/notifications/": lambda house, name: house.notification_of(name),
    f"{WORKFLOWS}/executions/<str:id>/resume": lambda house, _: house.ended,
    f"{WORKFLOWS}/executions/<str:id>/stream": lambda house, _: house.ended,
    f"{WORKFLOWS}/executions/": lambda house, _: house.execution,
    f"{WORKFLOWS}/<str:id>/activate": lambda house, _: house.draft,
    f"{WORKFLOWS}/": lambda house, _: house.workflow,
}


def row_id(route: str, house: House, name: str = "owner") -> str:
    """The id of a row of the house; where everybody has his own, of one that belongs to this one of its people."""
    make = next(make for beginning, make in ROWS.items() if route.startswith(beginning))
    return str(make(house, name if name in house.people else "owner").pk)


def address(route: str, house: House, name: str = "owner", *, id: str | None = None) -> str:
    """The path of a route with this id in it, or else that of a row, as `row_id` gives it."""
    wanted = row_id(route, house, name) if "<str:id>" in route and id is None else id
    named = route.replace("<str:name>", house.secret.name) if "<str:name>" in route else route
    return named.replace("<str:workspace>", house.slug).replace("<str:id>", wanted or "")


def rows() -> list[str]:
    """Everything that the API may have written; what a token's use writes isn't the request's doing."""
    return [str(list(model._default_manager.order_by("pk").values())) for model in MODELS] + [
        str(list(ApiToken.objects.order_by("pk").values_list("pk", "name", "scopes", "expires_at")))
    ]
