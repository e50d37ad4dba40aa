from django.apps import AppConfig
from django.core.checks import register

from config import checks


class ProjectConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        register(checks.environment)
