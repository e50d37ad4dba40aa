"""What comes back, and what a failure says."""

import gzip
from email.utils import formatdate
from time import time
from typing import Any

import pytest
from pytest_django import Settings

from tests.workflows.call_api.calls import call, call_failure
from tests.workflows.call_api.conftest import Serve
from tests.workflows.http_server import Exchange, replying


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b"", "application/json", None),
        (b'{"a": 1}', "application/json", {"a": 1}),
        (b"[true]", "application/problem+json; charset=utf-8", [True]),
        (b'\xef\xbb\xbf{"a": "\xc3\xbc"}', "application/json", {"a": "ü"}),
        ('{"a": "ü"}'.encode("utf-16"), "application/json", {"a": "ü"}),
        (b'{"a": "\xfc"}', "application/json; charset=iso-8859-1", {"a": "ü"}),
        (b"<h1>hi</h1>", "text/html", "<h1>hi</h1>"),
        (b"\xfc", "text/plain; charset=latin-1", "ü"),
        (b"\xa4", 'text/plain; charset="ISO-8859-15"', "€"),
        (b"\xfc", "text/plain", "\ufffd"),
        (b"\xfc", "text/plain; charset=utf-8", "\ufffd"),
        (b"ok", "text/plain; charset=klingon", "ok"),
        (b"ok", "text/plain; charset=", "ok"),
        (b"\\u0041", "text/plain; charset=unicode_escape", "\\u0041"),
        (b"6f6b", "text/plain; charset=hex", "6f6b"),
        (b"a\x00b", "text/plain", "a\ufffdb"),
        (b"<a/>", "application/soap+xml", "<a/>"),
        (b"\x89PNG", "image/png", {"base64": "iVBORw==", "contentType": "image/png"}),
        (b"ab", "", {"base64": "YWI=", "contentType": None}),
    ],
)
def test_the_body_is_parsed_by_its_content_type(serve: Serve, body: bytes, content_type: str, expected: Any) -> None:
    headers = {"content_type": content_type} if content_type else {}
    assert call(serve(replying(200, body, **headers)).url)["body"] == expected


@pytest.mark.parametrize(
    "body",
    [b"<h1>Service down</h1>", b"{", b"NaN", b'{"a": Infinity}', b"[" * 100_000, b"9" * 10_000, b"\xff\xfe\xff"],
    ids=["html", "cut", "nan", "infinity", "nested", "huge-number", "not-text"],
)
def test_json_that_is_none_is_an_invalid_response(serve: Serve, body: bytes) -> None:
    error = call_failure(serve(replying(200, body, content_type="application/json")).url)
    assert (error.code, error.retryable) == ("INVALID_RESPONSE", True)


@pytest.mark.parametrize("body", [b'"\\ud800"', b'{"a": "\\u0000"}', b'{"n": 99999999999999999999}'])
def test_json_that_no_database_stores_is_an_invalid_response(serve: Serve, body: bytes) -> None:
    error = call_failure(serve(replying(200, body, content_type="application/json")).url)
    assert (error.code, error.retryable) == ("INVALID_RESPONSE", False)
    assert "can't be stored" in error.message


def test_it_inflates_what_comes_compressed(serve: Serve) -> None:
    body = gzip.compress(b'{"a": 1}')
    server = serve(replying(200, body, content_type="application/json", content_encoding="gzip"))
    assert call(server.url)["body"] == {"a": 1}


def test_a_body_that_says_it_is_compressed_but_is_not_is_an_invalid_response(serve: Serve) -> None:
    assert call_failure(serve(replying(200, b"plain", content_encoding="gzip")).url).code == "INVALID_RESPONSE"


@pytest.mark.parametrize(
    ("status", "expected", "fits"),
    [
        (200, None, True),
        (299, None, True),
        (404, None, False),
        (404, [404], True),
        (404, ["404"], True),
        (200, [404], False),
        (418, ["2xx", "4xx"], True),
        (503, ["2xx", "4xx"], False),
        (302, ["3xx"], True),
        (304, None, False),
    ],
)
def test_it_takes_the_statuses_that_are_expected(
    serve: Serve, status: int, expected: list[int | str] | None, *, fits: bool
) -> None:
    server = serve(replying(status))
    config = {} if expected is None else {"expectedStatuses": expected}
    if fits:
        output = call(server.url, **config)
        assert (output["status"], output["ok"]) == (status, status < 300)
    else:
        assert call_failure(server.url, **config).code == "HTTP_STATUS"


