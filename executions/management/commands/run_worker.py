import logging
import os
import signal
from threading import Event, Thread
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from executions.engine import dispatch
from executions.housekeeping import housekeeping
from executions.monitoring import serving

PARTING_SECONDS = 2.0
"""What is left of this process has to end by itself, once all its executions are handed back."""

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Carries executions on, as `make serve` does, without an API: start as many as you like, on any machine. "
        "SIGTERM or Ctrl-C: it claims nothing more, finishes the steps at hand, and hands its executions to others. "
        "METRICS_PORT shows how it fares."
    )

    def handle(self, **options: Any) -> None:
        if not settings.EXECUTOR_THREADS:
            raise CommandError("EXECUTOR_THREADS is 0: say how many executions this worker may carry on at once.")
        told_to_stop = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: told_to_stop.set())
        try:
            metrics = serving.on_its_port()
        except OSError as error:
            raise CommandError(f"METRICS_PORT {settings.METRICS_PORT}: {error.strerror}.") from error
        with metrics, dispatch.executor(), housekeeping():
            logger.info("This worker is ready.")
            told_to_stop.wait()
        Thread(target=_end_anyway, daemon=True).start()


def _end_anyway() -> None:
    """Python waits for threads of others that aren't daemons, such as handlers may have left behind, for ever."""
    Event().wait(PARTING_SECONDS)
    logger.warning("This worker ends beside threads that handlers have left behind.")
    os._exit(0)
