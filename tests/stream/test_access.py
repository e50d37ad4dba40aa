"""Who may follow, by what, and for how long."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import signing
from django.test import Client
from django.utils import timezone

from executions.models import Execution
from executions.stream.passes import TICKET_LIFE
from tests.config.servers import Server
from tests.executions.programs import scene
from tests.factories import ExecutionFactory, MembershipFactory, UserFactory
from tests.stream.scenes import asleep, echo, is_the_whole_log, kinds, ran, stream_of
from tests.stream.sse import follow, followed, refused
from workspaces import tokens
from workspaces.fields import uuid7
from workspaces.models import ApiToken, Membership

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def execution() -> Execution:
    return ran(echo(1))


def bearer(*scopes: str, **options: Any) -> dict[str, str]:
    """Of a new user, a member unless told otherwise."""
    user = UserFactory.create()
    if options.pop("is_member", True):
        MembershipFactory.create(workspace=scene.workspace(), user=user)
    _, text = tokens.issue(user=user, name="test", scopes=scopes or ["read"], **options)
    return {"Authorization": f"Bearer {text}"}


def session() -> dict[str, str]:
    client = Client()
    user = UserFactory.create()
    MembershipFactory.create(workspace=scene.workspace(), user=user)
    client.force_login(user)
    return {"Cookie": f"sessionid={client.cookies['sessionid'].value}"}


def ticket(server: Server, execution: Execution, headers: dict[str, str]) -> Any:
    """The answer's body."""
    answer = server.ask("POST", f"{stream_of(execution)}-ticket", **headers)
    assert answer.status == 201, answer
    return answer.body


@pytest.mark.parametrize("holder", [bearer, session])
def test_a_token_and_a_session_open_it(
    server: Server, execution: Execution, holder: Callable[[], dict[str, str]]
) -> None:
    is_the_whole_log(followed(server, stream_of(execution), **holder()), execution)


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        (dict, 401, "UNAUTHORIZED"),
        (lambda: {"Authorization": "Bearer tri_nothing"}, 401, "UNAUTHORIZED"),
        (lambda: {"Cookie": "sessionid=nothing"}, 401, "UNAUTHORIZED"),
        (lambda: bearer("execute", "write"), 403, "FORBIDDEN"),
        (lambda: bearer(is_member=False), 404, "WORKSPACE_NOT_FOUND"),
    ],
    ids=["nothing", "a token that is none", "a session that is none", "a token that can't read", "a stranger"],
)
def test_everybody_else_is_refused_with_a_problem(
    server: Server, execution: Execution, headers: Callable[[], dict[str, str]], status: int, code: str
) -> None:
    answer = refused(server, stream_of(execution), **headers())

    assert (answer.status, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert answer.body["error"] == code


def test_a_foreign_execution_is_missing_as_one_that_never_was(server: Server, execution: Execution) -> None:
    foreign = ExecutionFactory.create()
    own = stream_of(execution)
    answers = [
        refused(server, own.replace(str(execution.pk), other), **bearer())
        for other in (str(foreign.pk), str(uuid7()), "nonsense")
    ]
    assert {(each.status, each.body["error"]) for each in answers} == {(404, "EXECUTION_NOT_FOUND")}


# Tickets


@pytest.mark.parametrize("holder", [bearer, session])
def test_a_ticket_opens_its_execution_without_anything_else(
    server: Server, execution: Execution, holder: Callable[[], dict[str, str]]
) -> None:
    headers = holder()
    if "Cookie" in headers:
        headers = with_csrf(headers)
    issued = ticket(server, execution, headers)

    assert issued["url"] == f"{stream_of(execution)}?ticket={issued['ticket']}"
    is_the_whole_log(followed(server, issued["url"]), execution)


def with_csrf(headers: dict[str, str]) -> dict[str, str]:
    token = "a" * 32
    return {"Cookie": f"{headers['Cookie']}; csrftoken={token}", "X-CSRFToken": token}


def test_a_ticket_opens_nothing_else(server: Server, execution: Execution) -> None:
    headers = bearer()
    other = ran(echo(2))
    text = ticket(server, execution, headers)["ticket"]

    for path in (
        f"{stream_of(other)}?ticket={text}",
        f"{stream_of(execution)}?ticket={text}x",
        f"{stream_of(execution)}?ticket=",
        f"{stream_of(execution).removesuffix('/stream')}?ticket={text}",
    ):
        assert refused(server, path, Accept="*/*").status in (400, 401), path


def aged(text: str, by: timedelta, patch: pytest.MonkeyPatch) -> str:
    """The same ticket as if it had been issued so long before."""
    value = signing.loads(text, salt="trilith.stream")
    now = time.time()
    with patch.context() as earlier:
        earlier.setattr(time, "time", lambda: now - by.total_seconds())
        return signing.dumps(value, salt="trilith.stream")


def test_a_ticket_lasts_a_minute(server: Server, execution: Execution, monkeypatch: pytest.MonkeyPatch) -> None:
    text = ticket(server, execution, bearer())["ticket"]
    assert timedelta(seconds=60) == TICKET_LIFE

    young = aged(text, timedelta(seconds=20), monkeypatch)
    is_the_whole_log(followed(server, f"{stream_of(execution)}?ticket={young}"), execution)
    old = aged(text, timedelta(seconds=62), monkeypatch)
    assert refused(server, f"{stream_of(execution)}?ticket={old}").status == 401


def revoke() -> None:
    tokens.revoke(token=ApiToken.objects.get())


def expire() -> None:
    ApiToken.objects.update(expires_at=timezone.now())


def deactivate() -> None:
    user = Membership.objects.latest("created_at").user
    user.is_active = False
    user.save()


def remove() -> None:
    Membership.objects.latest("created_at").delete()


LOSSES = [revoke, expire, deactivate, remove]


@pytest.mark.parametrize("lose", LOSSES)
def test_a_ticket_dies_with_what_it_was_issued_for(
    server: Server, execution: Execution, lose: Callable[[], None]
) -> None:
    url = ticket(server, execution, bearer())["url"]

    lose()

    assert refused(server, url).status in (401, 404)


def test_only_who_may_follow_gets_a_ticket(server: Server, execution: Execution) -> None:
    path = f"{stream_of(execution)}-ticket"
    assert server.ask("POST", path).status == 401
    assert server.ask("POST", path, **bearer("execute")).status == 403
    assert server.ask("POST", path, **bearer(is_member=False)).status == 404


# Streams that are open


@pytest.mark.parametrize("lose", LOSSES)
@pytest.mark.parametrize("is_by_ticket", [False, True])
def test_whoever_loses_access_is_told_and_follows_no_longer(
    server: Server, lose: Callable[[], None], *, is_by_ticket: bool
) -> None:
    execution = asleep()
    leaver = bearer()
    url = ticket(server, execution, leaver)["url"] if is_by_ticket else stream_of(execution)

    with follow(server, url, **({} if is_by_ticket else leaver)) as stream:
        stream.take(2)
        lose()
        events = list(stream)

    assert kinds(events) == ["error"]
    assert "message" in events[0].data


def test_a_session_whose_user_is_deactivated_is_ended_and_others_are_not(
    server: Server, headers: dict[str, str]
) -> None:
    execution = asleep()
    with (
        follow(server, stream_of(execution), **headers) as stays,
        follow(server, stream_of(execution), **session()) as leaves,
    ):
        stays.take(2)
        leaves.take(2)
        deactivate()
        assert kinds(leaves) == ["error"]
        stays.comment()
