"""Handlers that have processes of their own, and tell what they find there."""

import gc
import logging
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from pydantic import Field

from workflows.actions.context import ActionContext, Pause, Steer
from workflows.actions.registry import ActionConfig, action
from workflows.documents import Json
from workspaces.models import Task

logger = logging.getLogger(__name__)


class TellConfig(ActionConfig):
    value: Any = None


def told(config: TellConfig, context: ActionContext) -> Json:
    """All that it was given."""
    plain = ("workflow_name", "path", "action_id", "attempt", "timeout_ms", "user_id", "is_simulation")
    ids = ("execution_id", "workspace_id", "workflow_id", "first_id", "now", "deadline", "idempotency_key")
    context.log("a line")
    return {
        **{name: getattr(context, name) for name in plain},
        **{name: str(getattr(context, name)) for name in ids},
        "scope": [context.trigger, context.variables, context.steps, sorted(context.scope)],
        "config": config.value,
        "has time": 0 < context.remaining() <= context.timeout_ms / 1000,
    }


action("test_told_here", config=TellConfig)(told)
action("test_told_apart", config=TellConfig, isolated=True)(told)


@action("test_pid_anywhere", config=TellConfig)
def pid_anywhere(_config: TellConfig, _context: ActionContext) -> int:
    """Has no opinion about where it is called."""
    return os.getpid()


@action("test_pid_here", config=TellConfig, isolated=False)
def pid_here(_config: TellConfig, _context: ActionContext) -> int:
    """Has to be called in the process that has claimed the execution."""
    return os.getpid()


@action("test_pid_inside", config=TellConfig, transactional=True)
def pid_inside(_config: TellConfig, _context: ActionContext) -> int:
    """Has the transaction of its step."""
    return os.getpid()


@action("test_answer_apart", config=TellConfig, isolated=True)
def answer(config: TellConfig, context: ActionContext) -> Any:
    """What a handler may return beside JSON."""
    return Pause(context.now, "paused") if config.value == "pause" else Steer("steered", "skip_next")


@action("test_last_words_apart", config=TellConfig, isolated=True)
def last_words(config: TellConfig, context: ActionContext) -> None:
    """Says something, and is no more."""
    context.log(f"attempt {context.attempt}")
    if config.value == "exit" or context.attempt < int(config.value):
        os._exit(3)


@action("test_tasks_apart", config=TellConfig, isolated=True)
def tasks(config: TellConfig, context: ActionContext) -> int:
    """Works with the database."""
    Task.objects.create(workspace_id=context.workspace_id, title=config.value)
    return Task.objects.filter(workspace_id=context.workspace_id).count()


def close_all_files(_connection: object) -> None:
    """Those that it has inherited too."""
    os.closerange(3, 1_000)
    time.sleep(60)


def say_nonsense(connection: Connection) -> None:
    """Where its starter expects JSON."""
    connection.send_bytes(b"{]")
    time.sleep(60)


def promise_much(connection: Connection) -> None:
    """Of which nothing comes."""
    os.write(connection.fileno(), (2**31 - 1).to_bytes(4))
    time.sleep(60)


def leave_a_child(_connection: object) -> None:
    """That keeps all that it has inherited."""
    if not os.fork():
        time.sleep(5)
    os._exit(4)


SPOILS = {each.__name__: each for each in (close_all_files, say_nonsense, promise_much, leave_a_child)}


@action("test_spoil_apart", config=TellConfig, isolated=True)
def spoil(config: TellConfig, _context: ActionContext) -> None:
    """Spoils the pipe between it and its starter."""
    [connection] = [each for each in gc.get_objects() if isinstance(each, Connection) and not each.closed]
    SPOILS[config.value](connection)


def squared(number: int) -> int:
    return number * number


@action("test_start_apart", config=TellConfig, isolated=True)
def start(config: TellConfig, _context: ActionContext) -> Json:
    """Starts processes, and stops one."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    process.terminate()
    with multiprocessing.get_context("fork").Pool(2) as pool:
        squares: list[Json] = [*pool.map(squared, [1, 2, 3])]
    fork = multiprocessing.get_context("fork").Process(target=time.sleep, args=[60])
    fork.start()
    fork.terminate()
    fork.join(20)
    is_same = os.environ.get("PYTHONPATH", "") == config.value and "TRILITH_PYTHONPATH_BEFORE" not in os.environ
    return {"ended by": [process.wait(20), fork.exitcode], "same environment": is_same, "from a pool": squares}


@action("test_start_and_stay_apart", config=TellConfig, isolated=True)
def start_and_stay(config: TellConfig, _context: ActionContext) -> None:
    """Waits for what it has started."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    Path(config.value).write_text(str(process.pid))
    process.wait()


@action("test_start_and_crash_apart", config=TellConfig, isolated=True)
def start_and_crash(config: TellConfig, _context: ActionContext) -> None:
    """Leaves a process of its own behind, by a segmentation fault."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    Path(config.value).write_text(str(process.pid))
    os.kill(os.getpid(), signal.SIGSEGV)


@action("test_hold_apart", config=TellConfig, isolated=True)
def hold(config: TellConfig, _context: ActionContext) -> None:
    """A minute and more in one call of C that lets nobody else run."""
    Path(config.value).write_text(str(os.getpid()))
    re.match(r"(a|a)*$", "a" * 40 + "b")


@action("test_log_apart", config=TellConfig, isolated=True)
def log(config: TellConfig, _context: ActionContext) -> None:
    """Logs what it shouldn't."""
    logger.warning("using %s", config.value)


class StayConfig(ActionConfig):
    pid_file: str
    listens: bool = False
    computes: bool = False
    seconds: float = Field(60, ge=0)


@action("test_stay_here_apart", config=StayConfig, isolated=True)
def stay_here(config: StayConfig, context: ActionContext) -> str:
    """Tells where it is, and stays; what all processes are told to do it is told too."""
    Path(config.pid_file).write_text(str(os.getpid()))
    for each in (signal.SIGTERM, signal.SIGINT):
        os.kill(os.getpid(), each)
    ends_at = time.monotonic() + config.seconds
    while time.monotonic() < ends_at:
        if config.listens and context.cancelled.is_set():
            Path(config.pid_file).with_suffix(".heard").touch()
            context.check()
        if not config.computes:
            time.sleep(0.01)
    return "stayed"
