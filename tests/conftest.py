"""What holds for every test."""

from django.db import connections


def pytest_configure() -> None:
    """A server's threads keep their connections; those of a test end without closing them."""
    connections.settings["default"]["CONN_MAX_AGE"] = 0
