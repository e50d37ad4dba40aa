"""Which URLs and addresses a call may reach. Every address that a host resolves to is checked, not the first alone."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from django.conf import settings

from workflows.actions.context import ActionError

type SocketAddress = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]

USER_IN_URL = "holds a user name or password; give them in `auth`."
NAT64 = IPv6Network("64:ff9b::/96")
GLOBAL_UNICAST = IPv6Network("2000::/3")
# `is_global` lets these through in one Python version or another. 6to4, Teredo and the local NAT64 prefix carry IPv4
# addresses in layouts that only the network's owner knows, so they are never public.
NOT_PUBLIC = tuple(
    ip_network(network)
    for network in (
        "100.64.0.0/10",
        "168.63.129.16/32",  # Azure's platform, reached from its inside
        "192.0.0.0/24",
        "192.88.99.0/24",
        "240.0.0.0/4",
        "64:ff9b:1::/48",
        "2001::/23",
        "2002::/16",
        "3fff::/20",
    )
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address to connect to, as the resolver gave it."""

    family: socket.AddressFamily
    address: SocketAddress


def url_fault(url: str) -> str | None:
    """Why no call can be made to `url`, with the mend; None when the form is right."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "isn't a URL; write https://host/path, with a port up to 65535 if with any."
    if any(character < " " or character == "\x7f" for character in url):
        return "holds a control character; remove or percent-encode it."
    if parts.scheme.lower() not in {"http", "https"} or not host:
        return "must be a full URL such as https://host/path; only http and https are spoken."
    return USER_IN_URL if has_user(url) else None


def has_user(url: str) -> bool:
    try:
        return "@" in urlsplit(url).netloc
    except ValueError:
        return False


def is_public(address: str) -> bool:
    """Whether `address` (numeric, as a resolver gives it) is one that anybody on the internet may reach."""
    ip = _unwrapped(ip_address(address))
    if isinstance(ip, IPv6Address) and ip not in GLOBAL_UNICAST:
        return False
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in NOT_PUBLIC)


def _unwrapped(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that a packet to `ip` ends at, where the layout is fixed; else `ip`."""
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped:
            return ip.ipv4_mapped
        if ip in NAT64:
            return IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip


def resolve(host: str, port: int) -> list[Endpoint]:
    """Every address of `host`, checked.

    Raises ActionError: ADDRESS_FORBIDDEN, CONNECTION_FAILED (unknown host), INVALID_URL (no host name at all). How long
    the system's resolver takes can't be bounded from here; /etc/resolv.conf does that.
    """
    endpoints = list(_look_up(host, port))
    if settings.OUTBOUND_GUARD and not _is_allowed(host, port):
        for endpoint in endpoints:
            _check(str(endpoint.address[0]), host, port)
    return endpoints


def _look_up(host: str, port: int) -> Iterator[Endpoint]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise ActionError("INVALID_URL", f"{host!r} isn't a host name; correct the URL.", retryable=False) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise ActionError("CONNECTION_FAILED", f"The host {host!r} can't be resolved: {reason}.") from error
    for family, _, _, _, address in found:
        yield Endpoint(family, address)


def _is_allowed(host: str, port: int) -> bool:
    return authority(host, port) in {entry.lower() for entry in settings.OUTBOUND_ALLOWED_HOSTS}


def _check(address: str, host: str, port: int) -> None:
    if not is_public(address):
        target = authority(host, port)
        raise ActionError(
            "ADDRESS_FORBIDDEN",
            f"{target} leads to {address}, which isn't a public address. If the call is meant, add {target} to the"
            " setting OUTBOUND_ALLOWED_HOSTS.",
            retryable=False,
            details={"host": target, "address": address},
        )


def authority(host: str, port: int) -> str:
    """`host:port` in lower case, with brackets around an IPv6 address."""
    return f"[{host}]:{port}".lower() if ":" in host else f"{host}:{port}".lower()
