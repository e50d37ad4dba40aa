"""`Prefer: wait=N` (RFC 7240) and `?wait=N`: how long a client would rather wait for the end than ask again."""

import re

from rest_framework.request import Request

from workspaces.api.pages import whole_number

MAX_WAIT_SECONDS = 60
_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?(\d{1,9})\"?\s*(?=[,;]|$)", re.IGNORECASE)


def wait_seconds(request: Request) -> int:
    """0 unless asked for; a preference beyond 60 s is 60 s, as the RFC has it, but a parameter beyond is an error."""
    if "wait" in request.query_params:
        return whole_number(request, "wait", default=0, least=0, most=MAX_WAIT_SECONDS)
    preferred = _WAIT.search(request.headers.get("Prefer", ""))
    return min(int(preferred[1]), MAX_WAIT_SECONDS) if preferred else 0
