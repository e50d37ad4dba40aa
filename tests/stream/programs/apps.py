from importlib import import_module

from django.apps import AppConfig


class ProgramsConfig(AppConfig):
    name = "tests.stream.programs"
    label = "stream_programs"

    def ready(self) -> None:
        import_module("tests.stream.programs.orders")
