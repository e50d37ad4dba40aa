from importlib import import_module

from django.apps import AppConfig


class ProgramsConfig(AppConfig):
    name = "tests.executions.programs"

    def ready(self) -> None:
        import_module("tests.executions.programs.orders")
