"""How isolated attempts end: by crashes, by force, with whoever started them; and what that leaves behind."""

import multiprocessing
import os
import signal
import threading
import time
from multiprocessing import forkserver
from pathlib import Path

import pytest
from django.db import connections

from executions import services
from executions.engine import performer
from executions.models import Execution
from tests.executions.misbehaving import actions, apart
from tests.executions.misbehaving.scenes import LAST, last, worker
from tests.executions.programs.children import Child, eventually
from tests.executions.scenes import ran, started, statuses, steps
from workflows.documents import Json

pytestmark = pytest.mark.django_db(transaction=True)

TIMEOUT_MS = 500
NEARLY_MS = 3_000
"""On a machine that has much else to do; by itself it is half a second."""
ENDS = {
    "exit": "exit status 7",
    "exit well": "exit status 0",
    "exit at most": "exit status 255",
    "segmentation fault": "SIGSEGV",
    "abort": "SIGABRT",
    "kill": "SIGKILL",
}
HANGS = set(actions.HANGS) - {"hold the database"}
assert apart.__name__, "its actions are registered"


def files() -> int:
    """How many this process has open."""
    return len([*Path("/proc/self/fd").iterdir()])


def is_there(pid: int) -> bool:
    """Not if it is only remembered."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("how", actions.KILLS)
def test_one_that_ends_its_process_fails_its_attempt(how: str) -> None:
    execution = ran({"type": "test_kill_apart", "config": {"how": how}, "onError": "continue"}, LAST)

    step, after = steps(execution)
    assert (step.error["code"], after.status) == ("PROCESS_ENDED", "success")
    assert ENDS[how] in step.error["message"]
    assert execution.claims == 0, "nobody is suspected"


@pytest.mark.parametrize("how", [*sorted(HANGS), "async"])
def test_it_is_over_on_time_and_gone(how: str) -> None:
    kind = "test_stay_async_apart" if how == "async" else "test_stay_apart"
    stay: Json = {"type": kind, "config": {"how": how}, "timeout": TIMEOUT_MS, "onError": "continue"}
    ran({"type": "test_told_apart"})  # from here on there is a server to fork from

    execution = ran(stay, LAST)

    step, after = steps(execution)
    if how != "leave threads":
        assert step.error["code"] == "TIMEOUT"
        assert TIMEOUT_MS <= (step.duration_ms or 0) <= TIMEOUT_MS + NEARLY_MS
    assert after.status == "success"
    eventually(lambda: not performer._left, seconds=10)


@pytest.mark.parametrize("how", apart.SPOILS)
def test_one_that_spoils_the_pipe_to_its_starter_is_over(how: str) -> None:
    spoil: Json = {"type": "test_spoil_apart", "config": {"value": how}, "timeout": 3_000, "onError": "continue"}
    execution = ran(spoil, LAST)

    step, after = steps(execution)
    assert after.status == "success"
    if how != "close_all_files":  # somebody there reads from one of them meanwhile, which keeps it open
        assert step.error["code"] == "PROCESS_ENDED"
    eventually(lambda: not performer._left, seconds=10)


def test_attempts_leave_nothing_open() -> None:
    tell: Json = {"type": "test_told_apart"}
    ran(tell, tell)
    before = files()

    ran(*[tell, last(config={"value": "exit"}, onError="continue")] * 5)

    assert files() == before
    assert not multiprocessing.active_children()


def test_a_worker_that_stops_takes_it_along(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    started({"type": "test_stay_here_apart", "config": {"pidFile": str(pid_file), "computes": True}})
    with worker(STOP_GRACE_SECONDS=0.5) as process:
        pid = int(eventually(lambda: pid_file.exists() and pid_file.read_text()))
        began = time.monotonic()
        _stopped(process)

    assert time.monotonic() - began < 15, "it would stay for a minute"
    eventually(lambda: not is_there(pid), seconds=10)


def test_what_it_has_started_is_stopped_with_it(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    start: Json = {"type": "test_start_and_stay_apart", "config": {"value": str(pid_file)}, "timeout": 1_500}

    (step,) = steps(ran(start))

    assert step.error["code"] == "TIMEOUT"
    pid = int(pid_file.read_text())
    eventually(lambda: not is_there(pid), seconds=10)


def test_it_ends_also_where_its_server_and_its_starter_are_gone(tmp_path: Path) -> None:
    """By the system's own clock: it holds the interpreter, and so hears of nothing."""
    hold: Json = {"type": "test_hold_apart", "config": {"value": str(tmp_path / "pid")}, "timeout": 3_000}
    started(hold)
    with worker() as process:
        pid = int(eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text()))
        process.kill()
        process.wait(10)
        assert is_there(pid)
        eventually(lambda: not is_there(pid), seconds=10)


