"""The request that a redirect asks for: what it keeps, and what another origin must not see."""

from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

from requests import PreparedRequest, Response

MAX_REDIRECTS = 5
DEFAULT_PORTS = {"http": 80, "https": 443}
# A header that a workflow sets may be a credential under any name, so another origin gets these alone.
KEPT_EVERYWHERE = {"accept", "accept-encoding", "accept-language", "content-length", "content-type", "user-agent"}


def target_of(response: Response) -> str | None:
    """The absolute URL that `response` redirects to, or None. What isn't a URL is given as it came."""
    if not response.is_redirect:
        return None
    # Header values are read as Latin-1; servers that send raw UTF-8 in Location mean UTF-8.
    location = response.headers["location"].encode("latin-1").decode("utf-8", "replace")
    try:
        return urljoin(str(response.url), location)
    except ValueError:
        return location


def redirected(request: PreparedRequest, status: int, url: str) -> PreparedRequest:
    """`request` for `url`: 303, and POST with 301 or 302, become a GET without a body; 307 and 308 keep both."""
    following = request.copy()
    following.prepare_url(url, None)
    if _asks_for_get(str(request.method), status):
        following.method = "GET"
        following.body = None
        for name in ("Content-Length", "Content-Type"):
            following.headers.pop(name, None)
    if _origin(str(following.url)) != _origin(str(request.url)):
        for name in [name for name in following.headers if name.lower() not in KEPT_EVERYWHERE]:
            del following.headers[name]
    return following


def _asks_for_get(method: str, status: int) -> bool:
    if status == HTTPStatus.SEE_OTHER:
        return method != "HEAD"
    return method == "POST" and status in {HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.FOUND}


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme)
