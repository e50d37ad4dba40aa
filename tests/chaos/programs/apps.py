from importlib import import_module

from django.apps import AppConfig


class ChaosConfig(AppConfig):
    name = "tests.chaos.programs"
    label = "chaos_programs"

    def ready(self) -> None:
        import_module("tests.chaos.programs.orders")
