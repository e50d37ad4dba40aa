"""`wait`: holds the workflow up without holding a thread."""

from datetime import datetime, timedelta
from typing import Self

from pydantic import Field, model_validator

from workflows.actions.context import ActionContext, ActionError, Pause
from workflows.actions.registry import ActionConfig, Moment, action
from workflows.documents import Json

MAX_WAIT = timedelta(days=366)
MAX_WAIT_SECONDS = MAX_WAIT.days * 24 * 3600


class WaitConfig(ActionConfig):
    """A duration, as the sum of what is given, or `until`, an ISO 8601 time with its offset."""

    duration_ms: int = Field(0, ge=0, le=MAX_WAIT_SECONDS * 1000, description="Milliseconds.")
    seconds: float = Field(0, ge=0, le=MAX_WAIT_SECONDS)
    minutes: float = Field(0, ge=0, le=MAX_WAIT_SECONDS // 60)
    hours: float = Field(0, ge=0, le=MAX_WAIT_SECONDS // 3600)
    days: float = Field(0, ge=0, le=MAX_WAIT.days)
    until: Moment | None = Field(None, description="An ISO 8601 time with its offset; a past one doesn't wait.")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        durations = self.model_fields_set - {"until"}
        if bool(durations) == (self.until is not None):
            raise ValueError("Give either a duration (durationMs, seconds, minutes, hours, days) or until.")
        if self.until is None and self.duration > MAX_WAIT:
            raise ValueError(f"A wait lasts {MAX_WAIT.days} days at most.")
        return self

    @property
    def duration(self) -> timedelta:
        units = timedelta(seconds=self.seconds, minutes=self.minutes, hours=self.hours)
        return units + timedelta(days=self.days, milliseconds=self.duration_ms)

    def ends_at(self, now: datetime) -> datetime:
        return self.until or now + self.duration


def preview_wait(config: WaitConfig, context: ActionContext) -> Json:
    return {"wait": _described(config, context.now)}


@action("wait", config=WaitConfig, preview=preview_wait, isolated=False)
def wait(config: WaitConfig, context: ActionContext) -> Pause:
    """Waits for a duration or until a time, through restarts too. A time that is past doesn't wait."""
    ends_at = config.ends_at(context.now)
    if ends_at - context.now > MAX_WAIT:
        raise ActionError("WAIT_TOO_LONG", f"A wait lasts {MAX_WAIT.days} days at most.", retryable=False)
    return Pause(ends_at, _described(config, context.now))


def _described(config: WaitConfig, now: datetime) -> Json:
    ends_at = config.ends_at(now)
    waits = max(timedelta(), ends_at - now)
    return {"until": ends_at.isoformat().replace("+00:00", "Z"), "durationMs": round(waits.total_seconds() * 1000)}
