"""What the process of an isolated attempt does. The server that it is forked from has imported this already."""

import gc
import json
import os
import signal
import sys
import threading
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from importlib import import_module
from math import ceil
from multiprocessing import spawn
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from uuid import UUID

import django
from django.apps import apps

from executions.engine.forks import PATH, PATH_BEFORE

if not apps.ready:  # in the server, or in a process whose server couldn't
    os.nice(10)  # who loads or computes here leaves the processors to those who run executions
    environment = dict(os.environ)
    if (path := environment.pop(PATH_BEFORE, None)) is not None:
        environment[PATH] = path
    os.environ["OTEL_TRACES_EXPORTER"] = "none"  # an exporter is a thread, which a fork doesn't survive
    django.setup()
    os.environ.clear()
    os.environ.update(environment)
    gc.freeze()
    # A script that runs executions is no part of an attempt, and wouldn't like to be run once more for each of them.
    spawn._fixup_main_from_path = spawn._fixup_main_from_name = lambda _: None  # type: ignore[attr-defined]

from django.db import connections
from structlog.contextvars import bind_contextvars

from executions.engine import forks, isolation
from executions.engine.calling import leave_the_pool, perform
from executions.engine.outcomes import Failure, Outcome, clean
from workflows.actions import registry
from workflows.actions.context import ActionContext, Pause
from workflows.documents import Json
from workspaces.masking import Masker, hide_in_logs, masked_by

GRACE_SECONDS = 2.0
"""Beyond its time: then the system ends it, also where nobody is there any more who would, and whatever it does."""
OOM_SCORE = "500"
"""When memory runs out, Linux is to look here first."""


def check_in() -> None:
    """Does nothing: what has come this far was forked from a server that is ready."""


def serve(connection: Connection) -> None:
    """One attempt: reads it, makes it, tells its lines as they come and then its outcome, and ends the process."""
    _settle_down()
    request = json.loads(connection.recv_bytes())
    lines = _Lines(connection)
    masker = Masker(request["hidden"])
    with masked_by(masker):
        context = _context(request["context"], lines)
    signal.alarm(ceil(context.remaining() + GRACE_SECONDS))
    threading.Thread(target=_listen, args=[connection, context], daemon=True).start()
    bind_contextvars(**request["ids"])
    hide_in_logs(request["hidden"])
    leave_the_pool()
    with masked_by(masker):
        outcome = _performed(request, context)
    for close in (connections.close_all, sys.stdout.flush, sys.stderr.flush):
        with suppress(Exception):  # whatever state the handler has left it in
            close()
    lines.tell({"outcome": _outcome_json(outcome)})
    os._exit(0)  # whatever threads the handler leaves behind


def _performed(request: Any, context: ActionContext) -> Outcome:
    try:
        import_module(request["module"])
        action_type = registry.find(request["type"])
    except Exception as error:  # noqa: BLE001 (the import of somebody's module may raise anything)
        message = f"The process of its own can't load the handler: {type(error).__name__}: {error}"
        return Failure("UNKNOWN_ACTION", clean(message), retryable=False)
    return perform(action_type, request["config"], context)


class _Lines(list[Json]):
    """Tells each at once: of an attempt that ends by force they are what is left."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection
        self._telling = threading.Lock()

    def append(self, line: Json) -> None:
        super().append(line)
        self.tell({"line": line})

    def tell(self, message: Json) -> None:
        with self._telling:
            self._connection.send_bytes(json.dumps(message).encode())


def _settle_down() -> None:
    """In a group of its own, which is stopped by whoever started it."""
    os.setsid()
    forks.stay_deaf()
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE)


def _listen(connection: Connection, context: ActionContext) -> None:
    """Nobody waits for an attempt whose starter is gone, nor for what it has started."""
    with suppress(EOFError, OSError):
        while connection.recv_bytes() == isolation.CANCEL:
            context.cancelled.set()
    os.killpg(0, signal.SIGKILL)


def _context(found: dict[str, Any], lines: list[Json]) -> ActionContext:
    ids = {name: UUID(found[name]) if found[name] else None for name in isolation.IDS}
    return ActionContext(**{**found, **ids, "now": datetime.fromisoformat(found["now"]), "lines": lines})


def _outcome_json(outcome: Outcome) -> Json:
    match outcome:
        case Failure():
            return {"kind": "failure", **asdict(outcome)}
        case Pause(until, output):
            return {"kind": "pause", "until": until.isoformat(), "output": output}
    return {"kind": "steer", "output": outcome.output, "flow": outcome.flow}
