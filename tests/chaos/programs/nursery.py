"""Workers at once: each line on standard input forks one from a process that has everything loaded.

To start one anew takes a second of a processor, which is too long where five a second are killed. It says
`born <pid>` and `ended <pid> <exit status>`, a signal being a negative one. Their logs are `<pid>.log` in `LOGS`.
"""

import ctypes
import os
import select
import signal
import sys
from pathlib import Path

import django

LOOK_SECONDS = 0.01
SET_DEATH_SIGNAL = 1  # of prctl: should the nursery die, so do they


def main() -> None:
    django.setup()
    # Loaded here, so that no worker has to.
    from django.core.management import call_command  # noqa: PLC0415 (the apps have to be there first)

    from executions.management.commands.run_worker import Command  # noqa: PLC0415 (the apps have to be there first)

    command = Command()
    while True:
        _tell_who_ended()
        if select.select([sys.stdin], [], [], LOOK_SECONDS)[0]:
            if not os.read(sys.stdin.fileno(), 1):
                return
            if pid := os.fork():
                _tell(f"born {pid}")
            else:
                _become_worker()
                call_command(command)
                os._exit(0)


def _become_worker() -> None:
    ctypes.CDLL(None).prctl(SET_DEATH_SIGNAL, signal.SIGKILL)
    log = os.open(Path(os.environ["LOGS"], f"{os.getpid()}.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)


def _tell_who_ended() -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        _tell(f"ended {pid} {os.waitstatus_to_exitcode(status)}")


def _tell(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
