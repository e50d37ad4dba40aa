"""What a listener makes of what it reads and what it is passed, in any order that the two may come in."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django_eventstream.views import MAX_PENDING, Listener, ListenerManager
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from executions import services
from executions.stream import hub, listeners
from executions.stream.following import follow
from executions.stream.hub import Batch, Hub
from executions.stream.reading import Change, Reading, read
from tests.stream.scenes import asleep
from workspaces.fields import uuid7

EXECUTION = uuid7()
END = 40


class Scripted:
    """A hub whose execution has a step at each position and ends at END; it passes on what the test says."""

    def __init__(self) -> None:
        self.at = 0
        self._manager = ListenerManager()

    @asynccontextmanager
    async def following(self, execution_id: UUID) -> AsyncIterator[Listener]:
        async with listeners.listening(self._manager, str(execution_id)) as listener:
            yield listener

    async def read(self, _execution_id: UUID, since: int) -> Reading:
        found = self._reading(since)
        await asyncio.sleep(0)
        return found

    def taken(self, listener: Listener) -> tuple[list[Batch], bool]:
        return listeners.taken(self._manager, listener)

    def go_on(self, by: int) -> None:
        self.at = min(END, self.at + by)

    def pass_on(self, since: int) -> None:
        if self.at > since:
            self._manager.add_to_queues(str(EXECUTION), Batch(str(EXECUTION), self._reading(since)))

    def _reading(self, since: int) -> Reading:
        steps = range(since + 1, min(self.at, END - 1) + 1)
        changes = tuple(Change(position, {"position": position}) for position in steps)
        return Reading(since, self.at, changes, {}, {"status": "COMPLETED"} if self.at == END else None)


async def follow_all(scripted: Any) -> list[int]:
    events = b"".join([part async for part in follow(scripted, EXECUTION, 0)])
    return [int(found) for found in re.findall(rb"^id: (\d+)$", events, re.MULTILINE)]


happenings = st.lists(
    st.tuples(
        st.integers(0, 5),  # by how much the execution goes on
        st.none() | st.integers(0, 10),  # how far back a batch begins that is passed on then; None: the hint is lost
        st.integers(0, 6),  # for how many turns of the event loop the listener may act
    ),
    max_size=30,
)


@example([(3, 0, 9), (1, 4, 9), (1, None, 9), (1, 0, 9)])
@example([(1, 0, 9), (END, 0, 0), *[(0, 5, 0)] * MAX_PENDING])
@example([(1, 0, 9), *[(1, 0, 0)] * MAX_PENDING])
@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(happenings)
def test_each_position_comes_once_whatever_is_passed_on_twice_in_parts_or_never(
    script: list[tuple[int, int | None, int]],
) -> None:
    async def play() -> list[int]:
        scripted = Scripted()
        following = asyncio.create_task(follow_all(scripted))
        for by, back, turns in script:
            before = scripted.at
            scripted.go_on(by)
            if back is not None:
                scripted.pass_on(max(0, before - back))
            for _ in range(turns):
                await asyncio.sleep(0)
        scripted.go_on(END)
        scripted.pass_on(END - 1)  # which a look makes up for, if the hint of it is lost
        return await asyncio.wait_for(following, timeout=30)

    assert asyncio.run(play()) == list(range(1, END + 1))


@pytest.mark.django_db(transaction=True)
def test_what_happens_between_a_listeners_reading_and_the_hubs_knowing_of_it_is_passed_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    execution = asleep()
    passing = Hub()
    monkeypatch.setattr(passing._pump, "start", lambda: None)

    def read_and_be_overtaken(execution_id: UUID, since: int) -> Reading:
        found = read(execution_id, since)
        passing.touch(execution_id, services.cancel(execution=execution).position)
        connection.close()
        return found

    def turn() -> None:
        for execution_id in passing._taken():
            passing._pass_on(execution_id)
        connection.close()

    async def listen() -> list[Batch]:
        async with passing.following(execution.pk) as listener:
            assert (await passing.read(execution.pk, 0)).ending is None
            await asyncio.to_thread(turn)
            return passing.taken(listener)[0]

    monkeypatch.setattr(hub, "_read", read_and_be_overtaken)
    [batch] = asyncio.run(listen())
    assert batch.has_ended


def test_a_reading_that_is_too_old_is_not_waited_for_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is over, though it isn't forgotten yet: to wait for it again and again would let nobody else run."""
    stale, fresh = (Reading(0, position, (), {}, None) for position in (1, 5))
    asked = iter(range(10))
    monkeypatch.setattr(hub, "_read", lambda *_: fresh)
    monkeypatch.setattr(Hub, "_passed_on", lambda *_: next(asked) * 0 + fresh.position)

    async def read_again() -> Reading:
        mine = Hub()
        over: asyncio.Future[Reading] = asyncio.get_running_loop().create_future()
        over.set_result(stale)
        mine._reads[EXECUTION, 0] = over
        return await mine.read(EXECUTION, 0)

    assert asyncio.run(read_again()) == fresh
