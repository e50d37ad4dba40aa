"""Which addresses and URLs a call reaches."""

import socket
from contextlib import ExitStack
from typing import Any

import pytest
from pytest_django import Settings

from tests.workflows.call_api.calls import failure, fetch, resolving
from tests.workflows.call_api.conftest import Serve
from tests.workflows.http_server import replying, serving
from workflows.actions.context import ActionError
from workflows.actions.outbound.addresses import is_public, resolve

PUBLIC_ADDRESS = "93.184.216.34"
FORBIDDEN = """
    0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254 169.254.169.254
    172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.9 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.19.255.255
    168.63.129.16 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
    :: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1
    64:ff9b::127.0.0.1 64:ff9b::10.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 64:ff9b:1:7f00:0:100:: 64:ff9b:1::8.8.8.8
    100::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:0:7f00:1:: 2001:10::1 2001:20::1 2001:2::1 2001:db8::1
    2002:7f00:1:: 2002:a00:1:: 2002:c0a8:101:: 2002:808:808:: 3fff::1 4000::1 5f00::1
    fc00::1 fd12:3456::1 fe80::1 fe80::1%eth0 fec0::1 ff02::1 ff0e::1
"""
LOOPBACK = """
    127.0.0.1 127.1 127.0.1 2130706433 017700000001 0x7f000001 0x7f.1 0177.0.0.1 0.0.0.0 0 localhost LOCALHOST
    [::1] [::] [::ffff:127.0.0.1] [0:0:0:0:0:0:0:1] [64:ff9b::7f00:1]
"""
PUBLIC = """
    1.1.1.1 8.8.8.8 93.184.216.34 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 192.0.1.1 198.17.0.1 223.255.255.255
    2606:4700:4700::1111 2a00:1450:4001:80b::200e ::ffff:8.8.8.8 64:ff9b::8.8.8.8
"""


@pytest.mark.parametrize("address", FORBIDDEN.split())
def test_it_refuses_an_address_that_is_not_public(
    address: str, monkeypatch: pytest.MonkeyPatch, servers: ExitStack
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolving(address))
    with pytest.raises(ActionError) as caught:
        resolve("innocent.example", 8080)
    assert (caught.value.code, caught.value.retryable) == ("ADDRESS_FORBIDDEN", False)
    for part in (address, "innocent.example:8080", "OUTBOUND_ALLOWED_HOSTS"):
        assert part in caught.value.message


@pytest.mark.parametrize("address", PUBLIC.split())
def test_it_takes_a_public_address(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "addresses", [(PUBLIC_ADDRESS, "127.0.0.1"), ("127.0.0.1", PUBLIC_ADDRESS), ("2606:4700::1", "::ffff:10.0.0.1")]
)
def test_one_forbidden_address_among_many_is_enough(
    addresses: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, servers: ExitStack
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolving(*addresses))
    with pytest.raises(ActionError, match="isn't a public address"):
        resolve("mixed.example", 443)


@pytest.mark.parametrize(
    "host",
    LOOPBACK.split(),
)
def test_no_spelling_of_loopback_reaches_a_server_there(host: str, servers: ExitStack) -> None:
    server = servers.enter_context(serving())
    assert failure(f"http://{host}:{server.port}/").code == "ADDRESS_FORBIDDEN"
    assert server.received == []


@pytest.mark.parametrize("host", ["localhost.", "127.0.0.1.", "①②⑦.0.0.1", "127。0。0。1", "127%2e0%2e0%2e1"])
def test_a_spelling_that_not_every_resolver_reads_does_not_reach_it_either(host: str, servers: ExitStack) -> None:
    server = servers.enter_context(serving())
    assert failure(f"http://{host}:{server.port}/").code in {"ADDRESS_FORBIDDEN", "CONNECTION_FAILED", "INVALID_URL"}
    assert server.received == []


def test_a_dot_at_the_end_is_another_name_than_the_one_allowed(
    serve: Serve, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(replying())
    settings.OUTBOUND_ALLOWED_HOSTS = [f"localhost:{server.port}"]
    monkeypatch.setattr(socket, "getaddrinfo", resolving("127.0.0.1"))
    assert fetch(f"http://localhost:{server.port}/").status == 200
    assert failure(f"http://localhost.:{server.port}/").code == "ADDRESS_FORBIDDEN"


@pytest.mark.parametrize(
    "url",
    [
        *("file:///etc/passwd", "gopher://a/", "ftp://a/", "//a/", "a/b", "", "http://", "http:///x", "http://[::1"),
        *("http://user@a/", "http://:pw@a/", "http://@a/", "http://a\\@b/", "http://:80/", "http://a:0x50/"),
        *("http://a:65536/", "http://a\n/", "http://a..b/", "http://*.example/", "http://exa mple/"),
        "http://" + "a" * 64 + ".example/",
    ],
)
def test_it_refuses_what_is_not_a_url_for_http(url: str, servers: ExitStack) -> None:
    error = failure(url)
    assert (error.code, error.retryable) == ("INVALID_URL", False)


def test_it_connects_to_what_it_checked_when_the_next_look_up_would_say_loopback(
    monkeypatch: pytest.MonkeyPatch, servers: ExitStack
) -> None:
    answers = [PUBLIC_ADDRESS, *["127.0.0.1"] * 9]
    connected: list[object] = []

    def connect(_: socket.socket, address: object) -> None:
        connected.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "getaddrinfo", lambda host, port, **_: resolving(answers.pop(0))(host, port))
    monkeypatch.setattr(socket.socket, "connect", connect)
    assert failure("http://rebinding.example/").code == "CONNECTION_FAILED"
    assert connected == [(PUBLIC_ADDRESS, 80)]


def test_it_goes_on_to_the_next_address_and_keeps_the_name_in_host(
    serve: Serve, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(replying())
    settings.OUTBOUND_ALLOWED_HOSTS = [f"Service.Example:{server.port}"]
    monkeypatch.setattr(socket, "getaddrinfo", resolving("127.0.0.2", "127.0.0.1"))
    assert fetch(f"http://service.example:{server.port}/").status == 200
    assert server.received[0].headers["host"] == f"service.example:{server.port}"


def test_an_entry_of_the_allow_list_is_for_its_host_and_port_alone(serve: Serve, settings: Settings) -> None:
    allowed, other = serve(replying()), serve(replying())
    settings.OUTBOUND_ALLOWED_HOSTS = [allowed.authority]
    assert fetch(allowed.url).status == 200
    assert failure(other.url).code == "ADDRESS_FORBIDDEN"
    assert failure(allowed.url.replace("127.0.0.1", "localhost")).code == "ADDRESS_FORBIDDEN"
    assert other.received == []


def test_the_guard_can_be_switched_off(servers: ExitStack, settings: Settings) -> None:
    server = servers.enter_context(serving())
    settings.OUTBOUND_GUARD = False
    assert fetch(server.url).status == 200


def test_an_unknown_host_is_a_failed_connection(monkeypatch: pytest.MonkeyPatch, servers: ExitStack) -> None:
    def unknown(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = failure("http://nowhere.example/?key=s3cret")
    assert (error.code, error.retryable) == ("CONNECTION_FAILED", True)
    assert "nowhere.example" in error.message
    assert "s3cret" not in error.message
