"""Between ASGI and WSGI."""

import asyncio
import threading
from collections.abc import Iterable
from typing import Any

import pytest

from config.answers import Answer
from config.threads import Threads, environ_of
from config.wsgi import application as wsgi_application


def scope(path: str = "/", query: bytes = b"", **more: Any) -> Any:
    given = {"type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "root_path": "", "path": path}
    rest = {"query_string": query, "headers": [], "client": ("192.0.2.1", 1234), "server": ("127.0.0.1", 80)}
    return given | rest | more


def headers(*pairs: tuple[str, str]) -> Any:
    return scope(headers=[(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs])


def test_paths_and_queries_are_the_bytes_that_were_sent() -> None:
    environ = environ_of(scope("/é", b"search=\xc3\xa9&bad=\xff"), b"")
    assert environ["PATH_INFO"].encode("latin-1") == "/é".encode()
    assert environ["QUERY_STRING"].encode("latin-1") == b"search=\xc3\xa9&bad=\xff"


def test_what_is_in_front_of_the_path_is_where_the_app_is_mounted() -> None:
    environ = environ_of(scope("/flows/api", root_path="/flows"), b"")
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/flows", "/api")


def test_a_server_behind_a_socket_has_no_addresses() -> None:
    environ = environ_of(scope(server=("/run/trilith.sock", None), client=None), b"")
    assert (environ["SERVER_PORT"], environ["REMOTE_ADDR"]) == ("0", "")


def test_the_body_has_the_length_that_it_has() -> None:
    for framing in [("content-length", "5"), ("transfer-encoding", "chunked"), ("x-other", "1")]:
        environ = environ_of(headers(framing), b"body")
        assert (environ["CONTENT_LENGTH"], environ["wsgi.input"].read()) == ("4", b"body")
        assert "HTTP_TRANSFER_ENCODING" not in environ


def test_headers_that_pass_for_others_are_left_out() -> None:
    environ = environ_of(headers(("x-user", "ada"), ("x_user", "eve"), ("content_type", "text/html")), b"")
    assert environ["HTTP_X_USER"] == "ada"
    assert "HTTP_CONTENT_TYPE" not in environ
    assert "CONTENT_TYPE" not in environ


def test_headers_that_come_twice_are_joined() -> None:
    environ = environ_of(headers(("accept", "a"), ("accept", "b"), ("cookie", "a=1"), ("cookie", "b=\xff")), b"")
    assert environ["HTTP_ACCEPT"] == "a,b"
    assert environ["HTTP_COOKIE"] == "a=1; b=\xff"


# Asking


class Parts:
    """An answer in two parts, that has to be closed."""

    closed = False

    def __iter__(self) -> Any:
        yield b"one, "
        yield b"two"

    def close(self) -> None:
        self.closed = True


def ask(app: Any, **more: Any) -> Answer:
    async def asked() -> Answer:
        return await Threads(app, threads=1, marks={"HTTP_MARK": "ours"}).ask(scope(**more), b"")

    return asyncio.run(asked())


def test_an_answer_comes_whole_from_a_thread_and_is_closed() -> None:
    parts = Parts()

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("201 Created", [("X-Thread", threading.current_thread().name), ("X-Mark", environ["HTTP_MARK"])])
        return parts

    answer = ask(app, headers=[(b"mark", b"a client's")])

    assert (answer.status, answer.body) == (201, b"one, two")
    assert answer.header(b"x-thread").startswith(b"trilith-web")
    assert answer.header(b"x-mark") == b"ours"
    assert parts.closed


@pytest.mark.parametrize(
    ("method", "status", "given", "length"),
    [
        ("GET", 200, [], b"8"),
        ("GET", 200, [("Content-Length", "8")], b"8"),
        ("HEAD", 200, [], b""),
        ("HEAD", 200, [("Content-Length", "8")], b"8"),
        ("GET", 204, [], b""),
        ("GET", 304, [], b""),
    ],
)
def test_an_answer_has_a_length_where_it_is_known(
    method: str, status: int, given: list[tuple[str, str]], length: bytes
) -> None:
    def app(_environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response(f"{status} Whatever", given)
        return Parts()

    assert ask(app, method=method).header(b"content-length") == length


def test_what_an_app_raises_is_a_problem_that_says_nothing_of_it(caplog: pytest.LogCaptureFixture) -> None:
    def app(_environ: dict[str, Any], _start_response: Any) -> Iterable[bytes]:
        raise SystemError("the app is broken")

    answer = ask(app)

    assert (answer.status, answer.header(b"content-type")) == (500, b"application/problem+json")
    assert b"broken" not in answer.body
    assert "the app is broken" in caplog.text


def test_a_request_that_django_can_not_make_one_of_is_the_clients_fault() -> None:
    answer = ask(wsgi_application, headers=[(b"content-type", b"x/" + b"y" * 20_000)])

    assert (answer.status, answer.header(b"content-type")) == (400, b"application/problem+json")
