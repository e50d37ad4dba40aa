"""Sends messages to Celery's workers: for each start at once, and for what is found to be due without one.

The broker holds no truth. It may lose its messages, or be away: what is due is found by query, and told again.
"""

import logging
import threading
import time
from collections.abc import Iterable
from queue import Empty, SimpleQueue
from typing import Any
from uuid import UUID

from celery import current_app
from django.db import connections
from kombu import Connection
from kombu.exceptions import ChannelError, OperationalError

from executions.engine import announcements, due, limits
from executions.engine.announcements import Announcement

TASK = "trilith.advance"
POLL_SECONDS = 1.0
LATE_LOOK_SECONDS = 10.0
MOST_MESSAGES = 1_000
"""So many are under way at any time, as far as there are so many due executions."""

logger = logging.getLogger(__name__)


def send(execution_ids: Iterable[UUID]) -> None:
    """Raises kombu's OperationalError when the broker doesn't take them."""
    for execution_id in execution_ids:
        current_app.send_task(TASK, [str(execution_id)], retry=False)


def send_on(news: Announcement) -> None:
    """For a process that may wait for the broker: tells of what is due, if it is."""
    if not news.is_due:
        return
    try:
        send([news.execution_id])
    except OperationalError as error:
        logger.warning("the broker didn't take a message; a feeder will send another: %s", error)


class Feeder:
    """`start()` it once in a process; its thread alone speaks with the broker, so that nobody waits for it."""

    def __init__(self) -> None:
        self._due: SimpleQueue[UUID | None] = SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="trilith-feeder", daemon=True)
        self._ailment: str | None = None
        self._fed_at = time.monotonic()

    def start(self) -> None:
        announcements.hear(self._heard)
        self._thread.start()

    def stop(self, grace_seconds: float) -> bool:
        if self._thread.ident is None:
            return True  # told to end before it was ready
        announcements.stop_hearing(self._heard)
        self._stopping.set()
        self._due.put(None)
        self._thread.join(grace_seconds)
        return not self._thread.is_alive()

    def ailment(self) -> str | None:
        """Why it sends nothing, in a few words; None while it does."""
        if not self._thread.is_alive():
            return "the thread that sends to the broker has ended"
        if (late := time.monotonic() - self._fed_at) > LATE_LOOK_SECONDS:
            return f"it last looked for due executions {late:.0f} s ago"
        return self._ailment

    def _heard(self, news: Announcement) -> None:
        if news.is_due:
            self._due.put(news.execution_id)

    def _run(self) -> None:
        pause = 0.0
        look_at = time.monotonic()
        while not self._stopping.is_set():
            self._attend([*self._heard_until(look_at)])
            if time.monotonic() >= look_at:
                pause = self._fed()
                look_at = time.monotonic() + pause
        connections.close_all()

    def _heard_until(self, moment: float) -> Iterable[UUID]:
        """What is due by hints: as soon as there are any, all there are."""
        try:
            first = self._due.get(timeout=max(0.0, moment - time.monotonic()))
            yield from [first] if first else []
            while True:
                more = self._due.get_nowait()
                yield from [more] if more else []
        except Empty:
            return

    def _attend(self, hinted: list[UUID]) -> None:
        try:
            send(hinted)
        except OperationalError as error:
            self._ailing(error)

    def _fed(self) -> float:
        """Sends what the broker lacks; gives the seconds until it may lack more."""
        try:
            limits.sweep()
            under_way = _under_way()
            ids = due.ids(MOST_MESSAGES)
            send(ids[: max(0, len(ids) - under_way)])
            pause = due.seconds_until()
        except OperationalError as error:
            self._ailing(error)
            return POLL_SECONDS
        except Exception:  # whatever ails the database, the next look is the mend
            logger.exception("looking for due executions failed; trying again in %s s", POLL_SECONDS)
            connections.close_all()
            return POLL_SECONDS
        self._fed_at, self._ailment = time.monotonic(), None
        return POLL_SECONDS if not pause else min(pause, POLL_SECONDS)

    def _ailing(self, error: OperationalError) -> None:
        if self._ailment is None:
            logger.warning("the broker doesn't answer; what is due is sent once it does: %s", error)
        self._ailment = "the broker doesn't answer"
        self._fed_at = time.monotonic()


def _under_way() -> int:
    """How many messages wait for a worker."""
    conf = current_app.conf
    with Connection(conf.broker_url, transport_options=conf.broker_transport_options) as broker:
        try:
            channel: Any = broker.default_channel
            declared = channel.queue_declare(conf.task_default_queue, passive=True)
        except ChannelError:  # there is none as long as it is empty
            return 0
        return int(declared.message_count)
