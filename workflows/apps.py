from importlib import import_module

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class WorkflowsConfig(AppConfig):
    name = "workflows"

    def ready(self) -> None:
        """Fills the registry: the built-in actions first, then every installed app's `actions.py`."""
        import_module("workflows.actions.builtin")
        autodiscover_modules("actions")
