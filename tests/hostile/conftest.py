"""A workspace with all it may have, and nobody who is throttled."""

import pytest
from pytest_django import Settings

from tests.api.house import House


@pytest.fixture
def house(db: None, settings: Settings) -> House:
    settings.REQUESTS_PER_MINUTE_OF_USER = settings.REQUESTS_PER_MINUTE_IN_WORKSPACE = 0
    return House()
