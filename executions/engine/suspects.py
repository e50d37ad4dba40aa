"""Executions whose process ended at an attempt of theirs, twice: the next try is made in a process of its own.

Whether one of them ends the processes, or only sits beside what does, can't be told while they run in company.
"""

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import Error, connections

from executions.engine import forks, journal, metrics, runner
from executions.engine.journal import Claim, Fenced
from executions.engine.plan import MAX_CLAIMS_WITHOUT_PROGRESS, poisoned
from executions.models import Execution, ExecutionQuerySet
from executions.states import ExecutionStatus

COMMAND = "try_alone"
MOST_CLAIMS = 6
"""What takes all of a machine's processes with it leaves nobody who could tell: at this many claims it is given up."""
AT_ONCE = 2
DELAY_SECONDS = 2.0
"""After which another suspect is due again while AT_ONCE are tried."""
LOOK_SECONDS = 0.5
PARTING_SECONDS = 5.0
"""What a process has to end by itself once its execution isn't its own any more."""

_room = threading.BoundedSemaphore(AT_ONCE)
logger = logging.getLogger(__name__)


def carry_on(claim: Claim, *, should_stop: Callable[[], bool]) -> None:
    """As `runner.run`, but the last try of a suspect in a process of its own, and no more than AT_ONCE of them."""
    if not MAX_CLAIMS_WITHOUT_PROGRESS <= claim.claims < MOST_CLAIMS:
        runner.run(claim, should_stop=should_stop)
    elif not _room.acquire(blocking=False):
        journal.release(claim, delay_seconds=DELAY_SECONDS)
    else:
        try:
            was_tried = _tried_alone(claim)
        finally:
            _room.release()
        if not was_tried:
            runner.run(claim, should_stop=should_stop)


def run_alone(execution_id: UUID, epoch: int) -> None:
    """What that process does: one attempt. What comes behind it is for others."""
    claim = journal.taken_over(execution_id, epoch)
    if claim is not None:
        claim.claims = min(claim.claims, MAX_CLAIMS_WITHOUT_PROGRESS)
        attempts = iter([False])
        runner.run(claim, should_stop=lambda: next(attempts, True))


def _tried_alone(claim: Claim) -> bool:
    """Whether the process began an attempt. If that was the end of it, so it is of the execution: FAILED, POISONED."""
    logger.warning("execution %s: its process ended twice; now it is tried in one of its own", claim.execution_id)
    try:
        child = _process(claim)
    except OSError as error:
        logger.warning("execution %s can't have a process of its own: %s", claim.execution_id, error)
        return False
    _watch(claim, child)
    left = _mine(claim).filter(waiting_for=None, claims__gt=0).values_list("position", flat=True).first()
    if left == claim.position:
        return False
    if left is not None:
        with suppress(Fenced):
            _give_up(claim, child.returncode)
    return True


def _process(claim: Claim) -> subprocess.Popen[bytes]:
    """Of this project's settings, deaf to what tells this process to stop: its execution is then taken from it."""
    with forks.deaf():
        return subprocess.Popen(  # noqa: S603 (of ids alone)
            [sys.executable, "-m", "django", COMMAND, str(claim.execution_id), str(claim.epoch)],
            cwd=settings.BASE_DIR,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )


def _watch(claim: Claim, child: subprocess.Popen[bytes]) -> None:
    """Until it has ended; by force, if it is still there a while after the execution was taken from it."""
    is_mine = True
    while is_mine and not _has_ended(child, LOOK_SECONDS):
        try:
            _renew_unless_begun(claim)
            is_mine = _mine(claim).exists()
        except Error:
            connections.close_all()
    if not _has_ended(child, PARTING_SECONDS):
        child.kill()
        child.wait()


def _has_ended(child: subprocess.Popen[bytes], seconds: float) -> bool:
    with suppress(subprocess.TimeoutExpired):
        child.wait(seconds)
    return child.returncode is not None


def _mine(claim: Claim) -> ExecutionQuerySet:
    return Execution.objects.unfinished().filter(pk=claim.execution_id, epoch=claim.epoch)


def _renew_unless_begun(claim: Claim) -> None:
    """It starts as slowly as any; from its first commit on it renews the lease itself."""
    lease_ends_at = claim.clock() + timedelta(seconds=settings.LEASE_SECONDS)
    _mine(claim).filter(position=claim.position, waiting_for=None).update(wake_at=lease_ends_at)


def _give_up(claim: Claim, returncode: int) -> None:
    end = signal.strsignal(-returncode) if returncode < 0 else f"exit status {returncode}"
    journal.give_up(claim, error=poisoned(MAX_CLAIMS_WITHOUT_PROGRESS, f"the last time alone: {end}"))
    metrics.POISON.inc()
    metrics.ended(ExecutionStatus.FAILED, is_simulation=claim.assignment.is_simulation)
