"""What holds for every test."""

import pytest
from django.db import connection, connections, transaction
from django.test import TransactionTestCase

KEPT = {"django_migrations", "django_content_type", "auth_permission"}
"""What migrations have written there, no test changes."""
LARGE_BYTES = 1024 * 1024
DATABASE = {"db", "transactional_db", "django_db_setup", "database_url"}


def pytest_configure() -> None:
    """A server's threads keep their connections; those of a test end without closing them."""
    connections.settings["default"]["CONN_MAX_AGE"] = 0
    TransactionTestCase._fixture_teardown = _empty_tables  # type: ignore[attr-defined]  # the stubs leave it out


def _empty_tables(_: TransactionTestCase) -> None:
    """Instead of Django's flush: it truncates, which costs PostgreSQL twenty times as much where there are few rows."""
    tables = [name for name in connection.introspection.django_table_names(only_existing=True) if name not in KEPT]
    with transaction.atomic(), connection.cursor() as cursor:
        for table in _large(tables) if connection.vendor == "postgresql" else ():
            cursor.execute(f'TRUNCATE "{table}" CASCADE')
        for table in tables:
            cursor.execute(f'DELETE FROM "{table}"')


def _large(tables: list[str]) -> list[str]:
    """Those in which so many rows have been that they would slow down who comes next."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND pg_relation_size(oid) > %s", [tables, LARGE_BYTES]
        )
        return [name for (name,) in cursor]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        asked = DATABASE.intersection(getattr(item, "fixturenames", ()))
        if not (asked or item.get_closest_marker("django_db") or item.get_closest_marker("postgresql")):
            item.add_marker("pure")
