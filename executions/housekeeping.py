"""Beside an executor, a thread that looks whether a chore is due: once a day, in one process of all, retention."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.conf import settings
from django.db import Error, connections

from executions import chores, retention
from executions.chores import Turn
from workspaces import audit, signin
from workspaces.models import Workspace

PRUNE = "prune executions"
LOOK_SECONDS = 30.0
STOP_GRACE_SECONDS = 5.0

logger = logging.getLogger(__name__)


@contextmanager
def housekeeping() -> Iterator[None]:
    """Does chores for as long as the block lasts."""
    stopping = threading.Event()
    thread = threading.Thread(target=_run, args=(stopping,), name="trilith-housekeeping", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(STOP_GRACE_SECONDS)


def next_time(now: datetime) -> datetime:
    """When after `now` it is PRUNE_AT, in UTC."""
    hour, _, minute = settings.PRUNE_AT.partition(":")
    today = now.replace(hour=int(hour), minute=int(minute or 0), second=0, microsecond=0)
    return today if today > now else today + timedelta(days=1)


def prune_all(*, rest: retention.Rest = time.sleep) -> bool:
    """Deletes what the workspaces' rules don't keep, and old entries; False when `rest` stopped it before the end."""
    stopped = False

    def rest_unless_stopped(seconds: float) -> bool:
        nonlocal stopped
        stopped = bool(stopped or rest(seconds))
        return stopped

    for workspace in Workspace.objects.order_by("slug"):
        rule = retention.rule_of(workspace)
        if rule.keeps_all:
            continue
        if deleted := retention.prune(workspace=workspace, rule=rule, rest=rest_unless_stopped):
            logger.info("deleted %s executions of %s, which keeps %s", f"{deleted:,}", workspace.slug, rule)
        if stopped:
            return False
    signin.prune()
    audit.prune(rest=rest_unless_stopped)
    return not stopped


def _run(stopping: threading.Event) -> None:
    while not stopping.is_set():
        try:
            _look(stopping)
        except Error as error:
            logger.warning("the database doesn't answer; housekeeping goes on in %s s (%s)", LOOK_SECONDS, error)
        except Exception:  # the next look carries on
            logger.exception("housekeeping failed; trying again in %s s", LOOK_SECONDS)
        connections.close_all()
        stopping.wait(LOOK_SECONDS)


def _look(stopping: threading.Event) -> None:
    turn = chores.take(PRUNE, next_time)
    if turn is None:
        return
    if prune_all(rest=_Watch(turn, stopping).rest):
        chores.finish(turn, next_time)
    else:
        chores.hand_back(turn)


class _Watch:
    """Rests without holding a connection, and keeps the turn; stops when that is lost, or the process ends."""

    def __init__(self, turn: Turn, stopping: threading.Event) -> None:
        self._turn = turn
        self._stopping = stopping
        self._kept_at = time.monotonic()

    def rest(self, seconds: float) -> bool:
        connections.close_all()
        third = chores.LEASE.total_seconds() / 3
        ends_at = time.monotonic() + seconds
        while not self._stopping.is_set() and (left := ends_at - time.monotonic()) > 0:
            self._stopping.wait(min(left, third))
            if time.monotonic() - self._kept_at > third and not self._keep():
                return True
        return self._stopping.is_set()

    def _keep(self) -> bool:
        self._kept_at = time.monotonic()
        return chores.keep(self._turn)
