from django.apps import AppConfig


class MisbehavingConfig(AppConfig):
    name = "tests.executions.misbehaving"
