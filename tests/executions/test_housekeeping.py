"""Once a day one process of all prunes; should it die, another carries on when its lease is over."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.db import connection, connections
from django.utils import timezone

from executions import chores, housekeeping, retention
from executions.chores import Turn
from executions.engine.statements import time_of
from executions.housekeeping import PRUNE, next_time
from executions.models import Chore, Execution
from tests.config.servers import serving
from tests.executions.programs.children import child, database_url, ended, eventually
from tests.executions.test_retention import an_ended
from tests.factories import WorkflowFactory
from workflows.models import Workflow
from workspaces import services, speakers
from workspaces.models import AuditEntry, SignInFailure

pytestmark = pytest.mark.django_db(transaction=True)

MORNING = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def make_due(seconds_ago: float = 1) -> None:
    """As if the time had come; the process that sees it first takes it."""
    due_at = time_of(connection) - timedelta(seconds=seconds_ago)
    Chore.objects.update_or_create(name=PRUNE, defaults={"due_at": due_at, "ended_at": due_at})


def take() -> Turn | None:
    return chores.take(PRUNE, next_time)


@pytest.fixture
def workflow() -> Workflow:
    workflow = WorkflowFactory.create()
    workflow.workspace.retention_days = 7
    workflow.workspace.save()
    for days in range(8, 28):
        an_ended(workflow, days)
    return workflow


@pytest.mark.parametrize(
    ("at", "days", "hour", "minute"), [("09:31", 0, 9, 31), ("09:30", 1, 9, 30), ("3", 1, 3, 0), ("23:59", 0, 23, 59)]
)
def test_it_is_time_once_a_day(settings: LazySettings, at: str, days: int, hour: int, minute: int) -> None:
    settings.PRUNE_AT = at

    assert next_time(MORNING) == datetime(2026, 3, 1 + days, hour, minute, tzinfo=UTC)


def test_seen_for_the_first_time_it_comes_on_schedule() -> None:
    assert take() is None

    chore = Chore.objects.get()
    assert chore.due_at == next_time(timezone.now())
    assert chore.begun_at is None


def test_another_time_of_the_day_holds_at_once(settings: LazySettings) -> None:
    take()
    settings.PRUNE_AT = f"{(timezone.now().hour + 2) % 24}:15"

    take()

    assert Chore.objects.get().due_at == next_time(timezone.now())


def test_one_of_many_takes_it(settings: LazySettings) -> None:
    make_due()
    barrier, turns = threading.Barrier(6), list[Turn | None]()

    def look() -> None:
        barrier.wait(timeout=60)
        try:
            turns.append(take())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert (len(turns), sum(turn is not None for turn in turns)) == (6, 1)


def test_a_turn_whose_lease_is_over_is_anothers_and_the_first_can_not_write_any_more() -> None:
    make_due()
    first = take()
    assert first
    assert take() is None
    assert chores.keep(first)

    Chore.objects.update(due_at=time_of(connection) - timedelta(seconds=1))
    second = take()

    assert second
    assert not chores.keep(first)
    chores.finish(first, next_time)
    assert Chore.objects.get().ended_at is None
    chores.finish(second, next_time)
    chore = Chore.objects.get()
    assert chore.begun_at
    assert chore.ended_at
    assert chore.begun_at <= chore.ended_at < chore.due_at == next_time(timezone.now())


def test_what_is_handed_back_is_due_at_once() -> None:
    make_due()
    first = take()
    assert first
    chores.hand_back(first)

    assert take() == Turn(PRUNE, first.epoch + 1)


@contextmanager
def _housekeeping(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(housekeeping, "LOOK_SECONDS", 0.02)
    with housekeeping.housekeeping():
        yield


def test_beside_an_executor_it_prunes_when_it_is_time(workflow: Workflow, monkeypatch: pytest.MonkeyPatch) -> None:
    make_due()

    with _housekeeping(monkeypatch):
        eventually(lambda: Chore.objects.get().begun_at and Chore.objects.get().ended_at)

    assert not Execution.objects.exists()
    assert Chore.objects.get().epoch == 1


def test_old_entries_of_the_audit_log_and_old_wrong_passwords_go_too(settings: LazySettings) -> None:
    settings.AUDIT_DAYS = 30
    with speakers.command("test"):
        for name in ("old", "new"):
            services.rename_workspace(workspace=WorkflowFactory.create().workspace, name=name)
    long_ago = timezone.now() - timedelta(days=31)
    (old,) = AuditEntry.objects.filter(label="old")
    AuditEntry.objects.filter(pk=old.pk)._raw_delete("default")
    old.pk, old.at, old._state.adding = UUID(int=int(long_ago.timestamp() * 1000) << 80), long_ago, True
    old.save()
    SignInFailure.objects.create(name="old", at=long_ago)
    SignInFailure.objects.create(name="new")

    assert housekeeping.prune_all(rest=lambda _seconds: None)

    assert {entry.label for entry in AuditEntry.objects.filter(action="workspace.change")} == {"new"}
    assert [failure.name for failure in SignInFailure.objects.all()] == ["new"]


def test_a_process_that_stops_leaves_the_rest_to_another(workflow: Workflow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "MOST_STEPS", 1)
    monkeypatch.setattr(retention, "SHARE", 1 / 100_000)
    make_due()

    with _housekeeping(monkeypatch):
        eventually(lambda: Execution.objects.count() < 20)
        assert Execution.objects.count() > 0

    chore = Chore.objects.get()
    assert (chore.ended_at, chore.due_at <= time_of(connection)) == (None, True)
    monkeypatch.undo()
    with _housekeeping(monkeypatch):
        eventually(lambda: Chore.objects.get().ended_at)
    assert not Execution.objects.exists()


def test_it_stops_when_its_turn_is_lost(workflow: Workflow, monkeypatch: pytest.MonkeyPatch) -> None:
    make_due()
    turn = take()
    assert turn
    Chore.objects.update(epoch=turn.epoch + 1)
    monkeypatch.setattr(chores, "LEASE", timedelta(seconds=0))

    assert not housekeeping.prune_all(rest=housekeeping._Watch(turn, threading.Event()).rest)


def test_a_database_that_fails_is_no_end(workflow: Workflow, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = iter(range(3))
    prune_all = housekeeping.prune_all

    def fail_at_first(**options: object) -> bool:
        if next(failures, None) is not None:
            Chore.objects.update(due_at=time_of(connection))
            raise OSError("gone")
        return prune_all(rest=lambda _: False)

    monkeypatch.setattr(housekeeping, "prune_all", fail_at_first)
    make_due()

    with _housekeeping(monkeypatch):
        eventually(lambda: Chore.objects.get().ended_at and not Execution.objects.exists())


def test_a_server_does_it(workflow: Workflow) -> None:
    make_due()

    with serving(DATABASE_URL=database_url()):
        eventually(lambda: not Execution.objects.exists())


def test_so_does_a_worker_and_ends_when_it_is_told_to(workflow: Workflow) -> None:
    make_due()

    with child("manage.py", "run_worker") as worker:
        eventually(lambda: not Execution.objects.exists())
        worker.terminate()
        assert ended(worker)[0] == 0
