from collections.abc import Iterator

import pytest
from django.core.cache import cache
from pytest_django import Settings

from tests.api.house import House


@pytest.fixture(autouse=True)
def _no_limits(settings: Settings) -> Iterator[None]:
    """No limit of requests but where a test is about one: all tests of a process would count together."""
    settings.REQUESTS_PER_MINUTE_OF_USER = settings.REQUESTS_PER_MINUTE_IN_WORKSPACE = 0
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def house(db: None) -> House:
    return House()
