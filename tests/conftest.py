"""What holds for every test."""

import pytest
from django.db import connections

DATABASE = {"db", "transactional_db", "django_db_setup", "database_url"}


def pytest_configure() -> None:
    """A server's threads keep their connections; those of a test end without closing them."""
    connections.settings["default"]["CONN_MAX_AGE"] = 0


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        asked = DATABASE.intersection(getattr(item, "fixturenames", ()))
        if not (asked or item.get_closest_marker("django_db") or item.get_closest_marker("postgresql")):
            item.add_marker("pure")
