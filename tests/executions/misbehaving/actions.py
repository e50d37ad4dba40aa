"""Handlers that nobody should write. What a step's `how` does stands in tables; that of those that return in `odd`."""

import asyncio
import ctypes
import logging
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from pydantic import Field

from executions.engine.plan import MAX_CLAIMS_WITHOUT_PROGRESS
from tests.executions.misbehaving import apart, odd
from workflows.actions.context import ActionContext
from workflows.actions.registry import ActionConfig, action
from workspaces.models import Task

MEMORY = 256 * 2**20
gate = threading.Event()
"""What never comes back in a test comes back at its end."""


class HowConfig(ActionConfig):
    how: str
    value: Any = None


@action("test_odd", config=HowConfig)
def does_odd(config: HowConfig, context: ActionContext) -> Any:
    """Returns or raises what can't be kept."""
    return odd.HOW[config.how](context)


@action("test_odd_inside", config=HowConfig, transactional=True)
def does_odd_inside(config: HowConfig, context: ActionContext) -> Any:
    """The same in the transaction of its step."""
    return odd.HOW[config.how](context)


class GateConfig(ActionConfig):
    folder: str
    wait: bool = True


@action("test_innocent", config=GateConfig)
def innocent(config: GateConfig, _context: ActionContext) -> int:
    """Notes the process that it is in, and works until there is a file `open`."""
    folder = Path(config.folder)
    with (folder / "pids").open("a") as pids:
        pids.write(f"{os.getpid()}\n")
    while config.wait and not (folder / "open").exists():
        time.sleep(0.02)
    return os.getpid()


class KillConfig(ActionConfig):
    how: str
    folder: str = ""


@action("test_kill", config=KillConfig)
def kill(config: KillConfig, _context: ActionContext) -> None:
    """Ends its process, once an innocent is at work in it."""
    while config.folder and not _is_in_company(Path(config.folder)):
        time.sleep(0.02)
    KILLS[config.how]()


def _is_in_company(folder: Path) -> bool:
    """With an innocent, or else this process is one of its own."""
    pids = (folder / "pids").read_text().split() if (folder / "pids").exists() else []
    return str(os.getpid()) in pids or len(pids) >= MAX_CLAIMS_WITHOUT_PROGRESS - 1


KILLS: dict[str, Callable[[], object]] = {
    "exit": lambda: os._exit(7),
    "exit well": lambda: os._exit(0),
    "exit at most": lambda: os._exit(255),
    "segmentation fault": lambda: ctypes.string_at(0),
    "abort": os.abort,
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
}


@action("test_end_a_child", config=KillConfig)
def end_a_child(_config: KillConfig, _context: ActionContext) -> int:
    """Tells a process that it has started to stop, and waits for it."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        process.terminate()
        return process.wait(20)


class HangConfig(ActionConfig):
    how: str
    seconds: float = Field(60, ge=0)


@action("test_stay", config=HangConfig)
def stay(config: HangConfig, _context: ActionContext) -> str:
    """Doesn't come back in time."""
    HANGS[config.how](time.monotonic() + config.seconds)
    return "late"


@action("test_stay_async", config=HangConfig)
async def stay_async(config: HangConfig, _context: ActionContext) -> str:
    """Takes no cancellation for an answer."""
    while not gate.is_set():
        try:
            await asyncio.sleep(0.05)
        except BaseException:  # noqa: BLE001 (as bad as it gets)
            continue
    return "late"


def _sleep(ends_at: float) -> None:
    gate.wait(ends_at - time.monotonic())


def _spin(ends_at: float) -> None:
    while time.monotonic() < ends_at and not gate.is_set():
        pass


def _swallow(ends_at: float) -> None:
    while time.monotonic() < ends_at and not gate.is_set():
        try:
            gate.wait(0.01)
            raise asyncio.CancelledError
        except BaseException:  # noqa: BLE001 (as bad as it gets)
            continue


def _log(ends_at: float) -> None:
    """All the time, with an eye on whatever goes wrong in the log."""
    while time.monotonic() < ends_at and not gate.is_set():
        logging.getLogger("misbehaving").info("still at it")


def _leave_threads(ends_at: float) -> None:
    for daemon in (True, False):
        threading.Thread(target=_sleep, args=[ends_at], daemon=daemon).start()


def _hold_the_database(ends_at: float) -> None:
    with transaction.atomic():
        Task.objects.exists()
        gate.wait(ends_at - time.monotonic())


def _hold_the_interpreter(_ends_at: float) -> None:
    """Some seconds in one call of C that lets nobody else run."""
    re.match(r"(a|a)*$", "a" * 26 + "b")


HANGS: dict[str, Callable[[float], object]] = {
    "sleep": _sleep,
    "spin": _spin,
    "swallow": _swallow,
    "leave threads": _leave_threads,
    "log": _log,
    "hold the database": _hold_the_database,
    "hold the interpreter": _hold_the_interpreter,
}


@action("test_eat", config=HowConfig)
def eat(_config: HowConfig, _context: ActionContext) -> None:
    """All the memory that its process may still have, and that isn't much."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, resource.RLIM_INFINITY))
    eaten = []
    while True:
        eaten.append(bytearray(2**20))


@action("test_change_all", config=HowConfig)
def change_all(config: HowConfig, context: ActionContext) -> str:
    """What it was given, as far as it can."""
    config.value["mine"].append("changed")
    trigger: Any = context.trigger
    trigger["list"].append("changed")
    steps: Any = context.steps
    steps["first"]["output"]["list"].append("changed")
    return "done"


@action("test_leave_open", config=HowConfig)
def leave_open(config: HowConfig, _context: ActionContext) -> bool:
    """A transaction, a lock of the session and a setting; gives whether it found any of it."""
    found = connection.in_atomic_block or not connection.get_autocommit()
    transaction.atomic().__enter__()
    Task.objects.exists()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(4711)")
    return found


@action("test_spoil", config=HowConfig, transactional=True)
def spoil(config: HowConfig, context: ActionContext) -> str:
    """The transaction that it is in."""
    match config.how:
        case "close":
            connection.close()
        case "roll back":
            transaction.set_rollback(True)
        case "break" if context.attempt == 1:
            with connection.cursor() as cursor:
                cursor.execute("SELECT nothing FROM nowhere")
    return "done"


APART = "_apart"
for _name, _config, _handler in (
    ("test_odd", HowConfig, does_odd),
    ("test_kill", KillConfig, kill),
    ("test_stay", HangConfig, stay),
    ("test_stay_async", HangConfig, stay_async),
    ("test_eat", HowConfig, eat),
    ("test_change_all", HowConfig, change_all),
    ("test_leave_open", HowConfig, leave_open),
):
    action(_name + APART, config=_config, isolated=True)(_handler)

assert apart.__name__, "its actions are registered with these"
