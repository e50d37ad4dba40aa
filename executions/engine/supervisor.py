"""The executor of a process: finds due work by query, and carries it on with a few threads."""

import logging
import threading
import time
from queue import SimpleQueue

from django.conf import settings
from django.db import connections

from executions.engine import journal, runner
from executions.engine.journal import Claim

POLL_SECONDS = 1.0
LATE_LOOK_SECONDS = 5.0

logger = logging.getLogger(__name__)


class Executor:
    """`start()` it once; `wake()` is a hint that something may be due; `stop()` hands back what isn't finished.

    Its supervisor thread claims no more than there are free threads, so that what is due stays free for others.
    """

    def __init__(self, threads: int | None = None) -> None:
        self.threads = threads or settings.EXECUTOR_THREADS
        self._claims: SimpleQueue[Claim | None] = SimpleQueue()
        self._busy = 0
        self._counting = threading.Lock()
        self._awake = threading.Event()
        self._stopping = threading.Event()
        self._started: list[threading.Thread] = []
        self._looked_at = time.monotonic()

    def start(self) -> None:
        jobs = [self._supervise, *[self._work] * self.threads]
        self._started = [threading.Thread(target=job, name="trilith-executor", daemon=True) for job in jobs]
        for thread in self._started:
            thread.start()

    def wake(self) -> None:
        self._awake.set()

    def ailment(self) -> str | None:
        """Why it finds nothing that is due, in a few words; None while it would."""
        supervisor, *_ = self._started
        if not supervisor.is_alive():
            return "its supervisor has ended"
        if (late := time.monotonic() - self._looked_at) > LATE_LOOK_SECONDS:
            return f"it last looked for due executions {late:.0f} s ago"
        return None

    def stop(self, grace_seconds: float) -> bool:
        """Claims nothing more and hands executions back at their next step; True when all threads ended in time."""
        self._stopping.set()
        self._awake.set()
        ends_at = time.monotonic() + grace_seconds
        for thread in self._started:
            thread.join(max(0.0, ends_at - time.monotonic()))
        return not any(thread.is_alive() for thread in self._started)

    def _supervise(self) -> None:
        while not self._stopping.is_set():
            self._awake.clear()
            pause = self._claim_due()
            self._awake.wait(pause)
        for _ in range(self.threads):
            self._claims.put(None)
        connections.close_all()

    def _claim_due(self) -> float:
        """Hands due executions to the threads; gives the seconds until there may be more."""
        free = self.threads - self._busy
        if not free:
            self._looked_at = time.monotonic()
            return POLL_SECONDS
        try:
            claims = journal.claim_due(free)
            pause = 0.0 if len(claims) == free else journal.seconds_until_due()
        except Exception:  # whatever ails the database, the next look is the mend
            logger.exception("looking for due executions failed; trying again in %s s", POLL_SECONDS)
            connections.close_all()
            return POLL_SECONDS
        self._looked_at = time.monotonic()
        for claim in claims:
            self._count(1)
            self._claims.put(claim)
        return POLL_SECONDS if pause is None else min(pause, POLL_SECONDS)

    def _work(self) -> None:
        while claim := self._claims.get():
            try:
                runner.run(claim, should_stop=self._stopping.is_set)
            except Exception:  # the lease runs out, and then somebody carries on behind the last commit
                logger.exception("execution %s was left; it is due again when its lease ends", claim.execution_id)
                connections.close_all()
            finally:
                self._count(-1)
                self._awake.set()
        connections.close_all()

    def _count(self, difference: int) -> None:
        with self._counting:
            self._busy += difference
