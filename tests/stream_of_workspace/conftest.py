from collections.abc import Iterator
from typing import Any

import pytest

from executions.engine import dispatch
from tests.config.servers import Server
from tests.executions import handlers
from tests.stream.conftest import streaming


@pytest.fixture(scope="session")
def server(django_db_setup: None) -> Iterator[Server]:
    """One for all tests, which runs nothing itself."""
    with streaming() as server:
        yield server


@pytest.fixture
def engine() -> Iterator[Any]:
    """Runs what is due in this process, which isn't the server's."""
    with dispatch.executor() as executor:
        yield executor


@pytest.fixture(autouse=True)
def _fresh_handlers() -> Iterator[None]:
    handlers.reset()
    yield
    handlers.gate.set()
