"""Django's project; the Celery app is found here by name, and by whoever sends to its workers."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
