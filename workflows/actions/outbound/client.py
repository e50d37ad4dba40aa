"""The outbound client: one guarded, bounded exchange over HTTP."""

import http.client
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urlsplit, urlunsplit

import requests
import urllib3
from django.conf import settings

from workflows.actions.context import ActionError
from workflows.actions.outbound.addresses import USER_IN_URL, has_user, url_fault
from workflows.actions.outbound.connections import GuardedAdapter
from workflows.actions.outbound.content import as_text, storable
from workflows.actions.outbound.failures import failure_of
from workflows.actions.outbound.inflating import PIECE_BYTES, inflated
from workflows.actions.outbound.redirects import MAX_REDIRECTS, redirected, target_of
from workflows.actions.outbound.watchdog import Watchdog
from workflows.documents import Json
from workspaces.masking import MASK, beyond, cut, masked

EXCERPT_BYTES = 2_048
MAX_URL_SHOWN = 500
WORTH_A_RETRY = {408, 425, 429}
UNDER_WAY = (OSError, http.client.HTTPException, urllib3.exceptions.HTTPError)


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds a call: all of it within `seconds`, its inflated body within `max_bytes`, and `cancelled` at once."""

    seconds: float
    cancelled: threading.Event
    max_bytes: int | None = None
    verify_tls: bool = True
    follow_redirects: bool = True

    @property
    def body_bytes(self) -> int:
        most: int = settings.OUTBOUND_MAX_RESPONSE_BYTES
        return min(most, self.max_bytes) if self.max_bytes is not None else most


@dataclass(frozen=True, slots=True)
class Answer:
    """A response whose status was expected: header names in lower case, the body inflated, the URL it came from."""

    status: int
    headers: dict[str, str]
    body: bytes
    url: str
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it will be sent, and its URL as it was written."""

    request: requests.PreparedRequest
    written: str

    def shown(self, url: str) -> str:
        """This URL, which may be the call's own or one that redirects led to, with a mask for each secret in it.

        What becomes of a secret where a URL is taken apart and put in order, no mask would know again. So one that was
        written with a secret is shown as it was written, and where a redirect leads to from there isn't shown at all.
        """
        written = masked(self.written)
        if written == self.written:
            return masked(url)
        return written if url == self.request.url else MASK


def prepare(
    *, method: str, url: str, query: Sequence[tuple[str, str]], headers: Mapping[str, str], body: bytes | None
) -> Call:
    """The request as it will be sent; nothing of the environment (netrc, proxies) is read. Raises INVALID_URL."""
    _check_url(url, masked(url))
    try:
        request = requests.Request(method, url, params=list(query), headers=dict(headers), data=body).prepare()
    except requests.RequestException as error:
        raise failure_of(error, _for_messages(masked(url))) from error
    call = Call(request, url)
    _check_url(str(request.url), call.shown(str(request.url)))
    return call


def send(call: Call, *, expects: Callable[[int], bool], limits: Limits) -> Answer:
    """Sends the call's request, follows its redirects, and reads the answer. The URL in it is as `call` shows it.

    Raises ActionError with the codes HTTP_STATUS (a status that `expects` refuses), CONNECTION_FAILED, TIMEOUT,
    TLS_FAILED, RESPONSE_TOO_LARGE, ADDRESS_FORBIDDEN, TOO_MANY_REDIRECTS, INVALID_URL and INVALID_RESPONSE, and
    ActionCancelled.
    """
    began = time.monotonic()
    with Watchdog(limits.seconds, limits.cancelled) as watchdog, closing(GuardedAdapter(watchdog)) as adapter:
        try:
            response = _follow(call, adapter, watchdog, limits)
            url = call.shown(str(response.url))
            if not expects(response.status_code):
                raise _unexpected(response, url, watchdog)
            body = _read(response, watchdog, limits.body_bytes)
        except UNDER_WAY as error:
            watchdog.check()
            raise failure_of(error, _for_messages(call.shown(str(call.request.url)))) from error
    headers = {name.lower(): storable(value) for name, value in response.headers.items()}
    return Answer(response.status_code, headers, body, url, round((time.monotonic() - began) * 1000))


