"""Each invariant is seen to fail: a history that holds, broken in one place, and what is said of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.faults.history import Cancel, Event, History, Life, Row, extra_effects
from tests.faults.invariants import INVARIANTS, violations
from tests.faults.programs.players import Held
from tests.faults.sink import Request
from workflows.definition import Action

BEGAN = datetime(2030, 1, 1, tzinfo=UTC)
ENDED = 8.0


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def action(kind: str, **more: Any) -> Action:
    return Action.model_validate({"id": "a", "type": kind, "config": {}, **more})


def failure(code: str, attempt: int, began: float, ended: float) -> Row:
    return {
        "attempt": attempt, "error": {"code": code},
        "startedAt": at(began).isoformat(), "completedAt": at(ended).isoformat(),
    }  # fmt: skip


def step(path: int, kind: str, began: float, **more: Any) -> Row:
    return {
        "path": str(path), "action_type": kind, "status": "success", "attempt": 1, "attempts": None, "output": None,
        "position": 2 * path + 2, "started_at": at(began), "attempt_started_at": at(began),
        "completed_at": at(began + 1), **more,
    }  # fmt: skip


def orders() -> Life:
    """A call, a task, a wait, and a call that was cut off once and failed once; a second later it is tried again."""
    attempts = [failure("INTERRUPTED", 1, 4, 4.5), failure("HTTP_STATUS", 1, 4.5, 5)]
    steps = [
        step(0, "call_api", 1),
        step(1, "create_task", 2),
        step(2, "wait", 3, output={"until": at(4).isoformat()}),
        step(3, "call_api", 4, attempt=2, attempts=attempts, attempt_started_at=at(6), completed_at=at(7)),
    ]
    retried = {"onError": "retry", "retryConfig": {"maxRetries": 2, "delayMs": 1000, "jitter": False}}
    actions = [action("call_api"), action("create_task"), action("wait"), action("call_api", **retried)]
    requests = [Request("0", 1), Request("3", 4.2), Request("3", 4.7), Request("3", 6.5)]
    return alive("orders", actions, steps, "COMPLETED", expected=("success",) * 4, requests=requests, tasks=["1"])


def long() -> Life:
    """A call, and a wait that is cancelled."""
    steps = [step(0, "call_api", 1), step(1, "wait", 2, status="cancelled", output={"until": at(600).isoformat()})]
    actions = [action("call_api"), action("wait"), action("create_task")]
    cancels = [Cancel(None, 2.5, "RUNNING", was_to_land=False), Cancel(200, 3, "CANCELLED")]
    return alive("long", actions, steps, "CANCELLED", requests=[Request("0", 1)], cancels=cancels)


def alive(name: str, actions: list[Action], steps: list[Row], status: str, **more: Any) -> Life:
    row: Row = {
        "id": name, "status": status, "position": steps[-1]["position"] + 1, "epoch": 2,
        "successful_steps": sum(each["status"] == "success" for each in steps), "failed_steps": 0, "skipped_steps": 0,
        "created_at": at(0), "started_at": at(0.5), "completed_at": at(ENDED),
    }  # fmt: skip
    log = {each["position"]: f"step {each['path']}" for each in steps}
    events = [Event("step", position, told) for position, told in log.items()]
    events.append(Event("complete", row["position"], {"status": status}))
    return Life(
        name=name, actions=actions, row=row, steps=steps, again=({**row}, [{**each} for each in steps]),
        shown={"status": status, "steps": [{**each} for each in steps]}, log=log,
        streams={0: events, 4: events[2:], row["position"]: []}, **{"expected": (), **more},
    )  # fmt: skip


def history() -> History:
    held = Held(threads=5, files=12, connections=2)
    return History(
        armed=1, fired=1, accepted=["orders", "long"], found=["long", "orders"], lives=[orders(), long()],
        strangers=[404, 403], bystanders=([{"id": 1}], [{"id": 1}]), held={"heir": (held, held)},
        counters=[({"execution_count": 2}, {"execution_count": 2})],
    )  # fmt: skip


type Break = Callable[[History], object]


def life(number: int, change: Callable[[Life], object]) -> Break:
    return lambda broken: change(broken.lives[number])


BREAKS: list[tuple[str, Break]] = [
    ("every fault fired", lambda broken: setattr(broken, "fired", 2)),
    ("not lost", lambda broken: broken.found.remove("long")),
    ("not lost", lambda broken: broken.found.append("a second one")),
    ("not lost", life(0, lambda it: it.row.update(status="RUNNING"))),
    ("an end is final", life(0, lambda it: it.again[0].update(epoch=3))),
    ("an end is final", life(0, lambda it: it.again[1][0].update(output={"late": True}))),
    ("an end is final", life(1, lambda it: setattr(it, "was_moved", True))),
    ("ends as undisturbed", life(0, lambda it: setattr(it, "expected", ("success",) * 3))),
    ("recorded once", life(0, lambda it: it.steps.insert(1, it.steps[0]))),
    ("recorded once", life(0, lambda it: it.row.update(successful_steps=5))),
    ("recorded once", life(1, lambda it: it.steps[1].update(status="running"))),
    ("in order", life(0, lambda it: it.steps[0].update(position=4))),
    ("in order", life(0, lambda it: it.row.update(position=8))),
    ("in order", life(0, lambda it: it.steps[2].update(started_at=at(1.5)))),
    ("in order", life(0, lambda it: it.row.update(completed_at=at(5)))),
    ("stream = log", life(0, lambda it: it.streams[0].pop(1))),
    ("stream = log", life(0, lambda it: it.streams[0].insert(0, it.streams[0][1]))),
    ("stream = log", life(0, lambda it: it.streams[4].pop())),
    ("stream = log", life(0, lambda it: it.log.update({4: "another"}))),
    ("API = rows", life(0, lambda it: it.shown["steps"][3].update(attempt=1))),
    ("API = rows", life(0, lambda it: it.shown.update(status="RUNNING"))),
    ("a cancel is true", life(1, lambda it: it.row.update(status="COMPLETED"))),
    ("a cancel is true", life(1, lambda it: it.cancels.append(Cancel(200, 3, "CANCELLED")))),
    ("a cancel is true", life(1, lambda it: it.cancels.insert(0, replace(it.cancels[0], status="CANCELLED")))),
    ("a cancel is true", life(1, lambda it: it.requests.append(Request("0", 6)))),
    ("no wait ends early", life(0, lambda it: it.steps[2].update(output={"until": at(4.5).isoformat()}))),
    ("within the retry policy", life(0, lambda it: it.steps[3].update(attempt=4))),
    ("within the retry policy", life(0, lambda it: it.steps[3].update(attempt_started_at=at(5.5)))),
    ("effects as recorded", life(0, lambda it: it.requests.pop(0))),
    ("effects as recorded", life(0, lambda it: it.requests.append(Request("3", 7)))),
    ("effects as recorded", life(0, lambda it: it.requests.append(Request("4", 7)))),
    ("effects as recorded", life(0, lambda it: it.requests.reverse())),
    ("one attempt a fault", life(0, lambda it: it.steps[3]["attempts"].append(failure("INTERRUPTED", 2, 5, 5)))),
    ("transactional once", life(0, lambda it: it.tasks.append("1"))),
    ("transactional once", life(0, lambda it: it.tasks.clear())),
    ("counters = rows", lambda broken: broken.counters[0][0].update(execution_count=3)),
    ("apart", lambda broken: broken.strangers.append(200)),
    ("apart", lambda broken: broken.bystanders[1].pop()),
    ("no leak", lambda broken: broken.held.update(heir=(Held(5, 12, 2), Held(5, 13, 2)))),
    ("no leak", lambda broken: broken.held.update(heir=(Held(5, 12, 2), Held(4, 12, 2)))),
    ("no leak", lambda broken: broken.held.update(heir=(Held(5, 12, 2), Held(5, 12, 3)))),
]


def test_it_has_nothing_to_say_of_a_history_that_holds() -> None:
    assert violations(history()) == []
    assert extra_effects(history()) == 1


@pytest.mark.parametrize(("name", "break_it"), BREAKS, ids=[f"{n} {name}" for n, (name, _) in enumerate(BREAKS)])
def test_it_names_what_is_broken(name: str, break_it: Break) -> None:
    broken = history()
    break_it(broken)

    assert name in {line.partition(":")[0] for line in violations(broken)}


def test_no_invariant_is_left_out() -> None:
    assert {name for name, _ in BREAKS} == set(INVARIANTS)
