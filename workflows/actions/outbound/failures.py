"""What went wrong between the two ends, as one of the codes that a workflow sees."""

import http.client
import ssl
from collections.abc import Iterator

import requests
import urllib3

from workflows.actions.context import ActionError

BROKEN_OFF = (
    http.client.RemoteDisconnected,
    http.client.IncompleteRead,
    urllib3.exceptions.IncompleteRead,
    ssl.SSLEOFError,
    ConnectionError,
)
TIMED_OUT = (TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError)
NO_URL = (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema, requests.exceptions.InvalidSchema)
NO_HTTP = (
    http.client.HTTPException,
    requests.exceptions.InvalidHeader,
    urllib3.exceptions.DecodeError,
    urllib3.exceptions.InvalidHeader,
)


def failure_of(error: BaseException, target: str) -> ActionError:
    """The typed failure for what requests, urllib3 or a socket raised in a call to `target`, a URL without secrets."""
    causes = tuple(_causes(error))
    if found := _first(causes, BROKEN_OFF):
        return ActionError("CONNECTION_FAILED", f"{target} broke the connection off: {_reason(found)}.")
    if _first(causes, TIMED_OUT):
        return ActionError("TIMEOUT", f"{target} didn't answer in time.")
    if found := _first(causes, (ssl.SSLError,)):
        mend = "Correct the server's certificate, or set verifyTls to false if you trust the way there."
        return ActionError("TLS_FAILED", f"{target}: {_reason(found)}. {mend}", retryable=False)
    if found := _first(causes, NO_URL):
        return ActionError("INVALID_URL", f"{target}: {_reason(found)}.", retryable=False)
    if found := _first(causes, NO_HTTP):
        return ActionError("INVALID_RESPONSE", f"{target} answered with what isn't HTTP: {_reason(found)}.")
    return ActionError("CONNECTION_FAILED", f"The call to {target} failed: {_reason(causes[-1])}.")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """`error` and all that it came from, the outermost first: also those that urllib3 keeps as an argument only."""
    while error is not None:
        yield error
        inner = [argument for argument in error.args if isinstance(argument, Exception)]
        reason = getattr(error, "reason", None)
        inner += [reason] if isinstance(reason, Exception) else []
        error = inner[0] if inner else error.__cause__ or error.__context__


def _first(causes: tuple[BaseException, ...], kinds: tuple[type[BaseException], ...]) -> BaseException | None:
    return next((cause for cause in causes if isinstance(cause, kinds)), None)


def _reason(error: BaseException) -> str:
    text = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return text.rstrip(".")
