"""What every answer of a real server tells a browser, whoever gives it: a view, Django, a stream, the server itself."""

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests.admin.scenes import session_of
from tests.api.house import House
from tests.api.routes import EXPECTED, METHODS, address
from tests.config.browsers import tab
from tests.config.servers import Reply, Server, serving
from workspaces import tokens
from workspaces.models import Scope

pytestmark = pytest.mark.django_db(transaction=True)

TABLE = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Server": None,
    "X-Powered-By": None,
    "Access-Control-Allow-Origin": None,
}
CLOSED = {"default-src": "'none'", "base-uri": "'none'", "frame-ancestors": "'none'"}
HTTPS = {"X-Forwarded-Proto": "https"}

type Case = tuple[str, str, dict[str, str]]


@pytest.fixture
def server(transactional_db: None) -> Iterator[Server]:
    with serving(ALLOWED_HOSTS="127.0.0.1") as server:
        yield server


def head_of(server: Server, case: Case) -> Reply:
    """Its body isn't waited for: that of a stream may have no end."""
    method, path, headers = case
    connection = server.send(method, path, **headers)
    try:
        response = connection.getresponse()
        return Reply(response.status, response.headers, None)
    finally:
        connection.close()


def policy(reply: Reply) -> dict[str, str]:
    directives = reply.headers["Content-Security-Policy"].split("; ")
    return {name: sources for name, _, sources in (directive.partition(" ") for directive in directives)}


def check(reply: Reply, case: Case) -> None:
    assert {name: reply.headers.get(name) for name in TABLE} == TABLE, case
    sources = policy(reply)
    assert {name: sources[name] for name in CLOSED} == CLOSED, case
    path = "" if reply.headers["Connection"] == "close" else case[1]  # the server's own answer, and no page
    is_admin, is_page = path.startswith("/admin/"), path.startswith(("/admin/", "/api/docs"))
    scripts = "'self' 'unsafe-eval'" if is_admin else "'self'" if is_page else None
    assert sources.get("script-src") == scripts, case
    assert sources["style-src"] == ("'self' 'unsafe-inline'" if is_admin else "'self'"), case
    is_asset = case[1].startswith("/static/") and reply.status in (200, 304)
    assert ("no-store" in reply.headers["Cache-Control"]) != is_asset, case


def of_the_api(house: House) -> Iterator[Case]:
    """Each route by each method: as the owner, and as nobody."""
    _, text = tokens.issue(user=house.people["owner"], name="test", scopes=Scope.values)
    for route in EXPECTED:
        for method in METHODS:
            path = f"/api/{address(route, house)}"
            yield method, path, {}
            yield method, path, {"Authorization": f"Bearer {text}"}


def of_the_admin(user: User) -> Iterator[Case]:
    name, value = session_of(user)
    for path in (reverse("admin:index"), *(f"/admin/{each}/" for each in ("login", "password_change", "nothing"))):
        yield "GET", path, {"Cookie": f"{name}={value}", "Accept": "text/html"}
        yield "POST", path, {"Accept": "text/html"}
    for model in admin.site._registry:
        path = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        yield "GET", path, {"Cookie": f"{name}={value}"}


ODD: list[Case] = [
    ("GET", "/", {}),
    ("GET", "/nothing", {"Accept": "text/html"}),
    ("GET", "/nothing", {}),
    ("GET", "/healthz", {}),
    ("GET", "/readyz", {}),
    ("GET", "/metrics", {}),
    ("DELETE", "/metrics", {}),
    ("GET", "/metrics", {"X-Forwarded-For": "192.0.2.1"}),
    ("GET", "/static/trilith/mark.svg", {}),
    ("GET", "/static/trilith/nothing.svg", {}),
    ("GET", "/healthz", {"Host": "evil.example"}),
    ("POST", "/api/tokens", {"Content-Length": "99999999"}),
    ("POST", "/admin/login/", {"Content-Length": "99999999"}),
    ("GET", "/api/%00", {}),
    ("GET", "/%ff", {}),
]


def test_every_answer_has_the_headers_of_the_table(server: Server) -> None:
    root = User.objects.create_superuser("root")
    cases = [*ODD, *of_the_api(House()), *of_the_admin(root)]

    for case in cases:
        check(head_of(server, case), case)

    assert len(cases) > 400


def test_over_https_cookies_and_answers_stay_there(transactional_db: None) -> None:
    User.objects.create_superuser("root", password="a-password-of-mine")
    with serving(ALLOWED_HOSTS="127.0.0.1", HTTPS_ONLY="true") as server:
        page = server.ask("GET", "/admin/login/", **HTTPS)
        too_large = server.ask("POST", "/admin/login/", **HTTPS | {"Content-Length": "99999999"})
        in_the_clear = server.ask("GET", "/admin/login/")

    assert [page.status, too_large.status, in_the_clear.status] == [200, 413, 301]
    for reply in (page, too_large):
        assert reply.headers["Strict-Transport-Security"] == "max-age=2592000"
    (cookie,) = page.headers.get_all("Set-Cookie", [])
    name, *attributes = cookie.split("; ")
    assert name.startswith("__Host-csrftoken=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(attributes)


@pytest.mark.django_db
def test_the_sessions_cookie_is_for_this_server_alone() -> None:
    User.objects.create_superuser("root", password="a-password-of-mine")
    client = Client()

    client.post("/admin/login/", {"username": "root", "password": "a-password-of-mine"})

    cookie = client.cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (True, "Lax", "/", "")


@pytest.mark.looks
def test_the_page_to_try_the_api_works_under_its_policy(server: Server) -> None:
    with tab(f"http://127.0.0.1:{server.port}/api/docs") as page:
        page.do(lambda page: page.wait_for_selector("#operations-workspaces-listWorkspaces"))

        assert page.complaints == []
