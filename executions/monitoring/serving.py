"""The metrics as text, and a port of their own for a process that has no API."""

import json
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from http import HTTPStatus
from socketserver import ThreadingMixIn
from typing import Any, override
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django.conf import settings
from prometheus_client.exposition import choose_encoder

from executions.engine.metrics import REGISTRY
from executions.monitoring.access import Refusal, refusal
from executions.monitoring.backlog import Backlog

PATH = "/metrics"
CLIENT_SECONDS = 10
NOTHING_HERE = Refusal(404, "NOT_FOUND", f"There is nothing here but {PATH}.")

logger = logging.getLogger(__name__)

REGISTRY.register(Backlog())


def exposition(accept: str) -> tuple[bytes, str]:
    """All metrics of this process in the format that `accept` prefers, and its content type."""
    encoder, content_type = choose_encoder(accept)
    return encoder(REGISTRY), content_type


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    timeout = CLIENT_SECONDS

    @override
    def log_message(self, format: str, *args: Any) -> None:
        pass


def on_its_port() -> AbstractContextManager[object]:
    """Serves on METRICS_PORT (0: any that is free), if there is one, for as long as the block lasts.

    Raises OSError at once when it can't be had.
    """
    if settings.METRICS_PORT is None:
        return nullcontext()
    return _serving(make_server(settings.METRICS_HOST, settings.METRICS_PORT, _app, _Server, _Handler))


@contextmanager
def _serving(server: WSGIServer) -> Iterator[None]:
    threading.Thread(target=server.serve_forever, name="trilith-metrics", daemon=True).start()
    logger.info("metrics at http://%s:%s%s", server.server_address[0], server.server_port, PATH)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def _app(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    refused = refusal(environ) or (NOTHING_HERE if environ["PATH_INFO"] != PATH else None)
    if refused is None:
        body, content_type = exposition(environ.get("HTTP_ACCEPT", ""))
        start_response("200 OK", [("Content-Type", content_type)])
        return [body]
    phrase = HTTPStatus(refused.status).phrase
    problem = {"type": "about:blank", "title": phrase, "status": refused.status, "detail": refused.message}
    start_response(f"{refused.status} {phrase}", [("Content-Type", "application/problem+json")])
    return [json.dumps(problem | {"error": refused.code, "message": refused.message}).encode()]
