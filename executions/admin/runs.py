"""Run now: what is to be run with, as people type it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from django.http import QueryDict

from executions.services import IDEMPOTENCY_KEY
from workflows.admin.texts import Located, TextInvalid, lines_ended, read, read_object
from workflows.documents import Json


def _new_key() -> str:
    return f"admin-{uuid4()}"


@dataclass(slots=True)
class RunForm:
    """The texts of its fields and what is wrong with each. `key` starts one execution, however often it is sent."""

    trigger_data: str = "{}"
    variables: str = ""
    dry_run: bool = False
    key: str = field(default_factory=_new_key)
    faults: dict[str, Sequence[Located]] = field(default_factory=dict)
    error: str = ""

    @classmethod
    def of(cls, data: QueryDict) -> "RunForm":
        trigger_data, variables = (lines_ended(data.get(name, "")) for name in ("trigger_data", "variables"))
        key = data.get("key", "")
        known = key if IDEMPOTENCY_KEY.fullmatch(key) else _new_key()
        return cls(trigger_data, variables, "dry_run" in data, known)

    def start(self) -> dict[str, Any]:
        """What `services.start` takes; what couldn't be read is in `faults` then, and the field isn't among it."""
        return {name: value for name, value in self._read() if name not in self.faults}

    def refuse(self, error: str) -> None:
        """Says why nothing was started. What is sent next is another request, and so gets another key."""
        self.error, self.key = error, _new_key()

    def _read(self) -> list[tuple[str, Json]]:
        found: list[tuple[str, Json]] = []
        for name, reader in (("trigger_data", read), ("variables", read_object)):
            if text := getattr(self, name).strip():
                try:
                    found.append((name, reader(text)))
                except TextInvalid as error:
                    self.faults[name] = error.faults
        return [*found, ("dry_run", self.dry_run), ("idempotency_key", self.key)]

    @property
    def trigger_faults(self) -> Sequence[Located]:
        return self.faults.get("trigger_data", ())

    @property
    def variables_faults(self) -> Sequence[Located]:
        return self.faults.get("variables", ())
