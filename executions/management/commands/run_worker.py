import logging
import signal
from threading import Event
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from executions.engine import dispatch
from executions.housekeeping import housekeeping
from executions.monitoring import serving

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
