"""How many requests a minute: of each caller, and in each workspace, whoever calls."""

import time
from typing import Any

from django.conf import settings
from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from workspaces.speakers import network_of

WINDOW_SECONDS = 60


class _PerMinute(BaseThrottle):
    """Counts in windows of a minute, in the cache, so that a request costs one increment there."""

    def limit(self) -> int:
        raise NotImplementedError

    def counted(self, request: Request, view: Any) -> str:
        """What the limit is for."""
        raise NotImplementedError

    def allow_request(self, request: Request, view: Any) -> bool:
        limit = self.limit()
        if not limit:
            return True
        window = int(time.time() // WINDOW_SECONDS)
        key = f"throttle:{self.counted(request, view)}:{window}"
        return self._count(key) <= limit

    def wait(self) -> float:
        """Seconds until the next window."""
        return WINDOW_SECONDS - time.time() % WINDOW_SECONDS

    def _count(self, key: str) -> int:
        cache.add(key, 0, timeout=2 * WINDOW_SECONDS)
        try:
            return cache.incr(key)
        except ValueError:  # the cache threw it out in between
            return 1


class CallerThrottle(_PerMinute):
    """A user over all his tokens and sessions."""

    def limit(self) -> int:
        return settings.REQUESTS_PER_MINUTE_OF_USER

    def counted(self, request: Request, view: Any) -> str:
        return f"user:{request.user.pk}"


class WrongTokenThrottle(_PerMinute):
    """Tokens that open nothing, by the network they come from; whoever has a right one isn't counted."""

    def limit(self) -> int:
        return settings.REQUESTS_PER_MINUTE_OF_USER

    def counted(self, request: Request, view: Any) -> str:
        return f"wrong:{network_of(request.META.get('REMOTE_ADDR', ''))}"


class WorkspaceThrottle(_PerMinute):
    def limit(self) -> int:
        return settings.REQUESTS_PER_MINUTE_IN_WORKSPACE

    def counted(self, request: Request, view: Any) -> str:
        return f"workspace:{view.workspace.pk}"
