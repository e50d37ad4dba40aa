"""The many rows that plans are asked for: made once, with the planner's statistics of them and without."""

from collections.abc import Iterator

import pytest
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from tests.plans import many_rows

# On SQLite nobody may have run ANALYZE: it has to find the way without statistics too.
STATISTICS = {"postgresql": ["gathered"], "sqlite": ["gathered", "none"]}


@pytest.fixture(scope="package")
def _rows(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock():
        many_rows.make()
        yield
        many_rows.remove()


@pytest.fixture(scope="package", params=STATISTICS[connection.vendor], autouse=True)
def _statistics(_rows: None, request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker) -> None:
    if request.param == "none":
        with django_db_blocker.unblock():
            many_rows.forget_statistics()
