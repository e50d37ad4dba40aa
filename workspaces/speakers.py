"""Who speaks while something is done: whoever sent the request, or the command that runs. Engine threads: nobody."""

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Any

from django.http import HttpRequest, HttpResponseBase

NETWORK_BITS = 64
"""Of an IPv6 address: a customer is given that many, and may have a new address for each request."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """`user` is None for a command and for a stranger; `token` says which of the user's speaks, if one does."""

    user: Any
    name: str
    token: str = ""
    address: str = ""


_current: ContextVar[Callable[[], Speaker] | None] = ContextVar("speaker", default=None)


def current() -> Speaker | None:
    """None in the engine, and in Django code that no request has called."""
    speaker = _current.get()
    return speaker() if speaker else None


class SpeakerMiddleware:
    """Who it is, is asked when it is needed: the API finds out only in its views."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        before = _current.set(lambda: _of(request))
        try:
            return self.get_response(request)
        finally:
            _current.reset(before)


def _of(request: HttpRequest) -> Speaker:
    address, user, token = request.META.get("REMOTE_ADDR", ""), request.user, getattr(request, "auth", None)
    if not user.is_authenticated:
        return Speaker(None, "", address=address)
    return Speaker(user, user.get_username(), str(token or ""), address)


@contextmanager
def command(name: str) -> Iterator[None]:
    """For as long as the block lasts, that command speaks, for the account of the machine that runs it."""
    account = ""
    with suppress(ImportError, KeyError, OSError):  # in a container an account may have no name
        account = f" ({getpass.getuser()})"
    before = _current.set(lambda: Speaker(None, f"manage.py {name}{account}"))
    try:
        yield
    finally:
        _current.reset(before)


def network_of(address: str) -> str:
    """What counts as one client: an IPv4 address, or the network of an IPv6 one. Empty for what is no address."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or IPv6Network((found, NETWORK_BITS), strict=False))
    return str(found)
