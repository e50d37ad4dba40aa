"""Calls as the tests make them: through the action, or through the client alone."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from tests.workflows.http_server import Behaviour, Received, Server, replying
from workflows.actions.call_api import CallApiConfig, call_api
from workflows.actions.context import ActionCancelled, ActionContext, ActionError
from workflows.actions.outbound.client import Answer, Limits, prepare, send

SLACK_SECONDS = 0.5


def context(*, timeout_ms: int = 5_000, cancelled: threading.Event | None = None) -> ActionContext:
    return ActionContext(
        execution_id=UUID(int=1),
        workspace_id=UUID(int=2),
        workflow_id=UUID(int=3),
        workflow_name="Orders",
        path="0",
        action_id="call",
        attempt=1,
        now=timezone.now(),
        timeout_ms=timeout_ms,
        cancelled=cancelled or threading.Event(),
    )


def call(url: str, **config: Any) -> Any:
    return call_api(CallApiConfig.model_validate({"url": url, **config}), context())


def call_failure(url: str, **config: Any) -> ActionError:
    with pytest.raises(ActionError) as caught:
        call(url, **config)
    return caught.value


def sent(server: Server, **config: Any) -> Received:
    call(f"{server.url}/", **config)
    return server.received[-1]


def fetch(
    url: str,
    *,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
    seconds: float = 5,
    cancelled: threading.Event | None = None,
    **limits: Any,
) -> Answer:
    request = prepare(method=method, url=url, query=[], headers=headers or {}, body=body)
    bounds = Limits(seconds=seconds, cancelled=cancelled or threading.Event(), **limits)
    return send(request, expects=range(200, 300).__contains__, limits=bounds)


def failure(url: str, **options: Any) -> ActionError:
    with pytest.raises(ActionError) as caught:
        fetch(url, **options)
    return caught.value


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


def resolving(*addresses: str) -> Callable[..., list[Any]]:
    """A resolver that gives `addresses` for every host."""

    def look_up(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
            if ":" in address
            else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in addresses
        ]

    return look_up


def redirecting(location: str, status: int = 302) -> Behaviour:
    return replying(status, b"moved", location=location)


def assert_cancelled(url: str) -> None:
    cancelled = threading.Event()
    timer = threading.Timer(0.3, cancelled.set)
    timer.start()
    with at_most(0.3 + SLACK_SECONDS), pytest.raises(ActionCancelled):
        fetch(url, cancelled=cancelled)
    timer.join()
