"""Asks Django's WSGI app on a few threads, each of which is held for no longer than the app works.

A thread gets its request whole and gives its answer whole, so it never waits for a client, and the event loop and the
thread meet twice a request.
"""

import asyncio
import contextvars
import logging
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from io import BytesIO
from typing import Any

from asgiref.typing import HTTPScope
from django.core.exceptions import BadRequest

from config.answers import Answer, Headers, problem_answer
from config.problems import MESSAGES

BODILESS = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)

logger = logging.getLogger(__name__)

type WSGIApp = Callable[[dict[str, Any], Callable[..., object]], Iterable[bytes]]


class Threads:
    """`marks` are added to the environ of each request; no header of a client's can look like one of them."""

    def __init__(self, app: WSGIApp, *, threads: int, marks: dict[str, str]) -> None:
        self._app = app
        self._marks = marks
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="trilith-web")

    async def ask(self, scope: HTTPScope, body: bytes) -> Answer:
        environ = environ_of(scope, body) | self._marks
        in_context = contextvars.copy_context().run
        return await asyncio.get_running_loop().run_in_executor(self._pool, in_context, self._answered, environ)

    def _answered(self, environ: dict[str, Any]) -> Answer:
        """What Django raises here is outside of all its handlers: it couldn't even make a request of it."""
        try:
            return self._answer(environ)
        except BadRequest as error:
            return problem_answer(400, "VALIDATION_ERROR", f"The request can't be understood: {error}")
        except Exception:
            logger.exception("%s %s failed", environ["REQUEST_METHOD"], environ["PATH_INFO"])
            return problem_answer(500, "INTERNAL_ERROR", MESSAGES[500])

    def _answer(self, environ: dict[str, Any]) -> Answer:
        started: list[tuple[int, Headers]] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_exc_info: object) -> None:
            pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
            started.append((int(status.partition(" ")[0]), pairs))

        parts = self._app(environ, start_response)
        try:
            body = b"".join(parts)
        finally:
            if close := getattr(parts, "close", None):
                close()
        status, headers = started[-1]
        return Answer(status, _with_length(environ["REQUEST_METHOD"], status, headers, body), body)


def _with_length(method: str, status: int, headers: Headers, body: bytes) -> Headers:
    """A whole answer has a length, also where Django didn't give it; that of a HEAD and of no content isn't known."""
    if method == "HEAD" or status in BODILESS or any(name == b"content-length" for name, _ in headers):
        return headers
    return [*headers, (b"content-length", str(len(body)).encode())]


def environ_of(scope: HTTPScope, body: bytes) -> dict[str, Any]:
    """The WSGI environ of a request whose body is at hand; PEP 3333 wants text that holds bytes, as Latin-1."""
    root = scope["root_path"].encode().decode("latin-1")
    path = scope["path"].encode().decode("latin-1")
    host, port = scope["server"] or ("localhost", 80)
    client, client_port = scope["client"] or ("", 0)
    return _headers(scope) | {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": root,
        "PATH_INFO": path.removeprefix(root),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "CONTENT_LENGTH": str(len(body)),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port or 0),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client,
        "REMOTE_PORT": str(client_port),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


def _headers(scope: HTTPScope) -> dict[str, Any]:
    """How the body was framed is left out, and names with an underscore, which would pass for one with a hyphen."""
    environ: dict[str, Any] = {}
    for name, value in scope["headers"]:
        if b"_" in name or name in (b"content-length", b"transfer-encoding"):
            continue
        key = name.decode("latin-1").upper().replace("-", "_")
        key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
        text = value.decode("latin-1")
        separator = "; " if key == "HTTP_COOKIE" else ","
        environ[key] = f"{environ[key]}{separator}{text}" if key in environ else text
    return environ
