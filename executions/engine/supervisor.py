"""The executor of a process: finds due work by query, and carries it on with a few threads."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from queue import SimpleQueue
from uuid import UUID

from django.conf import settings
from django.db import Error, connection, connections

from executions.engine import announcements, clock, due, journal, limits, metrics, observation, outages, suspects
from executions.engine.announcements import DUE_CHANNEL, Announcement
from executions.engine.journal import Claim
from executions.engine.notifications import Notifications
from executions.engine.picking import NOBODY

POLL_SECONDS = 1.0
LATE_LOOK_SECONDS = 5.0
SWEEP_SECONDS = 5.0
TURN_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Executor:
    """`start()` it once; `wake()` is a hint that something may be due; `stop()` hands back what isn't finished.

    Its supervisor thread claims no more than there are free threads, so that what is due stays free for others. While
    more is due than it can take, the workspaces take turns.
    """

    def __init__(self, threads: int | None = None) -> None:
        self.threads = threads or settings.EXECUTOR_THREADS
        self._claims: SimpleQueue[Claim | None] = SimpleQueue()
        self._running: dict[tuple[UUID, int], Claim] = {}
        self._changing = threading.Lock()
        self._awake = threading.Event()
        self._stopping = threading.Event()
        self._started: list[threading.Thread] = []
        self._looked_at = time.monotonic()
        self._sweep_at = 0.0
        self._is_behind = False
        self._turn = NOBODY
        self._listening: AbstractContextManager[object] = nullcontext()

    def start(self) -> None:
        announcements.hear(self._heard)
        if connection.vendor == "postgresql":
            self._listening = Notifications(DUE_CHANNEL, hear=lambda _: self.wake(), missed=self.wake)
        self._listening.__enter__()
        jobs = [self._supervise, *[self._work] * self.threads]
        self._started = [threading.Thread(target=job, name="trilith-executor", daemon=True) for job in jobs]
        for thread in self._started:
            thread.start()
        metrics.THREADS.inc(self.threads)

    def wake(self) -> None:
        self._awake.set()

    def _heard(self, news: Announcement) -> None:
        if news.is_due:
            self.wake()

    def ailment(self) -> str | None:
        """Why it finds nothing that is due, in a few words; None while it would."""
        supervisor, *_ = self._started
        if not supervisor.is_alive():
            return "its supervisor has ended"
        if (late := time.monotonic() - self._looked_at) > LATE_LOOK_SECONDS:
            return f"it last looked for due executions {late:.0f} s ago"
        return None

    def stop(self, grace_seconds: float) -> bool:
        """Claims nothing more and hands executions back at their next step; True when all threads ended in time.

        What is in the middle of a step when the time is over is handed back as it is: others make its attempt again.
        """
        if not self._stopping.is_set():
            announcements.stop_hearing(self._heard)
            self._listening.__exit__(None, None, None)
            metrics.THREADS.dec(self.threads)
        self._stopping.set()
        self._awake.set()
        ends_at = time.monotonic() + grace_seconds
        for thread in self._started:
            thread.join(max(0.0, ends_at - time.monotonic()))
        self._hand_back()
        return not any(thread.is_alive() for thread in self._started)

    def _hand_back(self) -> None:
        with self._changing:
            running = tuple(self._running.values())
        for claim in running:
            logger.warning("execution %s is handed to others in the middle of a step", claim.execution_id)
            try:
                journal.release(claim)
            except Error as error:
                logger.warning("what is left is due for others when its lease ends: %s", error)
                return

    def _supervise(self) -> None:
        while not self._stopping.is_set():
            self._awake.clear()
            pause = self._look()
            self._awake.wait(pause)
        for _ in range(self.threads):
            self._claims.put(None)
        connections.close_all()

    def _look(self) -> float:
        """Hands due executions to the threads; gives the seconds until there may be more."""
        try:
            self._sweep()
            pause = self._claim_due(self.threads - len(self._running))
        except Error as error:
            logger.warning("looking for due executions failed; trying again in %s s: %s", POLL_SECONDS, error)
            return self._lost()
        except Exception:  # whatever it is, the next look is the mend
            logger.exception("looking for due executions failed; trying again in %s s", POLL_SECONDS)
            return self._lost()
        self._looked_at = time.monotonic()
        return POLL_SECONDS if pause is None else min(pause, POLL_SECONDS)

    def _lost(self) -> float:
        connections.close_all()
        return POLL_SECONDS

    def _sweep(self) -> None:
        if time.monotonic() > self._sweep_at:
            self._sweep_at = time.monotonic() + SWEEP_SECONDS
            limits.sweep()

    def _claim_due(self, free: int) -> float | None:
        if not free or outages.are_on():
            return None
        claims = self._claimed_by_turns(free) if self._is_behind else journal.claim_due(free)
        self._note_turns(claims)
        self._is_behind = len(claims) == free
        with self._changing:
            self._running.update({(claim.execution_id, claim.epoch): claim for claim in claims})
        metrics.BUSY_THREADS.inc(len(claims))
        for claim in claims:
            self._claims.put(claim)
        return 0.0 if self._is_behind else due.seconds_until()

    def _claimed_by_turns(self, free: int) -> list[Claim]:
        claims = journal.claim_by_turns(free, after=self._turn)
        return claims if len(claims) == free else claims + journal.claim_due(free - len(claims))

    def _note_turns(self, claims: list[Claim]) -> None:
        """Once around from the last turn, those before it come after those behind it: the next is behind the last."""
        ids = [claim.assignment.workspace_id for claim in claims]
        self._turn = max(ids, key=lambda each: (each <= self._turn, each), default=self._turn)

    def _work(self) -> None:
        while claim := self._claims.get():
            try:
                suspects.carry_on(claim, should_stop=self._should_stop(claim))
            except Exception:  # the lease runs out, and then somebody carries on behind the last commit
                ids = observation.ids(claim)
                logger.exception("execution %s was left; due again at its lease's end", claim.execution_id, extra=ids)
                connections.close_all()
            finally:
                with self._changing:
                    del self._running[claim.execution_id, claim.epoch]
                metrics.BUSY_THREADS.dec()
                self._awake.set()
        connections.close_all()

    def _should_stop(self, claim: Claim) -> Callable[[], bool]:
        """Whether an execution is to be handed back between two steps: at the end, or for another workspace's turn."""
        turn_ends_at = clock.monotonic() + TURN_SECONDS

        def should_stop() -> bool:
            nonlocal turn_ends_at
            if self._stopping.is_set():
                return True
            if not self._is_behind or clock.monotonic() < turn_ends_at:
                return False
            turn_ends_at = clock.monotonic() + TURN_SECONDS
            return due.elsewhere(claim.assignment.workspace_id)

        return should_stop