def _follow(call: Call, adapter: GuardedAdapter, watchdog: Watchdog, limits: Limits) -> requests.Response:
    request = call.request
    for _ in range(MAX_REDIRECTS + 1):
        response = adapter.send(request, stream=True, timeout=watchdog.remaining(), verify=limits.verify_tls)
        target = target_of(response) if limits.follow_redirects else None
        if target is None:
            return response
        response.close()
        watchdog.check()
        _check_url(target, call.shown(target))
        request = redirected(request, response.status_code, target)
        _check_url(str(request.url), call.shown(str(request.url)))
    last = _for_messages(call.shown(str(request.url)))
    raise ActionError(
        "TOO_MANY_REDIRECTS", f"More than {MAX_REDIRECTS} redirects, the last one to {last}.", retryable=False
    )


def _check_url(url: str, shown: str) -> None:
    """A password with a / or # in it looks like a host: that it is one, only its mask still shows."""
    fault = url_fault(url) or (USER_IN_URL if has_user(shown) else None)
    if fault:
        raise ActionError("INVALID_URL", f"The URL {_for_messages(shown)!r} {fault}", retryable=False)


def _for_messages(url: str) -> str:
    """Without user, password, query and fragment, and no longer than people read. Masked before it is taken apart."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return cut(url.partition("?")[0].rpartition("@")[2], MAX_URL_SHOWN)
    return cut(urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", "")), MAX_URL_SHOWN)


def _read(response: requests.Response, watchdog: Watchdog, max_bytes: int) -> bytes:
    body = bytearray()
    for piece in inflated(_raw(response, watchdog), response.headers.get("content-encoding", "")):
        body += piece
        if len(body) > max_bytes:
            raise ActionError(
                "RESPONSE_TOO_LARGE",
                f"The response is larger than {max_bytes:,} bytes; ask for less, or raise maxResponseBytes.",
                retryable=False,
            )
    return bytes(body)


def _raw(response: requests.Response, watchdog: Watchdog) -> Iterator[bytes]:
    """The body as it comes, not inflated."""
    while piece := response.raw.read(PIECE_BYTES, decode_content=False):
        yield piece
    # A connection that was shut down looks like the end of a body that has no length.
    watchdog.check()


def _unexpected(response: requests.Response, url: str, watchdog: Watchdog) -> ActionError:
    status = response.status_code
    details: dict[str, Json] = {"status": status, "body": _excerpt(response, watchdog)}
    retry_after_ms = _retry_after_ms(response.headers.get("retry-after", ""))
    if retry_after_ms is not None:
        details["retryAfterMs"] = retry_after_ms
    return ActionError(
        "HTTP_STATUS",
        f"{response.request.method} {_for_messages(url)} answered {status}.",
        retryable=status in WORTH_A_RETRY or status >= HTTPStatus.INTERNAL_SERVER_ERROR,
        details=details,
    )


def _excerpt(response: requests.Response, watchdog: Watchdog) -> str | None:
    """The beginning of the body, or None when it can't be read: the status is what failed, and is known already."""
    try:
        pieces = inflated(_raw(response, watchdog), response.headers.get("content-encoding", ""))
        read = b"".join(_at_least(EXCERPT_BYTES + beyond() + 1, pieces))
    except (*UNDER_WAY, ActionError):
        return None
    piece = read[: EXCERPT_BYTES + beyond()]
    text = as_text(piece, response.headers.get("content-type", ""))
    return cut(text, EXCERPT_BYTES, is_whole=len(piece) == len(read))


def _at_least(size: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """As many pieces as have this size together; all of them when they have less."""
    while size > 0 and (piece := next(pieces, b"")):
        size -= len(piece)
        yield piece


def _retry_after_ms(value: str) -> int | None:
    if value.strip().isdecimal():
        return int(value.strip()[:9]) * 1000
    try:
        until = parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return None
    return max(0, round((until - time.time()) * 1000))
