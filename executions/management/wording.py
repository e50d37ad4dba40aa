"""A step's state in a few words, for the terminal."""

from datetime import UTC, datetime

from rich.text import Text

from executions.durations import countdown
from executions.engine.plan import StepRecord
from executions.states import StepStatus, WaitingFor
from workflows.documents import Json

LOOKS = {
    "pending": ("·", "dim"), "running": ("▶", "bold cyan"), "waiting": ("◷", "yellow"), "success": ("✔", "green"),
    "failed": ("✘", "bold red"), "skipped": ("↷", "dim"), "cancelled": ("■", "magenta"), "not run": ("∅", "dim"),
    "PENDING": ("·", "dim"), "RUNNING": ("▶", "bold cyan"), "COMPLETED": ("✔", "bold green"),
    "FAILED": ("✘", "bold red"), "CANCELLED": ("■", "bold magenta"), "TIMEOUT": ("⧖", "bold red"),
}  # fmt: skip


def label(status: str) -> Text:
    icon, style = LOOKS[status]
    return Text(f"{icon} {status}", style)


def shown_status(step: StepRecord) -> str:
    return "waiting" if step.wait_until else step.status.value


def plain(text: object) -> str:
    """The text on one line and without control characters: what a server answered must not steer the terminal."""
    return "".join(character if character.isprintable() else "�" for character in " ".join(str(text).split()))


def remark(step: StepRecord, now: datetime) -> str:
    """Why it failed, what it waits for, what it decided; empty for a step that there is nothing to say about."""
    if step.wait_until:
        return plain(_waiting(step, step.wait_until, now))
    error, output = _object(step.error), _object(step.output)
    if error and error.get("code") != "CANCELLED":
        return plain(_tries(step, f"{error.get('code')}: {error.get('message')}"))
    match step.status:
        case StepStatus.SKIPPED:
            return plain(output.get("reason", ""))
        case StepStatus.RUNNING:
            return "the try before was cut off" if _was_cut_off(step) else ""
        case _:
            return _outcome(step, output)


def _outcome(step: StepRecord, output: dict[str, Json]) -> str:
    if "conditionMet" in output:
        return "condition met" if output["conditionMet"] else f"condition not met: {step.flow.replace('_', ' ')}"
    return "dry run: nothing was sent" if output.get("simulated") is True else ""


def _waiting(step: StepRecord, until: datetime, now: datetime) -> str:
    left, at = countdown((until - now).total_seconds()), _time(until, now)
    if step.waiting_for is WaitingFor.RETRY:
        return f"next try in {left}, at {at}; the last one: {_object(step.error).get('message')}"
    return f"{left} left, until {at}"


def _time(until: datetime, now: datetime) -> str:
    return until.astimezone(UTC).strftime("%H:%M:%S UTC" if until.date() == now.date() else "%Y-%m-%d %H:%M:%S UTC")


def _tries(step: StepRecord, message: str) -> str:
    return f"after {step.attempt} tries: {message}" if step.attempt > 1 else message


def _was_cut_off(step: StepRecord) -> bool:
    return bool(step.failures) and _object(_object(step.failures[-1]).get("error")).get("code") == "INTERRUPTED"


def _object(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}
