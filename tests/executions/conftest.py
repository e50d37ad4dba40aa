from collections.abc import Iterator

import pytest

from tests.executions import handlers


@pytest.fixture(autouse=True)
def _fresh_handlers() -> Iterator[None]:
    handlers.reset()
    yield
    handlers.gate.set()