@pytest.mark.parametrize(
    ("status", "retryable"),
    [
        *[(400, False), (401, False), (404, False), (409, False), (301, False)],
        *[(408, True), (425, True), (429, True), (500, True), (503, True)],
    ],
)
def test_only_a_status_that_may_get_better_is_tried_again(serve: Serve, status: int, *, retryable: bool) -> None:
    error = call_failure(serve(replying(status)).url)
    assert error.retryable is retryable
    assert isinstance(error.details, dict)
    assert error.details["status"] == status


def test_a_failure_holds_the_beginning_of_the_body_and_no_secret_of_the_url(serve: Serve) -> None:
    server = serve(replying(422, "é".encode() * 3_000 + b"\x00", content_type="text/plain"))
    error = call_failure(f"{server.url}/orders?token=s3cret")
    assert error.message == f"GET {server.url}/orders answered 422."
    assert error.details == {"status": 422, "body": "é" * 1_024}


@pytest.mark.parametrize(
    ("value", "wait_ms"), [("7", 7_000), ("0", 0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("9" * 5_000, 999_999_999_000)]
)
def test_retry_after_is_passed_on_in_milliseconds(serve: Serve, value: str, wait_ms: int) -> None:
    error = call_failure(serve(replying(429, retry_after=value)).url)
    assert error.details == {"status": 429, "body": "", "retryAfterMs": wait_ms}


def test_a_retry_after_that_is_a_date_counts_from_now(serve: Serve) -> None:
    error = call_failure(serve(replying(429, retry_after=formatdate(time() + 60, usegmt=True))).url)
    assert isinstance(error.details, dict)
    assert isinstance(wait_ms := error.details["retryAfterMs"], int)
    assert 50_000 < wait_ms <= 61_000


@pytest.mark.parametrize(
    "value",
    [
        "",
        "soon",
        "-1",
        "1e3",
        "Wed, 99 Oct 2015",
        "Wed, 21 Oct 99999 07:28:00 GMT",
        "²",
        "1 Jan 99999999999999999999 0:0:0",
    ],
)
def test_a_retry_after_that_is_none_is_left_out(serve: Serve, value: str) -> None:
    def behave(exchange: Exchange) -> None:
        exchange.wfile.write(f"HTTP/1.1 429 No\r\nContent-Length: 0\r\nRetry-After: {value}\r\n\r\n".encode("latin-1"))

    error = call_failure(serve(behave).url)
    assert error.details == {"status": 429, "body": ""}


def test_a_body_that_breaks_off_does_not_hide_a_refusal(serve: Serve) -> None:
    server = serve(replying(404, b"no", content_encoding="gzip"))
    error = call_failure(server.url)
    assert (error.code, error.retryable, error.details) == ("HTTP_STATUS", False, {"status": 404, "body": None})


def test_the_config_may_lower_the_size_limit_but_not_raise_it(serve: Serve, settings: Settings) -> None:
    settings.OUTBOUND_MAX_RESPONSE_BYTES = 100
    server = serve(replying(200, b"x" * 101, content_type="text/plain"))
    assert call_failure(server.url, maxResponseBytes=1_000).code == "RESPONSE_TOO_LARGE"
    settings.OUTBOUND_MAX_RESPONSE_BYTES = 1_000
    assert call_failure(server.url, maxResponseBytes=100).code == "RESPONSE_TOO_LARGE"
    assert call(server.url, maxResponseBytes=101)["body"] == "x" * 101


def test_a_timeout_of_the_config_is_kept(serve: Serve) -> None:
    error = call_failure(serve(Exchange.drip).url, timeoutMs=200)
    assert (error.code, error.retryable) == ("TIMEOUT", True)
