"""Handlers that end their process: of those that ran in it only the one that did it is given up."""

import signal
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from executions import services
from executions.engine import journal, suspects
from executions.engine.journal import Claim
from executions.engine.plan import MAX_CLAIMS_WITHOUT_PROGRESS
from executions.models import Execution
from tests.executions.misbehaving import settings as settings_of_children
from tests.executions.programs import actions as actions_of_programs
from tests.executions.programs.children import Child, child, database_url, eventually, has_ended
from tests.executions.scenes import started, statuses, steps
from workflows.documents import Json

pytestmark = pytest.mark.django_db(transaction=True)

LEASE_SECONDS = 2
LAST: Json = {"type": "test_nothing"}
assert actions_of_programs.__name__, "they are registered here too"


def worker() -> AbstractContextManager[Child]:
    variables: dict[str, Any] = {
        "DJANGO_SETTINGS_MODULE": settings_of_children.__name__,
        "LEASE_SECONDS": LEASE_SECONDS,
    }
    return child("manage.py", "run_worker", **variables)


@pytest.fixture
def _children_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Are on the test's database."""
    monkeypatch.setenv("DATABASE_URL", database_url())
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", settings_of_children.__name__)


def suspect(execution: Execution) -> Claim:
    """As claimed once more after two processes have ended in the middle of its attempt."""
    Execution.objects.filter(pk=execution.pk).update(claims=MAX_CLAIMS_WITHOUT_PROGRESS - 1)
    claim = journal.claim(execution.pk)
    assert claim is not None
    return claim


def carried_on(execution: Execution) -> Execution:
    suspects.carry_on(suspect(execution), should_stop=lambda: False)
    execution.refresh_from_db()
    return execution


def test_who_sat_beside_a_killer_each_time_is_not_given_up(tmp_path: Path) -> None:
    innocent = started({"type": "test_innocent", "config": {"folder": str(tmp_path)}}, LAST)
    killers = [
        started({"type": "test_kill", "config": {"how": how, "folder": str(tmp_path)}})
        for how in ("segmentation fault", "exit")
    ]
    gone = []
    for _ in range(MAX_CLAIMS_WITHOUT_PROGRESS - 1):
        with worker() as killed:
            assert killed.wait(30) in {7, -signal.SIGSEGV}
            gone.append(killed.pid)
    with worker() as third:
        for killer in killers:
            eventually(partial(has_ended, killer))
        (tmp_path / "open").touch()
        eventually(lambda: has_ended(innocent))
        assert third.poll() is None, "it lives"

    assert [(each.status, each.error["code"]) for each in killers] == [("FAILED", "POISONED")] * 2
    assert "ended 3 times (the last time alone: exit status 7)" in killers[1].error["message"]
    assert "(the last time alone: Segmentation fault)" in killers[0].error["message"]
    assert (innocent.status, statuses(innocent)) == ("COMPLETED", ["success", "success"])
    pids = (tmp_path / "pids").read_text().split()
    assert pids[-1] == str(steps(innocent)[0].output)
    assert int(pids[-1]) not in {*gone, third.pid}, "its last try had a process of its own"


@pytest.mark.usefixtures("_children_of_this_process")
@pytest.mark.parametrize("how", ["exit well", "abort", "kill"])
def test_however_it_ends_its_process_it_is_given_up(how: str) -> None:
    execution = carried_on(started({"type": "test_kill", "config": {"how": how}}))

    assert (execution.status, execution.error["code"], statuses(execution)) == ("FAILED", "POISONED", ["failed"])


@pytest.mark.usefixtures("_children_of_this_process")
def test_one_that_makes_progress_alone_goes_on_in_company(tmp_path: Path) -> None:
    innocent: Json = {"type": "test_innocent", "config": {"folder": str(tmp_path), "wait": False}}
    execution = carried_on(started(innocent, LAST))

    assert (execution.status, statuses(execution), execution.claims) == ("RUNNING", ["success"], 0)
    assert services.run(execution=execution).status == "COMPLETED"


@pytest.mark.usefixtures("_children_of_this_process")
def test_what_it_starts_there_hears_when_it_is_told_to_stop() -> None:
    execution = carried_on(started({"type": "test_end_a_child", "config": {"how": ""}}, LAST))

    assert steps(execution)[0].output == -signal.SIGTERM


@pytest.mark.usefixtures("_children_of_this_process")
def test_one_that_eats_all_memory_that_its_process_may_have_fails_its_step() -> None:
    execution = carried_on(started({"type": "test_eat", "config": {"how": ""}, "onError": "continue"}, LAST))

    assert (execution.status, statuses(execution)) == ("RUNNING", ["failed"]), "its process has recorded it"
    assert steps(execution)[0].error["message"].startswith("MemoryError")


@pytest.mark.usefixtures("_children_of_this_process")
def test_a_cancel_ends_a_process_of_its_own_that_does_not_listen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suspects, "PARTING_SECONDS", 0.1)
    execution = started({"type": "test_innocent", "config": {"folder": str(tmp_path)}})
    with _running(execution):
        eventually((tmp_path / "pids").exists)
        services.cancel(execution=execution)

    execution.refresh_from_db()
    assert execution.status == "CANCELLED"
    assert not Path(f"/proc/{(tmp_path / 'pids').read_text().strip()}").exists()


def test_without_a_process_of_its_own_it_is_tried_in_company(monkeypatch: pytest.MonkeyPatch) -> None:
    """The child finds no such execution: it is on another database than this test's."""
    monkeypatch.setenv("DATABASE_URL", "sqlite://:memory:")

    assert carried_on(started({"type": "test_echo"})).status == "COMPLETED"


def test_of_many_only_some_are_tried_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suspects, "_room", threading.BoundedSemaphore(1))
    assert suspects._room.acquire()

    execution = carried_on(started({"type": "test_echo"}))

    assert (execution.status, execution.claims) == ("RUNNING", MAX_CLAIMS_WITHOUT_PROGRESS - 1), "it doesn't count"
    assert execution.wake_at is not None
    assert journal.claim(execution.pk) is None, "due a little later"


def test_what_takes_every_process_with_it_is_given_up_too() -> None:
    execution = started({"type": "test_echo"})
    Execution.objects.filter(pk=execution.pk).update(claims=suspects.MOST_CLAIMS - 1)
    claim = journal.claim(execution.pk)
    assert claim is not None

    suspects.carry_on(claim, should_stop=lambda: False)

    execution.refresh_from_db()
    assert (execution.status, execution.error["code"]) == ("FAILED", "POISONED")


@contextmanager
def _running(execution: Execution) -> Iterator[None]:
    claim = suspect(execution)

    def carry_on() -> None:
        suspects.carry_on(claim, should_stop=lambda: False)
        connections.close_all()

    thread = threading.Thread(target=carry_on)
    thread.start()
    yield
    thread.join(20)
    assert not thread.is_alive()
