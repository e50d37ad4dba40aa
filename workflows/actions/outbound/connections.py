"""Connections of urllib3 under requests that go to checked addresses only, in sight of the watchdog.

The check sits where the socket is opened, so no redirect, parser or second look-up can pass it by, and Host, SNI and
the certificate's name stay those of the URL.
"""

import socket
from collections.abc import Mapping
from typing import Any, override
from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from workflows.actions.context import ActionError
from workflows.actions.outbound.addresses import Endpoint, authority, resolve
from workflows.actions.outbound.heads import Head
from workflows.actions.outbound.redirects import DEFAULT_PORTS
from workflows.actions.outbound.watchdog import Watchdog


def connect(host: str, port: int, watchdog: Watchdog) -> socket.socket:
    """A connection to the first address of `host` that takes it; each gets an equal share of the time that is left.

    Raises ActionError: CONNECTION_FAILED, TIMEOUT, and those of `resolve`.
    """
    endpoints = resolve(host, port)
    failure: OSError | None = None
    for index, endpoint in enumerate(endpoints):
        watchdog.check()
        try:
            return _open(endpoint, watchdog.remaining() / (len(endpoints) - index), watchdog)
        except OSError as error:
            failure = error
    watchdog.check()
    reason = (failure and failure.strerror) or str(failure)
    raise ActionError("CONNECTION_FAILED", f"No connection to {authority(host, port)}: {reason}.") from failure


def _open(endpoint: Endpoint, seconds: float, watchdog: Watchdog) -> socket.socket:
    opened = socket.socket(endpoint.family, socket.SOCK_STREAM)
    try:
        watchdog.watch(opened)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.settimeout(seconds)
        opened.connect(endpoint.address)
        opened.settimeout(watchdog.remaining())
    except OSError:
        opened.close()
        raise
    return opened


class _Connection(HTTPConnection):
    response_class = Head

    def __init__(self, *args: Any, watchdog: Watchdog, **options: Any) -> None:
        super().__init__(*args, **options)
        self._watchdog = watchdog

    @override
    def _new_conn(self) -> socket.socket:
        return connect(self._dns_host, self.port, self._watchdog)


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection

    @override
    def _validate_conn(self, conn: Any) -> None:
        # Without the original's warning when the workflow itself says `verifyTls: false`.
        if conn.is_closed:
            conn.connect()


class GuardedAdapter(HTTPAdapter):
    """Sends one request after another, each on a connection of its own; `close` ends them all."""

    def __init__(self, watchdog: Watchdog) -> None:
        super().__init__()
        self._watchdog = watchdog
        self._pools: list[HTTPConnectionPool] = []
        self._responses: list[Response] = []

    @override
    def get_connection_with_tls_context(
        self,
        request: PreparedRequest,
        verify: bool | str | None,
        proxies: Mapping[str, str] | None = None,
        cert: Any = None,
    ) -> HTTPConnectionPool:
        url = urlsplit(str(request.url))
        pool_class = _TlsPool if url.scheme == "https" else _Pool
        # Without a port an IPv6 address would be read as a host and one.
        port = url.port or DEFAULT_PORTS[url.scheme]
        pool = pool_class(str(url.hostname), port, watchdog=self._watchdog)
        self._pools.append(pool)
        return pool

    @override
    def build_response(self, req: PreparedRequest, resp: Any) -> Response:
        response = super().build_response(req, resp)
        self._responses.append(response)
        return response

    @override
    def close(self) -> None:
        for response in self._responses:
            response.close()
        for pool in self._pools:
            pool.close()
        super().close()
