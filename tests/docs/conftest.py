from typing import Any

import pytest

from tests.docs.pages import DOCS, executed
from workflows.actions import registry


@pytest.fixture
def handlers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The handlers of `docs/actions.md` as one module, registered for the length of a test."""
    monkeypatch.setattr(registry, "ACTIONS", dict(registry.ACTIONS))
    return executed(DOCS / "actions.md", "python handler")
