"""Who may read the metrics: whoever has METRICS_TOKEN; without one, whoever is on this machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Any

from django.conf import settings
from django.utils.crypto import constant_time_compare

PROXIED = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_REAL_IP", "HTTP_VIA")


@dataclass(frozen=True, slots=True)
class Refusal:
    status: int
    code: str
    message: str


def refusal(environ: Mapping[str, Any]) -> Refusal | None:
    """Why a request with this WSGI environ (a Django request's META) gets no metrics; None when it does."""
    if settings.METRICS_TOKEN:
        if _shows(environ, settings.METRICS_TOKEN):
            return None
        return Refusal(401, "UNAUTHORIZED", "Send `Authorization: Bearer <METRICS_TOKEN>`.")
    if any(header in environ for header in PROXIED):
        return Refusal(403, "FORBIDDEN", "Through a proxy everybody would be local; set METRICS_TOKEN.")
    if not _is_loopback(environ.get("REMOTE_ADDR", "")):
        return Refusal(403, "FORBIDDEN", "Without METRICS_TOKEN the metrics are for this machine alone.")
    return None


def _shows(environ: Mapping[str, Any], token: str) -> bool:
    scheme, _, shown = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    return scheme.lower() == "bearer" and constant_time_compare(shown.strip(), token)


def _is_loopback(address: str) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        return parsed.ipv4_mapped.is_loopback
    return parsed.is_loopback
