from collections.abc import Iterator

import pytest

from executions.engine import isolation
from tests.executions.misbehaving import actions


@pytest.fixture(autouse=True)
def _let_go() -> Iterator[None]:
    actions.gate.clear()
    yield
    actions.gate.set()
    isolation._confined.clear()
