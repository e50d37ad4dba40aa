"""Real processes of the project on the test's database, and how to wait for what they do."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from executions.models import Execution
from tests.config.processes import ROOT, SECONDS, environment
from tests.executions.programs.sink import Sink
from workflows.models import Workflow

type Child = subprocess.Popen[str]

SERVER = [
    "-m", "uvicorn", "config.asgi:application", "--host=127.0.0.1", "--port=0", "--lifespan=on", "--no-server-header",
]  # fmt: skip
APPLICATION_NAME = "trilith-child"


def database_url() -> str:
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{settings['NAME']}"
    account = f"{settings['USER']}:{settings['PASSWORD']}" if settings["PASSWORD"] else settings["USER"]
    address = f"{settings['HOST']}:{settings['PORT'] or 5432}/{settings['NAME']}"
    return f"postgresql://{account}@{address}?application_name={APPLICATION_NAME}"


@contextmanager
def child(*arguments: str, sink: Sink | None = None, **variables: object) -> Iterator[Child]:
    """A Python process with these arguments; whatever the test does, it is gone afterwards."""
    defaults = {
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "tests.executions.programs.settings",
        "LEASE_SECONDS": 2,
        "OUTBOUND_ALLOWED_HOSTS": sink.authority if sink else "",
    }
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment(**defaults | variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        print(*process.communicate(timeout=SECONDS), sep="\n")  # pytest shows it where the test fails


def command(workflow: Workflow, *options: str, sink: Sink | None = None, **variables: object) -> Any:
    """`run_workflow` of this workflow."""
    arguments = ["manage.py", "run_workflow", workflow.workspace.slug, workflow.name, *options]
    return child(*arguments, sink=sink, **variables)


def server(sink: Sink | None = None, **variables: object) -> Any:
    return child(*SERVER, sink=sink, **variables)


def ended(process: Child) -> tuple[int, str, str]:
    """Its exit status, standard output and standard error, once it has ended by itself."""
    output, errors = process.communicate(timeout=SECONDS)
    return process.returncode, output, errors


def is_listening(process: Child) -> None:
    """Comes back once the server has said that it listens."""
    assert process.stderr is not None
    for line in process.stderr:
        if re.search(r"running on http://127\.0\.0\.1:\d+", line):
            return
    raise AssertionError("the server ended before it listened")


def eventually[T](look: Callable[[], T], *, seconds: float = 30) -> T:
    """What `look` gives as soon as that is true; fails when it isn't in time."""
    ends_at = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < ends_at, f"not within {seconds} s"
        time.sleep(0.02)
    return seen


def has_ended(execution: Execution) -> bool:
    execution.refresh_from_db()
    return execution.has_ended


def execution_of(workflow: Workflow) -> Execution:
    """The workflow's only execution, as soon as there is one."""
    eventually(Execution.objects.filter(workflow=workflow).exists)
    return Execution.objects.get(workflow=workflow)
