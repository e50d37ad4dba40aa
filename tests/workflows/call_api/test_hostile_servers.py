"""Servers that mean harm: whatever they send, a call ends as said, on time, and with little memory."""

import gzip
import socket
import struct
import threading
import zlib
from contextlib import suppress

import pytest
from pytest_django import Settings

from tests.workflows.call_api.calls import SLACK_SECONDS, at_most, call, call_failure, failure, fetch, redirecting
from tests.workflows.call_api.conftest import Serve, TalkTo
from tests.workflows.call_api.test_broken_servers import open_files
from tests.workflows.http_server import Behaviour, Exchange, replying, serving
from workflows.actions.outbound.heads import MAX_INTERIM

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
TEXT = HEAD + b"Content-Type: text/plain\r\n"


def raw(*parts: bytes) -> Behaviour:
    def behave(exchange: Exchange) -> None:
        with suppress(OSError):  # it may be left in the middle
            for part in parts:
                exchange.wfile.write(part)

    return behave


def endless(first: bytes, part: bytes) -> Behaviour:
    def behave(exchange: Exchange) -> None:
        exchange.wfile.write(first)
        while not exchange.stopping.is_set():
            exchange.wfile.write(part)

    return behave


BROKEN: dict[str, tuple[Behaviour, str]] = {
    "a status line of 1 MB": (raw(b"HTTP/1.1 200 " + b"O" * 1_000_000 + b"\r\n\r\n"), "INVALID_RESPONSE"),
    "a status line without end": (endless(b"HTTP/1.1 200 ", b"O" * 65_536), "INVALID_RESPONSE"),
    "10,000 headers": (raw(HEAD + b"X-A: 1\r\n" * 10_000 + b"\r\n"), "INVALID_RESPONSE"),
    "headers without end": (endless(HEAD, b"X-A: 1\r\n" * 1_000), "INVALID_RESPONSE"),
    "a header without end": (endless(HEAD + b"X-A: ", b"a" * 65_536), "INVALID_RESPONSE"),
    "a folded header without end": (endless(HEAD + b"X-A: 1\r\n", b" a\r\n"), "INVALID_RESPONSE"),
    "a header without a colon": (raw(TEXT + b"broken\r\nContent-Length: 2\r\n\r\nok"), "INVALID_RESPONSE"),
    "a space before a colon": (raw(TEXT + b"Content-Length : 2\r\n\r\nok"), "INVALID_RESPONSE"),
    "a name of nothing": (raw(TEXT + b": 2\r\n\r\nok"), "INVALID_RESPONSE"),
    "a length below 0": (raw(TEXT + b"Content-Length: -1\r\n\r\nok"), "INVALID_RESPONSE"),
    "a length that is none": (raw(TEXT + b"Content-Length: 2_0\r\n\r\nok"), "INVALID_RESPONSE"),
    "two lengths in one": (raw(TEXT + b"Content-Length: 2, 3\r\n\r\nok"), "INVALID_RESPONSE"),
    "100 without end": (endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "INVALID_RESPONSE"),
    "103 without end": (endless(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), "INVALID_RESPONSE"),
    "HTTP/0.9": (raw(b"<html>hello</html>"), "INVALID_RESPONSE"),
    "HTTP/2": (raw(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + b"\x00" * 18), "INVALID_RESPONSE"),
    "a version beyond sense": (raw(b"HTTP/9999 200 OK\r\n\r\n"), "INVALID_RESPONSE"),
    "a status beyond sense": (raw(b"HTTP/1.1 1000 OK\r\n\r\n"), "INVALID_RESPONSE"),
    "a chunk of 4 GB that is none": (raw(CHUNKED + b"ffffffff\r\nab"), "CONNECTION_FAILED"),
    "a chunk below 0": (raw(CHUNKED + b"-5\r\nab\r\n0\r\n\r\n"), "INVALID_RESPONSE"),
    "a chunk that is longer": (raw(CHUNKED + b"2\r\nabcdef\r\n0\r\n\r\n"), "CONNECTION_FAILED"),
    "an extension of 1 MB": (raw(CHUNKED + b"1;" + b"x" * 1_000_000 + b"\r\na\r\n0\r\n\r\n"), "INVALID_RESPONSE"),
    "a length of 5,000 digits": (raw(TEXT + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\nok"), "INVALID_RESPONSE"),
    "a Location of 10 MB": (raw(b"HTTP/1.1 302 No\r\nLocation: /", b"a" * 10_000_000), "INVALID_RESPONSE"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_not_http_is_a_typed_failure_on_time(serve: Serve, name: str) -> None:
    behave, code = BROKEN[name]
    server = serve(behave)
    with at_most(2 + SLACK_SECONDS):
        error = failure(server.url, seconds=2)
    assert (error.code, error.retryable, len(error.message) < 1_000) == (code, True, True), error.message


def test_none_of_them_leaves_a_file_open(settings: Settings) -> None:
    """Not even while somebody looks at the error, which holds what it came from."""
    errors, before = [], open_files()
    for behave, _ in BROKEN.values():
        with serving(behave) as server:
            settings.OUTBOUND_ALLOWED_HOSTS = [server.authority]
            errors.append(failure(server.url, seconds=2))
    assert open_files() == before


INFLATED: dict[str, tuple[str, bytes, bytes]] = {
    "gzip": ("gzip", gzip.compress(b"ok"), b"ok"),
    "gzip by its old name": ("X-GZIP", gzip.compress(b"ok"), b"ok"),
    "members": ("gzip", gzip.compress(b"o") + gzip.compress(b"") + gzip.compress(b"k"), b"ok"),
    "something behind": ("gzip", gzip.compress(b"ok") + b"\0\0\0", b"ok"),
    "zlib": ("deflate", zlib.compress(b"ok"), b"ok"),
    "deflate": ("deflate", zlib.compress(b"ok", wbits=-15), b"ok"),
    "one in another": ("deflate, gzip", gzip.compress(zlib.compress(b"ok")), b"ok"),
    "as it is": ("identity", b"ok", b"ok"),
    "nothing": ("gzip", b"", b""),
    "much": ("gzip", gzip.compress(b"0123456789" * 100_000), b"0123456789" * 100_000),
}


@pytest.mark.parametrize("name", INFLATED)
def test_it_inflates(serve: Serve, name: str) -> None:
    encoding, body, expected = INFLATED[name]
    assert fetch(serve(replying(200, body, content_encoding=encoding)).url).body == expected


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_it_inflates_what_comes_in_small_pieces(serve: Serve, size: int) -> None:
    body = gzip.compress(zlib.compress(b"in pieces " * 20))
    chunks = b"".join(
        f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
        for piece in (body[at : at + size] for at in range(0, len(body), size))
    )
    answer = raw(
        HEAD + b"Content-Encoding: deflate, gzip\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    )
    assert fetch(serve(answer).url).body == b"in pieces " * 20


NOT_INFLATED: dict[str, tuple[str, bytes, bool]] = {
    "a gzip that is cut": ("gzip", gzip.compress(b"ok" * 1_000)[:-9], True),
    "a gzip that is cut in its checksum": ("gzip", gzip.compress(b"ok")[:-1], True),
    "a gzip whose checksum is wrong": ("gzip", gzip.compress(b"ok")[:-8] + b"\0" * 8, True),
    "a member that is cut": ("gzip", gzip.compress(b"ok") + gzip.compress(b"ok")[:12], True),
    "a deflate that is cut": ("deflate", zlib.compress(b"ok" * 1_000)[:-9], True),
    "plain as gzip": ("gzip", b"plain", True),
    "plain as deflate": ("deflate", b"plain", True),
    "one byte": ("deflate", b"\x78", True),
    "Brotli": ("br", b"\x0b\x00\x80ok\x03", False),
    "Zstandard": ("zstd", b"\x28\xb5\x2f\xfd", False),
    "compress": ("compress", b"\x1f\x9d", False),
    "a long name": ("x" * 5_000, b"ok", False),
    "four times": ("gzip, gzip, gzip, gzip", b"", False),
}


@pytest.mark.parametrize("name", NOT_INFLATED)
def test_what_can_not_be_inflated_is_an_invalid_response(serve: Serve, name: str) -> None:
    encoding, body, retryable = NOT_INFLATED[name]
    error = call_failure(serve(replying(200, body, content_encoding=encoding, content_type="text/plain")).url)
    assert (error.code, error.retryable, len(error.message) < 500) == ("INVALID_RESPONSE", retryable, True)


def test_a_hint_before_the_answer_is_let_by(serve: Serve) -> None:
    hints = b"HTTP/1.1 100 Continue\r\n\r\n" + b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * (MAX_INTERIM - 2)
    assert fetch(serve(raw(hints + TEXT + b"Content-Length: 2\r\n\r\nok")).url).body == b"ok"


def test_a_switch_of_protocols_is_a_status_that_nobody_expected(serve: Serve) -> None:
    error = failure(serve(raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nbytes")).url)
    assert (error.code, error.message.endswith("answered 101.")) == ("HTTP_STATUS", True)


def test_a_folded_header_is_one_line(serve: Serve) -> None:
    assert fetch(serve(raw(HEAD + b"X-A: 1\r\n  2\r\nContent-Length: 0\r\n\r\n")).url).headers["x-a"].split() == [
        "1",
        "2",
    ]


def test_what_comes_behind_the_answer_is_nobodys(serve: Serve) -> None:
    server = serve(raw(TEXT + b"Content-Length: 2\r\n\r\nokHTTP/1.1 500 No\r\n\r\nsmuggled"))
    assert [fetch(server.url).body, fetch(server.url).body] == [b"ok", b"ok"]


def test_chunks_count_more_than_a_length(serve: Serve) -> None:
    answer = TEXT + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    assert fetch(serve(raw(answer)).url).body == b"ok"


@pytest.mark.parametrize(
    "charset", ["utf-7", "idna", "punycode", "unicode_escape", "rot13", "zlib", "undefined", "mbcs"]
)
def test_a_server_chooses_no_codec_that_is_no_charset(serve: Serve, charset: str) -> None:
    body = call(serve(replying(200, b"+ADw-ok", content_type=f"text/plain; charset={charset}")).url)["body"]
    assert body == "+ADw-ok"


@pytest.mark.parametrize(
    ("charset", "body"),
    [("utf-16", "ok".encode("utf-16-le")), ("utf-16-le", b"o\0k"), ("utf-32", b"ok"), ("cp037", b"\x96\x92")],
)
def test_a_charset_that_is_wrong_is_never_an_error(serve: Serve, charset: str, body: bytes) -> None:
    assert isinstance(call(serve(replying(200, body, content_type=f"text/plain; charset={charset}")).url)["body"], str)


@pytest.mark.parametrize(
    "location",
    ["gopher://a/", "javascript:alert(1)", "data:text/plain,a", "FILE:///etc/passwd", "ftp://a/", "unix:/run/x"],
)
def test_a_redirect_leads_nowhere_but_to_http(serve: Serve, location: str) -> None:
    error = failure(serve(redirecting(location)).url)
    assert (error.code, error.retryable) == ("INVALID_URL", False)


def test_a_long_redirect_is_followed_and_not_repeated_in_messages(serve: Serve) -> None:
    error = failure(serve(redirecting("/" + "a" * 60_000)).url)
    assert (error.code, len(error.message) < 1_000) == ("TOO_MANY_REDIRECTS", True)


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.mark.parametrize("sent", [b"", HEAD[:9], HEAD, HEAD + b"Content-Length: 9\r\n\r\n", CHUNKED + b"9\r\nabc"])
def test_a_reset_at_any_time_may_be_tried_again(talk_to: TalkTo, sent: bytes) -> None:
    def talk(connection: socket.socket, stopping: threading.Event) -> None:
        connection.recv(65_536)
        connection.sendall(sent)
        stopping.wait(0.05)
        _reset(connection)

    error = failure(talk_to(talk).url)
    assert (error.code, error.retryable) == ("CONNECTION_FAILED", True)


def test_a_reset_before_a_word_too(talk_to: TalkTo) -> None:
    error = failure(talk_to(lambda connection, _: _reset(connection)).url)
    assert (error.code, error.retryable) == ("CONNECTION_FAILED", True)
