"""`/metrics`, and what is counted of requests and streams. A request's route is its pattern, never its path."""

import time
from collections.abc import Callable
from http import HTTPStatus

import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe
from prometheus_client import Counter, Gauge, Histogram

from config.problems import CONTENT_TYPE, problem
from executions.engine.metrics import REGISTRY
from executions.monitoring.access import refusal
from executions.monitoring.serving import exposition

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
ROUTELESS = "none"
REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

REQUESTS = Counter(
    "trilith_http_requests",
    "Requests that Django answered, by method, route and status; `none` is no route, as of static files.",
    ["method", "route", "status"],
    registry=REGISTRY,
)
REQUEST_SECONDS = Histogram(
    "trilith_http_request_duration_seconds",
    "How long Django took to answer; what is held or streamed after that isn't in it.",
    ["method", "route"],
    buckets=REQUEST_BUCKETS,
    registry=REGISTRY,
)
STREAMS = Gauge("trilith_stream_listeners", "Live streams that this process serves now.", registry=REGISTRY)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The metrics of this process, for those who may see them."""
    if refused := refusal(request.META):
        body = orjson.dumps(problem(refused.status, refused.code, refused.message))
        headers = {"WWW-Authenticate": "Bearer"} if refused.status == HTTPStatus.UNAUTHORIZED else {}
        return HttpResponse(body, CONTENT_TYPE, refused.status, headers=headers)
    text, content_type = exposition(request.headers.get("Accept", ""))
    return HttpResponse(text, content_type)


class MetricsMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        response = self.get_response(request)
        method = request.method if request.method in METHODS else "other"
        route = f"/{request.resolver_match.route}" if request.resolver_match else ROUTELESS
        REQUESTS.labels(method, route, response.status_code).inc()
        REQUEST_SECONDS.labels(method, route).observe(time.perf_counter() - began)
        return response
