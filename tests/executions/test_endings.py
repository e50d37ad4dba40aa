"""Who waits for an execution is told of its end, whatever ails the database meanwhile."""

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from executions import endings, services
from executions.endings import Endings
from executions.models import Execution
from tests.executions.programs import scene
from workspaces.fields import uuid7

pytestmark = pytest.mark.django_db(transaction=True)


def running() -> Execution:
    return services.start(workflow=scene.workflow(f"sleeper {uuid7()}", scene.wait(600)))


def ended() -> Execution:
    return services.cancel(execution=running())


def test_it_tells_who_waits_for_what_has_ended_and_nobody_else() -> None:
    over, still = ended(), running()

    async def wait_for_both() -> None:
        looks = Endings()
        with looks.awaited(over.pk) as one, looks.awaited(over.pk) as same, looks.awaited(still.pk) as other:
            assert all(await asyncio.wait_for(asyncio.gather(one, same), timeout=30))
            assert not other.done()
            looks.stop_waiting()
            assert await other is False
        with looks.awaited(still.pk) as late:
            assert await late is False

    asyncio.run(wait_for_both())


def test_a_look_that_fails_is_not_the_last(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    over = ended()
    looks: Iterator[Callable[[], Any]] = iter([partial(int, "not a number"), partial(endings._ended, [over.pk])])
    monkeypatch.setattr(endings, "_ended", lambda _: next(looks)())
    monkeypatch.setattr(endings, "MAX_PAUSE_SECONDS", 0)

    async def wait() -> bool:
        with Endings().awaited(over.pk) as future:
            return await asyncio.wait_for(future, timeout=30)

    assert asyncio.run(wait())
    assert "looking for executions that ended failed" in caplog.text


def test_all_who_wait_cost_one_query_up_to_500(django_assert_num_queries: Any) -> None:
    over = ended()
    with django_assert_num_queries(1):
        assert endings._ended([over.pk, *[uuid7() for _ in range(499)]]) == [over.pk]
    with django_assert_num_queries(2):
        assert endings._ended([*[uuid7() for _ in range(500)], over.pk]) == [over.pk]
