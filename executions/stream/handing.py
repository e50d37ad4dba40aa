"""How a view hands a stream to the server, which holds no thread for it, or streams itself where nobody takes it."""

from collections.abc import Iterator
from typing import Protocol

from django.http import HttpHeaders, HttpResponse, HttpResponseBase, StreamingHttpResponse

from executions.models import Execution
from executions.stream.following import follow_blocking
from executions.stream.passes import Holder, Pass

# Only the server can say this of a request: no header of a client's has such a name.
HELD_BY_SERVER = "HTTP_TRILITH_HELD_BY_SERVER"
HANDED_OVER = "Trilith-Stream-Pass"
CONTENT_TYPE = "text/event-stream"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
MAX_POSITION_DIGITS = 18


class Asked(Protocol):
    """What Django's requests and the API's have in common."""

    method: str | None
    META: dict[str, str]

    @property
    def headers(self) -> HttpHeaders: ...


def answer(request: Asked, handed: Pass, otherwise: Iterator[bytes]) -> HttpResponseBase:
    """The pass for the server, where it streams; else what `otherwise` gives."""
    if request.method == "HEAD":
        return HttpResponse(content_type=CONTENT_TYPE, headers=HEADERS)
    if HELD_BY_SERVER in request.META:
        return HttpResponse(content_type=CONTENT_TYPE, headers={**HEADERS, HANDED_OVER: handed.dumped()})
    return StreamingHttpResponse(otherwise, content_type=CONTENT_TYPE, headers=HEADERS)


def stream_of(request: Asked, execution: Execution, holder: Holder) -> HttpResponseBase:
    """From `Last-Event-ID` on; 204 when nothing will come after it, which stops an EventSource."""
    since = last_id(request)
    if since > execution.position:
        since = 0  # of another execution, or of no execution at all: all that happened is new to this client
    elif since == execution.position and execution.has_ended:
        return HttpResponse(status=204)
    return answer(request, Pass(holder, execution.pk, since), follow_blocking(execution.pk, since))


def last_id(request: Asked) -> int:
    return position_of(request.headers.get("Last-Event-ID", ""))


def position_of(text: str) -> int:
    """0 for none, and for what can be none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_POSITION_DIGITS else 0
