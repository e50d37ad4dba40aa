"""What a call costs in memory, in a process of its own: of 10 GB that are sent, and of bombs that inflate to more."""

import gzip
import json
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.http_server import Exchange, serving

ROOT = Path(__file__).resolve().parents[3]
MAX_GROWTH_KIB = 30 * 1024
TIMEOUT_SECONDS = 2
PROGRAM = """
import json, os, resource, sys, threading, time
os.environ["OUTBOUND_ALLOWED_HOSTS"] = sys.argv[1].partition("//")[2]
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
import django; django.setup()
from workflows.actions.outbound.client import Limits, prepare, send
from workflows.actions.context import ActionError

def fetch(path, seconds):
    request = prepare(method="GET", url=sys.argv[1] + path, query=[], headers={}, body=None)
    try:
        send(request, expects=(200).__eq__, limits=Limits(seconds=seconds, cancelled=threading.Event()))
    except ActionError as error:
        return error.code
    return "200"

fetch("/small", 5)  # what every call needs
files = len(os.listdir("/dev/fd"))
for path in sys.argv[2:]:
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    code = fetch(path, 2)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    left = [thread.name for thread in threading.enumerate()][1:], len(os.listdir("/dev/fd")) - files
    print(json.dumps([path, code, grown, time.monotonic() - began, left]))
"""
ZEROS = bytes(10_000_000)
MEMBER = gzip.compress(ZEROS)  # a stream of such members inflates to as much as anybody likes
CHUNKED = {"Transfer-Encoding": "chunked"}


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def deflated() -> tuple[bytes, bytes]:
    """How a stream of zlib begins, and a part of it that may come any number of times."""
    compressor = zlib.compressobj()
    begin = compressor.compress(b"x") + compressor.flush(zlib.Z_FULL_FLUSH)
    return begin, compressor.compress(ZEROS) + compressor.flush(zlib.Z_FULL_FLUSH)


BEGIN, PART = deflated()
# Of each path the status, the headers, what is sent first, what is sent then until the client has gone; and the code.
SERVED: dict[str, tuple[int, dict[str, str], bytes, bytes, str]] = {
    "/10gb": (200, {"Content-Length": "10000000000"}, b"", bytes(65_536), "RESPONSE_TOO_LARGE"),
    "/no-length": (200, {}, b"", bytes(65_536), "RESPONSE_TOO_LARGE"),
    "/chunks": (200, CHUNKED, b"", chunk(bytes(65_536)), "RESPONSE_TOO_LARGE"),
    "/one-chunk": (200, CHUNKED, b"fffffffff\r\n", bytes(65_536), "RESPONSE_TOO_LARGE"),
    "/gzip": (200, {"Content-Encoding": "gzip"}, b"", MEMBER, "RESPONSE_TOO_LARGE"),
    "/deflate": (200, {"Content-Encoding": "deflate"}, BEGIN, PART, "RESPONSE_TOO_LARGE"),
    "/nested": (200, {"Content-Encoding": "gzip, gzip"}, b"", gzip.compress(MEMBER * 1_000), "RESPONSE_TOO_LARGE"),
    "/empty-members": (200, {"Content-Encoding": "gzip"}, b"", gzip.compress(b"") * 1_000, "TIMEOUT"),
    "/trailers": (200, CHUNKED, b"0\r\n", b"X-A: 1\r\n" * 1_000, "TIMEOUT"),
    "/headers": (200, {f"X-{number}": "v" * 60_000 for number in range(90)}, b"", bytes(65_536), "INVALID_RESPONSE"),
    "/refusal": (400, {"Content-Encoding": "gzip"}, b"", MEMBER, "HTTP_STATUS"),
    "/redirect": (302, {"Location": "/redirect"}, b"", bytes(65_536), "TOO_MANY_REDIRECTS"),
    "/small": (200, {}, b"", b"", "200"),
}


def behave(exchange: Exchange) -> None:
    status, headers, first, then, _ = SERVED[exchange.path]
    exchange.connection.settimeout(TIMEOUT_SECONDS + 1)  # not every kernel says at once that a client has gone
    exchange.send_response(status)
    for name, value in headers.items():
        exchange.send_header(name, value)
    exchange.end_headers()
    exchange.wfile.write(first)
    while then and not exchange.stopping.is_set():
        exchange.wfile.write(then)


@pytest.fixture(scope="module")
def found() -> dict[str, list[Any]]:
    """What each path cost, in a process that asks for one after another."""
    with serving(behave) as server:
        command = [sys.executable, "-c", PROGRAM, server.url, *SERVED]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=120, text=True)
    return {path: rest for path, *rest in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("path", SERVED)
def test_a_call_takes_little_memory_whatever_is_sent(found: dict[str, list[Any]], path: str) -> None:
    code, grown_kib, seconds, left = found[path]
    assert code == SERVED[path][-1]
    assert grown_kib < MAX_GROWTH_KIB
    assert seconds < TIMEOUT_SECONDS + 1
    assert left == [[], 0], "threads and files"
