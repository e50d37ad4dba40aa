"""Handlers that don't come back, all in one worker: their steps end on time, and the worker goes on, and stops."""

import time
from functools import partial
from typing import Any

import pytest
from django.db import connection

from executions.models import Execution
from tests.executions.misbehaving import actions
from tests.executions.misbehaving import settings as settings_of_children
from tests.executions.programs import scene
from tests.executions.programs.children import child, eventually, has_ended
from tests.executions.scenes import started, steps
from workflows.documents import Json

pytestmark = pytest.mark.django_db(transaction=True)

TIMEOUT_MS = 1_000
POOL = 18
"""More connections than a worker of 8 threads has in its pool."""
NEARLY_MS = 4_000
"""What a step may take beyond its timeout where all tests run at once; by itself it is well under a second."""
HANGS = [how for how in actions.HANGS if how not in {"hold the interpreter", "hold the database"}]


def hanging(how: str) -> Execution:
    kind = "test_stay_async" if how == "async" else "test_stay"
    assert scene.TYPES, "its actions are there"
    step: Json = {"type": kind, "config": {"how": how}, "timeout": TIMEOUT_MS, "onError": "continue"}
    return started(step, {"type": "test_nothing"})


def test_each_ends_on_time_whatever_its_handler_and_its_neighbours_do() -> None:
    hangs = [*HANGS, "async"]
    if connection.vendor == "postgresql":  # on SQLite it would hold the one write lock
        hangs += ["hold the database"] * POOL
    executions = [(how, hanging(how)) for how in hangs]
    variables: dict[str, Any] = {
        "DJANGO_SETTINGS_MODULE": settings_of_children.__name__,
        "EXECUTOR_THREADS": 8,
        "STOP_GRACE_SECONDS": 1,
    }
    with child("manage.py", "run_worker", **variables) as worker:
        for _, execution in executions:
            eventually(partial(has_ended, execution))
        assert worker.poll() is None
        began = time.monotonic()
        worker.terminate()
        assert worker.wait(20) == 0
        assert time.monotonic() - began < 5, "what was left behind keeps nobody"

    for how, execution in executions:
        hung, after = steps(execution)
        assert (execution.status, after.status) == ("COMPLETED", "success"), how
        if how != "leave threads":
            assert hung.error["code"] == "TIMEOUT", how
            assert TIMEOUT_MS <= (hung.duration_ms or 0) <= TIMEOUT_MS + NEARLY_MS, how


def test_one_that_holds_the_interpreter_holds_its_own_process_alone() -> None:
    """Nobody there can end its step before it lets go; others don't notice."""
    holding = hanging("hold the interpreter")
    variables: dict[str, Any] = {
        "DJANGO_SETTINGS_MODULE": settings_of_children.__name__,
        "EXECUTOR_THREADS": 2,
        "LEASE_SECONDS": 30,
        "STOP_GRACE_SECONDS": 1,
    }
    with child("manage.py", "run_worker", **variables):
        eventually(lambda: holding.steps.filter(status="running").exists())
        with child("manage.py", "run_worker", **variables):
            others = [started({"type": "test_nothing"}) for _ in range(5)]
            for execution in others:
                eventually(partial(has_ended, execution))
            assert not has_ended(holding)
            eventually(partial(has_ended, holding))

    hung, after = steps(holding)
    assert (after.status, hung.attempts) == ("success", None), "made once"
    assert (hung.error or {"code": "TIMEOUT"})["code"] == "TIMEOUT", "or done, if that is what is seen first"
