"""What a handler is given and how it answers: its context, its failure, its pause."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from workflows.documents import Json
from workspaces import masking
from workspaces.masking import Masker

type Flow = Literal["continue", "skip_next", "stop"]

FLOWS: tuple[Flow, ...] = ("continue", "skip_next", "stop")
MAX_LOG_LINES = 100
MAX_LOG_LINE_CHARACTERS = 2_000


class ActionError(Exception):
    """A failure with a code. With `retryable=False` it isn't tried again, whatever the action's `onError` says."""

    code = message = "ACTION_ERROR"
    retryable = True
    details: Json = None

    def __init__(self, code: str, message: str = "", *, retryable: bool = True, details: Json = None) -> None:
        super().__init__(message or code)
        self.code = str(code)
        self.message = str(message or code)
        self.retryable = retryable
        self.details = details


class ActionCancelled(Exception):
    """Raised by `ActionContext.check()` when nobody waits for this attempt any more; let it pass."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Returned by a handler instead of a value: end this step with `output` at `until` (UTC), holding no thread."""

    until: datetime
    output: Json = None

    def __post_init__(self) -> None:
        """Raises ValueError for a time without its offset."""
        if self.until.utcoffset() is None:
            raise ValueError("a pause ends at a time with its offset; give until a tzinfo, such as datetime.UTC")


@dataclass(frozen=True, slots=True)
class Steer:
    """Returned by a handler instead of a value: `flow` decides about the steps behind this one."""

    output: Json
    flow: Flow = "continue"

    def __post_init__(self) -> None:
        """Raises ValueError for a flow that there isn't."""
        if self.flow not in FLOWS:
            raise ValueError(f"flow is {self.flow!r}; give {', '.join(FLOWS)}")


@dataclass(frozen=True, slots=True)
class ActionContext:
    """One attempt of one step.

    `scope` is what expressions see: `trigger`, `variables`, `steps` (`{action id: {"status", "output", "error"}}`) ….
    `idempotency_key` stays the same over retries, crashes and resumes; `first_id` is the execution resumed first.
    `now` is the database's clock when the attempt began.
    `traceparent` is the attempt's span as W3C's header of that name has it, for what it calls; empty without tracing.
    """

    execution_id: UUID
    workspace_id: UUID
    workflow_id: UUID
    workflow_name: str
    path: str
    action_id: str
    attempt: int
    now: datetime
    timeout_ms: int
    user_id: int | None = None
    is_simulation: bool = False
    scope: Mapping[str, Json] = field(default_factory=dict)
    cancelled: threading.Event = field(default_factory=threading.Event)
    started: float = field(default_factory=time.monotonic)
    lines: list[Json] = field(default_factory=list)
    traceparent: str = ""
    first_id: UUID | None = None
    masker: Masker = field(default_factory=masking.current, repr=False)

    @property
    def trigger(self) -> Json:
        return self.scope.get("trigger")

    @property
    def variables(self) -> Json:
        return self.scope.get("variables")

    @property
    def steps(self) -> Json:
        return self.scope.get("steps")

    @property
    def idempotency_key(self) -> str:
        return f"{self.first_id or self.execution_id}:{self.path}"

    @property
    def deadline(self) -> datetime:
        """When this attempt times out (UTC, the database's clock)."""
        return self.now + timedelta(milliseconds=self.timeout_ms)

    def remaining(self) -> float:
        """Seconds left before this attempt times out, never below 0."""
        return max(0.0, self.started + self.timeout_ms / 1000 - time.monotonic())

    def check(self) -> None:
        """Raises ActionCancelled once the execution was cancelled or the attempt's time is up."""
        if self.cancelled.is_set() or not self.remaining():
            raise ActionCancelled

    def log(self, message: str) -> None:
        """Keeps a line with the step: at most 100 of 2,000 characters each, later ones are dropped."""
        if len(self.lines) < MAX_LOG_LINES:
            elapsed_ms = round((time.monotonic() - self.started) * 1000)
            self.lines.append({"afterMs": elapsed_ms, "message": self._line(str(message))})

    def _line(self, message: str) -> str:
        """Masked by whoever's thread writes it."""
        return _storable(self.masker.cut(message, MAX_LOG_LINE_CHARACTERS, is_whole=True))


def _storable(text: str) -> str:
    """The text as every database can keep it: NUL and lone surrogates are written as escapes."""
    return text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()