def test_when_the_server_of_all_has_ended_the_next_attempt_has_another() -> None:
    ran({"type": "test_told_apart"})
    server = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]
    os.kill(server, signal.SIGKILL)

    again: dict[str, Json] = {"onError": "retry", "retryConfig": {"maxRetries": 4, "delayMs": 100}}
    (step,) = steps(ran({"type": "test_told_apart", **again}))

    assert step.status == "success", step.attempts


def test_one_that_eats_memory_eats_its_own() -> None:
    execution = ran({"type": "test_eat_apart", "config": {"how": ""}, "onError": "continue"}, LAST)

    step, after = steps(execution)
    assert step.error["code"] in {"HANDLER_ERROR", "PROCESS_ENDED"}
    assert after.status == "success"


def _run(execution: Execution) -> None:
    services.run(execution=execution)
    connections.close_all()


@pytest.mark.parametrize("listens", [True, False])
@pytest.mark.parametrize("computes", [True, False])
def test_a_cancel_ends_it(tmp_path: Path, *, listens: bool, computes: bool) -> None:
    pid_file = tmp_path / "pid"
    config: Json = {"pidFile": str(pid_file), "listens": listens, "computes": computes}
    execution = started({"type": "test_stay_here_apart", "config": config})
    running = threading.Thread(target=_run, args=[execution])
    running.start()
    pid = int(eventually(lambda: pid_file.exists() and pid_file.read_text()))
    assert is_there(pid)

    services.cancel(execution=execution)

    eventually(lambda: not is_there(pid), seconds=10)
    running.join(10)
    assert statuses(execution) == ["cancelled"]
    assert pid_file.with_suffix(".heard").exists() is listens


@pytest.mark.parametrize("computes", [True, False])
def test_it_ends_with_the_process_that_waits_for_it(tmp_path: Path, *, computes: bool) -> None:
    pid_file = tmp_path / "pid"
    started({"type": "test_stay_here_apart", "config": {"pidFile": str(pid_file), "computes": computes}})
    with worker() as process:
        pid = int(eventually(lambda: pid_file.exists() and pid_file.read_text()))
        process.kill()
        process.wait(10)
        eventually(lambda: not is_there(pid), seconds=10)


def test_told_to_stop_with_all_others_it_does_what_its_starter_says(tmp_path: Path) -> None:
    """Which waits for it for a while."""
    pid_file = tmp_path / "pid"
    config: Json = {"pidFile": str(pid_file), "seconds": 1.0}
    execution = started({"type": "test_stay_here_apart", "config": config})
    with worker(STOP_GRACE_SECONDS=20) as process:
        eventually(pid_file.exists)
        _stopped(process)

    assert [(step.status, step.output) for step in steps(execution)] == [("success", "stayed")]


def _stopped(process: Child) -> None:
    process.terminate()
    assert process.wait(30) == 0


def test_without_a_process_the_attempt_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("Resource temporarily unavailable")

    monkeypatch.setattr(forkserver, "connect_to_new_process", refuse)

    [step] = steps(ran({"type": "test_told_apart"}))

    assert step.error["code"] == "PROCESS_UNAVAILABLE"
    assert "temporarily unavailable" in step.error["message"]


def test_what_it_has_started_ends_with_one_that_crashes(tmp_path: Path) -> None:
    crash: Json = {"type": "test_start_and_crash_apart", "config": {"value": str(tmp_path / "pid")}}

    (step,) = steps(ran(crash))

    assert step.error["code"] == "PROCESS_ENDED"
    eventually(lambda: _is_gone(int((tmp_path / "pid").read_text())), seconds=10)


def _is_gone(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or ") Z " in stat.read_text()
