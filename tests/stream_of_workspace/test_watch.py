"""A client's stream within the process: one that reads too slowly, one that leaves, a database that fails."""

import asyncio
import json
import re
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

import pytest
from django.db import OperationalError
from django_eventstream import views

from executions import services
from executions.engine.announcements import Announcement
from executions.models import Execution
from executions.stream import boards, overview, pump
from executions.stream.boards import Boards
from executions.stream.watching import watch
from tests.executions.programs.children import eventually
from tests.stream_of_workspace.scenes import ran, started

pytestmark = pytest.mark.django_db(transaction=True)


def within[T](seconds: float, work: Coroutine[Any, Any, T]) -> T:
    async def bounded() -> T:
        async with asyncio.timeout(seconds):
            return await work

    return asyncio.run(bounded())


async def elsewhere[T](work: Callable[[], T]) -> T:
    """In another thread, with a connection of its own."""

    return await asyncio.to_thread(boards._closing, work)


async def until(events: AsyncGenerator[bytes], ended: set[str]) -> dict[str, Any]:
    """Reads on until all of these have ended; gives the latest state of each execution."""
    states: dict[str, Any] = {}
    async for body in events:
        for text in re.findall(rb"^event: execution\n(?:id: .*\n)?data: (.*)$", body, re.MULTILINE):
            state = json.loads(text)
            states[state["executionId"]] = state
        if ended <= {key for key, state in states.items() if state["completedAt"]}:
            break
    return states


def has_threads() -> bool:
    return any(thread.name == "trilith-boards" for thread in threading.enumerate())


def test_who_falls_behind_is_told_all_that_he_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "MAX_PENDING", 1)
    monkeypatch.setattr(boards, "READING_SECONDS", 0.01)
    first = started()
    place = Boards()

    async def follow() -> tuple[list[Execution], dict[str, Any]]:
        events = watch(place, first.workspace_id, 0)
        await anext(events)
        await anext(events)
        executions = [await elsewhere(ran) for _ in range(6)]
        await asyncio.sleep(0.1)
        states = await until(events, {str(execution.pk) for execution in executions})
        await events.aclose()
        return executions, states

    executions, states = within(30, follow())

    assert {str(execution.pk) for execution in executions} <= {*states}


def test_its_thread_runs_only_while_somebody_follows() -> None:
    workspace_id = started().workspace_id
    place = Boards()

    async def follow() -> bool:
        events = watch(place, workspace_id, 0)
        await anext(events)
        was_running = has_threads()
        await events.aclose()
        return was_running

    assert within(30, follow())
    eventually(lambda: not has_threads())
    assert within(30, follow()), "and again"
    eventually(lambda: not has_threads())


def test_a_database_that_fails_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pump, "PAUSE_SECONDS", 0.05)
    execution = started()
    marks, failures = overview.marks, iter(range(3))
    place = Boards()

    def failing(*given: Any) -> Any:
        if next(failures, None) is not None:
            raise OperationalError("gone away")
        return marks(*given)

    async def follow() -> dict[str, Any]:
        events = watch(place, execution.workspace_id, 0)
        await anext(events)
        monkeypatch.setattr(overview, "marks", failing)
        await elsewhere(lambda: services.cancel(execution=execution))
        states = await until(events, {str(execution.pk)})
        await events.aclose()
        return states

    states = within(30, follow())

    assert states[str(execution.pk)]["status"] == "CANCELLED"
    eventually(lambda: not has_threads())


def test_hints_of_workspaces_that_nobody_follows_cost_nothing() -> None:
    execution = started()
    Boards().heard(Announcement(execution.pk, execution.workspace_id, 1))
    assert not has_threads()
