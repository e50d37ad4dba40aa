"""What is followed, and what another origin sees."""

from contextlib import ExitStack

import pytest

from tests.workflows.call_api.calls import failure, fetch, redirecting
from tests.workflows.call_api.conftest import Serve
from tests.workflows.http_server import Exchange, replying, serving


@pytest.mark.parametrize(
    ("status", "method", "then", "keeps_body"),
    [
        *[(301, "POST", "GET", False), (302, "POST", "GET", False), (303, "PUT", "GET", False)],
        *[(302, "PUT", "PUT", True), (307, "POST", "POST", True), (308, "PATCH", "PATCH", True)],
        (303, "HEAD", "HEAD", False),
    ],
)
def test_it_follows_a_redirect(serve: Serve, status: int, method: str, then: str, *, keeps_body: bool) -> None:
    def behave(exchange: Exchange) -> None:
        if exchange.path == "/a/old":
            exchange.reply(status, headers={"Location": "../new?x=1#there"})
        else:
            exchange.reply(200)

    server = serve(behave)
    body = b"text" if keeps_body or method != "HEAD" else None
    answer = fetch(f"{server.url}/a/old", method=method, body=body, headers={"Content-Type": "text/plain"})
    last = server.received[-1]
    assert (last.method, last.path, last.body) == (then, "/new?x=1", b"text" if keeps_body else b"")
    assert answer.url == f"{server.url}/new?x=1#there"
    assert ("content-length" in last.headers) is keeps_body


SECRETS = {"Authorization": "a", "Cookie": "b", "X-Api-Key": "c", "Idempotency-Key": "d", "Accept": "text/html"}


def test_another_origin_does_not_see_credentials(serve: Serve) -> None:
    other = serve(replying())
    first = serve(redirecting(other.url))
    fetch(first.url, headers=SECRETS)
    for name, value in SECRETS.items():
        assert first.received[0].headers[name.lower()] == value
    assert "text/html" in other.received[0].headers.values()
    assert not {"a", "b", "c", "d"} & set(other.received[0].headers.values())


def test_the_same_origin_sees_them_again(serve: Serve) -> None:
    def behave(exchange: Exchange) -> None:
        exchange.reply(302 if exchange.path == "/" else 200, headers={"Location": "/next"})

    server = serve(behave)
    fetch(f"{server.url}/", headers=SECRETS)
    assert {name: server.received[1].headers[name.lower()] for name in SECRETS} == SECRETS


def test_a_cookie_of_a_redirect_is_not_carried_on(serve: Serve) -> None:
    other = serve(replying())
    first = serve(replying(302, location=other.url, set_cookie="session=1; Path=/"))
    fetch(first.url)
    assert "cookie" not in other.received[0].headers


def test_a_redirect_to_a_forbidden_address_is_refused(serve: Serve, servers: ExitStack) -> None:
    inside = servers.enter_context(serving())
    assert failure(serve(redirecting(inside.url)).url).code == "ADDRESS_FORBIDDEN"
    assert inside.received == []


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "http://user:pw@127.0.0.1/", "http://[::1", "http://u:pw@a:99999/"]
)
def test_a_redirect_to_what_is_no_url_is_refused(serve: Serve, location: str) -> None:
    error = failure(serve(redirecting(location)).url)
    assert error.code == "INVALID_URL"
    assert "pw" not in error.message


def test_it_does_not_go_round_for_ever(serve: Serve) -> None:
    server = serve(redirecting("/again"))
    error = failure(server.url)
    assert (error.code, error.retryable, len(server.received)) == ("TOO_MANY_REDIRECTS", False, 6)


def test_it_stays_when_told_so(serve: Serve) -> None:
    server = serve(redirecting("/next"))
    assert failure(server.url, follow_redirects=False).code == "HTTP_STATUS"
    assert len(server.received) == 1
