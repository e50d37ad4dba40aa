from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from executions.engine import dispatch
from tests.config.servers import Server, serving
from tests.executions import handlers
from tests.stream import scenes

SETTINGS = "tests.stream.programs.settings"


def streaming(*options: str, **variables: object) -> AbstractContextManager[Server]:
    """A server that runs no execution itself, unless told how many threads it has for it."""
    settings = {"DJANGO_SETTINGS_MODULE": SETTINGS, "EXECUTOR_THREADS": 0, "LOOK_SECONDS": 0.2}
    return serving(*options, **settings | variables)


@pytest.fixture(scope="session")
def server(django_db_setup: None) -> Iterator[Server]:
    """One for all tests; each has to leave it as it was."""
    with streaming(KEEP_ALIVE_SECONDS=0.5) as server:
        yield server


@pytest.fixture
def engine() -> Iterator[Any]:
    """Runs what is due in this process, which isn't the server's."""
    with dispatch.executor() as executor:
        yield executor
        handlers.gate.set()


@pytest.fixture(autouse=True)
def _fresh_handlers() -> Iterator[None]:
    handlers.reset()
    yield
    handlers.gate.set()


@pytest.fixture
def headers() -> dict[str, str]:
    return scenes.reader()
