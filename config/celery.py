"""The Celery app, for DISPATCHER=celery: `celery -A config worker` starts a worker."""

import os

from celery import Celery
from celery.signals import worker_init

from config import checks

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("trilith")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["executions"])


@worker_init.connect
def _refuse_wrong_environment(**_: object) -> None:
    """Celery runs Django's checks too, and doesn't look at what they say."""
    checks.refuse_wrong_environment()
