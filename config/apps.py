from django.apps import AppConfig
from django.contrib.admin import apps
from django.core.checks import register

from config import checks


class ProjectConfig(AppConfig):
    name = "config"
    default = True

    def ready(self) -> None:
        register(checks.environment)
        register(checks.hosts)
        register(checks.broker)
        register(checks.isolated_actions)
        register(checks.secrets_keys, deploy=True)


class AdminConfig(apps.AdminConfig):
    default = False
    default_site = "config.admin.Site"
