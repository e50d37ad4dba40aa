"""How an attempt went, whatever its handler has returned or raised: data that can be kept."""

import json
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from workflows.actions.context import ActionError, Pause, Steer
from workflows.documents import DocumentError, Json, encode
from workspaces.masking import cut

MAX_MESSAGE_CHARACTERS = 2_000
MAX_DETAILS_BYTES = 16 * 1024
MAX_TRACE_CALLS = 8


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt failed, as the step's row shows it."""

    code: str
    message: str
    retryable: bool = True
    details: Json = None
    traceback: str = ""

    def as_json(self) -> Json:
        """`{"code", "message", "details"?, "traceback"?}`; the traceback is for operators' eyes."""
        more: dict[str, Json] = {"details": self.details, "traceback": self.traceback}
        return {"code": self.code, "message": self.message, **{name: value for name, value in more.items() if value}}


type Outcome = Steer | Pause | Failure


def status_of(outcome: Outcome) -> str:
    """How an attempt went, in the one word that metrics and traces have for it."""
    match outcome:
        case Failure():
            return "failed"
        case Pause():
            return "paused"
    return "success"


def guarded(work: Callable[[], Any]) -> Outcome:
    """What `work()` gives, as an outcome. Nothing it does gets past this but the end of the process."""
    try:
        return _checked(work())
    except BaseException as error:  # noqa: BLE001 (a handler may raise anything, SystemExit too: its step's failure)
        try:
            return _failure(error)
        except BaseException:  # noqa: BLE001 (all that an exception can be asked is its author's code)
            return Failure("HANDLER_ERROR", "It raised an exception that can't be described.")


def _checked(result: Any) -> Outcome:
    """With a copy of the output: what is recorded is what was checked, whatever becomes of the handler's own."""
    outcome = result if isinstance(result, Steer | Pause) else Steer(result)
    return replace(outcome, output=json.loads(encode(outcome.output)))


def _failure(error: BaseException) -> Failure:
    match error:
        case ActionError():
            return _described(error)
        case ValidationError():
            faults = [f"config.{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
            return Failure("INVALID_CONFIG", clean("; ".join(faults)), retryable=False)
        case DocumentError():
            message = clean(f"The handler's result isn't JSON that can be kept: {error}")
            return Failure("INVALID_OUTPUT", message, retryable=False)
        case TimeoutError():
            return Failure("TIMEOUT", _text(error) or "The handler gave up waiting.")
    return Failure("HANDLER_ERROR", clean(f"{type(error).__name__}: {_text(error)}"), traceback=_trace(error))


def _described(error: ActionError) -> Failure:
    code, message, details = clean(str(error.code)), clean(str(error.message)), error.details
    try:
        details = json.loads(encode(details, max_bytes=MAX_DETAILS_BYTES))
    except DocumentError as fault:
        details = f"left out, since they aren't JSON that can be kept: {clean(str(fault))}"
    return Failure(code, message, bool(error.retryable), details)


def _text(error: BaseException) -> str:
    try:
        return clean(str(error))
    except BaseException as fault:  # noqa: BLE001 (the str() of somebody's exception is their code too)
        return f"its text can't be had ({type(fault).__name__})"


def _trace(error: BaseException) -> str:
    """Where it came from, its last calls; its own text is told apart, since that may raise."""
    return clean("".join(traceback.format_tb(error.__traceback__, limit=-MAX_TRACE_CALLS)))


def clean(text: str) -> str:
    """The text as every database can keep it."""
    return cut(text, MAX_MESSAGE_CHARACTERS).replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()
