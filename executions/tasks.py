"""What Celery's workers run, and what stands beside it in their processes."""

from contextlib import ExitStack
from uuid import UUID

from celery import shared_task
from celery.signals import worker_process_init, worker_ready, worker_shutting_down
from django.conf import settings
from django.db import connections

from executions.engine import announcements, slices
from executions.engine.feeder import TASK, Feeder, send_on
from executions.engine.telling import telling
from executions.monitoring import serving

_feeder = Feeder()
_process = ExitStack()


@shared_task(name=TASK, ignore_result=True, acks_late=True, reject_on_worker_lost=True)
def advance(execution_id: str) -> None:
    """Carries the execution on for a bounded slice, if it is due."""
    slices.advance(UUID(execution_id))


@worker_process_init.connect
def _begin_as_child(**_: object) -> None:
    """The feeder, and a connection that was opened before the fork, are the parent's."""
    for db in connections.all(initialized_only=True):
        db.connection = None
        getattr(type(db), "_connection_pools", {}).clear()
    announcements.hear(send_on)
    _process.enter_context(telling())


@worker_ready.connect
def _feed(**_: object) -> None:
    _process.enter_context(telling())
    _process.enter_context(serving.on_its_port())
    _feeder.start()


@worker_shutting_down.connect
def _stop(**_: object) -> None:
    slices.stop()
    _feeder.stop(settings.STOP_GRACE_SECONDS)
