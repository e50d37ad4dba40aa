"""Action types for the engine's tests. What they saw is in `seen`; `gate` holds those that wait for the test."""

import asyncio
import threading
from datetime import timedelta
from typing import Any

from pydantic import Field

from workflows.actions.context import ActionContext, ActionError, Pause
from workflows.actions.registry import ActionConfig, action
from workspaces.models import Membership
from workspaces.services import create_task

seen: list[ActionContext] = []
begun = threading.Event()
gate = threading.Event()


def reset() -> None:
    seen.clear()
    begun.clear()
    gate.clear()


class ValueConfig(ActionConfig):
    value: Any = None


class FailConfig(ActionConfig):
    times: int = 1_000
    retryable: bool = True


class NumberConfig(ActionConfig):
    number: int = Field(1, ge=0)


@action("test_echo", config=ValueConfig)
def echo(config: ValueConfig, context: ActionContext) -> Any:
    seen.append(context)
    context.log("echoing")
    return config.value


@action("test_number", config=NumberConfig)
def number(config: NumberConfig, context: ActionContext) -> Any:
    return {"number": config.number}


@action("test_fail", config=FailConfig)
def fail(config: FailConfig, context: ActionContext) -> Any:
    """Fails the first `times` attempts."""
    seen.append(context)
    if context.attempt <= config.times:
        raise ActionError("ON_PURPOSE", f"attempt {context.attempt} fails", retryable=config.retryable)
    return {"attempt": context.attempt}


@action("test_raise", config=ValueConfig)
def broken(config: ValueConfig, context: ActionContext) -> Any:
    """Has a bug."""
    return {}[config.value]


@action("test_hang", config=ValueConfig)
def hang(config: ValueConfig, context: ActionContext) -> Any:
    """Deaf to its time and to its cancellation: ends when the test opens the gate."""
    seen.append(context)
    begun.set()
    gate.wait(30)
    return "late"


@action("test_listen", config=ValueConfig)
def listen(config: ValueConfig, context: ActionContext) -> Any:
    """Cooperative: ends as soon as nobody waits for it."""
    seen.append(context)
    begun.set()
    context.cancelled.wait(30)
    gate.set()
    context.check()


@action("test_async", config=ValueConfig)
async def later(config: ValueConfig, context: ActionContext) -> Any:
    seen.append(context)
    if config.value == "hang":
        await asyncio.Event().wait()
    return config.value


@action("test_pause", config=NumberConfig)
def pause(config: NumberConfig, context: ActionContext) -> Any:
    """Pauses for `number` ms."""
    seen.append(context)
    return Pause(context.now + timedelta(milliseconds=config.number), {"paused": config.number})


@action("test_task", config=ValueConfig, transactional=True)
def task(config: ValueConfig, context: ActionContext) -> Any:
    """Writes a task, then does what `value` says: raise, break a foreign key, or be late."""
    seen.append(context)
    create_task(workspace_id=context.workspace_id, title="made", execution_id=context.execution_id)
    match config.value:
        case "raise":
            raise ActionError("ON_PURPOSE")
        case "break":
            Membership.objects.create(workspace_id=context.workspace_id, user_id=987_654_321)
        case "late":
            begun.set()
            gate.wait(1)
    return "made"


@action("test_work", config=NumberConfig)
def work(config: NumberConfig, context: ActionContext) -> Any:
    """Works for `number` ms."""
    seen.append(context)
    context.cancelled.wait(config.number / 1000)
