"""What the database says of all unfinished executions at a scrape: seldom, in bounded time, never a reason to fail."""

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass

from django.db import connections
from django.db.models import Count
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from executions.engine import clock
from executions.engine.statements import DatabaseNow
from executions.models import Execution
from executions.states import UNFINISHED, ExecutionStatus, WaitingFor

FRESH_SECONDS = 5.0
MAX_SHARE = 1 / 20
ANSWER_SECONDS = 3.0
STATES: dict[tuple[str, str | None], str] = {
    (ExecutionStatus.PENDING, None): "pending",
    (ExecutionStatus.RUNNING, None): "running",
    **{(status, reason): f"waiting_{reason}" for status in UNFINISHED for reason in WaitingFor},
}

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """`lag_seconds`: for how long the execution that is due longest has been due, by the database's clock."""

    by_state: dict[str, int]
    lag_seconds: float


def look() -> Seen:
    """Asks the database, on this thread's connection."""
    by_state = dict.fromkeys(STATES.values(), 0)
    unfinished = Execution.objects.unfinished()
    for status, reason, count in unfinished.values_list("status", "waiting_for").annotate(count=Count("*")).order_by():
        by_state[STATES[status, reason]] += count
    due = unfinished.order_by("wake_at").values_list("wake_at", DatabaseNow()).first()
    return Seen(by_state, max(0.0, (due[1] - due[0]).total_seconds()) if due else 0.0)


class Backlog(Collector):
    """Looks again after FRESH_SECONDS, later where a look takes long, so that it takes MAX_SHARE of the time at most.

    It looks on a thread of its own, for which a scrape waits ANSWER_SECONDS at most.
    """

    def __init__(self) -> None:
        self._asking = threading.Lock()
        self._latest: Future[Seen] | None = None
        self._stale_at = 0.0

    def collect(self) -> Iterator[GaugeMetricFamily]:
        seen = self._seen()
        yield GaugeMetricFamily(
            "trilith_database_up",
            f"1 if the database answered within {ANSWER_SECONDS:g} s; while 0, what it would say is left out.",
            value=float(seen is not None),
        )
        if seen:
            yield _by_state(seen)
            yield GaugeMetricFamily(
                "trilith_queue_lag_seconds",
                "For how long the execution that is due longest has been due; 0 when none is.",
                value=seen.lag_seconds,
            )

    def _seen(self) -> Seen | None:
        with self._asking:
            if self._latest is None or (self._latest.done() and clock.monotonic() >= self._stale_at):
                self._latest = Future()
                threading.Thread(target=self._look, args=[self._latest], name="trilith-backlog", daemon=True).start()
            latest = self._latest
        try:
            return latest.result(ANSWER_SECONDS)
        except Exception as error:  # noqa: BLE001 (a scrape tells what else there is)
            logger.warning("the unfinished executions couldn't be counted: %s", type(error).__name__)
            return None

    def _look(self, found: Future[Seen]) -> None:
        began = clock.monotonic()
        try:
            seen, error = look(), None
        except Exception as raised:  # noqa: BLE001 (whoever asked is told)
            seen, error = None, raised
        finally:
            connections.close_all()
        took = clock.monotonic() - began
        self._stale_at = clock.monotonic() + max(FRESH_SECONDS, took / MAX_SHARE)
        if seen:
            found.set_result(seen)
        else:
            found.set_exception(error)


def _by_state(seen: Seen) -> GaugeMetricFamily:
    help_text = "Unfinished executions, of all processes together: pending, running, or what they wait for."
    family = GaugeMetricFamily("trilith_executions", help_text, labels=["state"])
    for state, count in seen.by_state.items():
        family.add_metric([state], count)
    return family
