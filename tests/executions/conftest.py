from collections.abc import Iterator

import pytest

from executions import history, selection
from tests.executions import handlers


@pytest.fixture(autouse=True)
def _fresh_handlers() -> Iterator[None]:
    handlers.reset()
    yield
    handlers.gate.set()


@pytest.fixture
def _few_equals(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a short list has deep offsets, and more executions of one instant than these are prepared for."""
    monkeypatch.setattr(history, "WALKED_UP_TO", 3)
    monkeypatch.setattr(history, "MOST_EQUALS", 3)


@pytest.fixture
def _few_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "COUNTED_UP_TO", 10)
