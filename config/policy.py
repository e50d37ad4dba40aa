"""The headers that every answer has: what a browser may do with it, and that nobody keeps a copy."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.csp import build_policy

HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def headers_of(path: str) -> Iterator[tuple[str, str]]:
    yield "Cache-Control", "no-store"
    yield from HEADERS.items()
    yield "Content-Security-Policy", _policy(_page(path))
    if settings.SECURE_HSTS_SECONDS:
        yield "Strict-Transport-Security", f"max-age={settings.SECURE_HSTS_SECONDS}"


class PolicyMiddleware:
    """The outermost, so that nothing that the others or the views say gets by; but what may be kept, they know."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        kept = response.headers.get("Cache-Control")
        for name, value in headers_of(request.path_info):
            response.headers[name] = value
        if kept:
            response.headers["Cache-Control"] = kept
        return response


def _page(path: str) -> str:
    return max((page for page in settings.CSP_OF_PAGES if path.startswith(page)), key=len, default="")


@cache
def _policy(page: str) -> str:
    pages: Mapping[str, Any] = settings.CSP_OF_PAGES
    return build_policy(pages.get(page, settings.SECURE_CSP))
