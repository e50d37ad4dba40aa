from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from tests.chaos import databases, report
from tests.chaos.effects import Effects, counting
from tests.config.clusters import Cluster, cluster


@pytest.fixture(scope="package")
def server(django_db_blocker: DjangoDbBlocker) -> Iterator[Cluster]:
    """PostgreSQL, which the tests here may kill."""
    with django_db_blocker.unblock(), cluster() as server:
        databases.prepare(server)
        yield server


@pytest.fixture
def database(server: Cluster, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """The URL of an empty database, which is Django's for the test."""
    with django_db_blocker.unblock(), databases.fresh(server) as url:
        yield url


@pytest.fixture
def effects() -> Iterator[Effects]:
    with counting() as effects:
        yield effects


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in report.LINES:
        terminalreporter.write_line(f"chaos · {line}")
