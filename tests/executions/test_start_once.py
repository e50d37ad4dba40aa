"""A start with an idempotency key: once, however often it is asked for, by whom, and whatever comes between."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from executions import services
from executions.engine import faults, runner
from executions.engine.announcements import Announcement
from executions.models import Execution
from executions.services import IdempotencyConflict, InvalidIdempotencyKey, NotActive
from tests.executions.claims import heard
from tests.executions.counters import counted, kept
from tests.factories import WorkflowFactory, definition
from workflows import services as workflows
from workflows.models import Workflow, WorkflowStatus

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "order-7"
REQUEST: dict[str, Any] = {"trigger_data": {"b": 1, "a": [1, None]}, "variables": {"x": 1}}


def start(workflow: Workflow, **changes: Any) -> services.Started:
    return services.start_once(**{"workflow": workflow, "idempotency_key": KEY, **REQUEST, **changes})


@pytest.fixture
def wakes() -> Iterator[list[Announcement]]:
    with heard() as wakes:
        yield wakes


# The same again


def test_the_same_key_and_request_give_the_same_execution(wakes: list[Announcement]) -> None:
    workflow = WorkflowFactory.create()

    first, again = start(workflow), start(workflow)

    assert (first.is_replay, again.is_replay) == (False, True)
    assert again.execution == first.execution
    assert services.start(workflow=workflow, idempotency_key=KEY, **REQUEST) == first.execution
    assert kept(workflow) == counted(workflow)
    assert (kept(workflow)["execution_count"], len(wakes)) == (1, 1), "a replay counts and wakes nothing"


def test_the_row_keeps_the_key_and_a_digest_of_what_was_asked_for() -> None:
    execution = start(WorkflowFactory.create(definition=definition(variables={"x": 5, "y": 6}))).execution

    asked = json.dumps(
        {"triggerData": {"a": [1, None], "b": 1}, "variables": {"x": 1}, "dryRun": False}, sort_keys=True
    )
    execution.refresh_from_db()
    assert execution.idempotency_key == KEY
    assert execution.request_digest == hashlib.sha256(asked.encode()).hexdigest()
    assert execution.variables == {"x": 1, "y": 6}


@pytest.mark.parametrize(
    "same",
    [{"trigger_data": {"a": [1, None], "b": 1}}, {"trigger_type": "webhook"}, {"triggered_by": None}],
)
def test_what_says_the_same_is_the_same(same: dict[str, Any]) -> None:
    workflow = WorkflowFactory.create()

    assert start(workflow).execution == start(workflow, **same).execution


def test_no_variables_are_the_same_as_none() -> None:
    workflow = WorkflowFactory.create()

    assert start(workflow, variables=None).execution == start(workflow, variables={}).execution


def test_a_replay_shows_the_execution_as_it_is_now() -> None:
    workflow = WorkflowFactory.create()
    services.run(execution=start(workflow).execution)

    assert start(workflow).execution.status == "COMPLETED"


BETWEEN: dict[str, Callable[[Workflow], object]] = {
    "deactivated": lambda workflow: workflows.set_status(workflow=workflow, status=WorkflowStatus.INACTIVE),
    "archived": lambda workflow: workflows.set_status(workflow=workflow, status=WorkflowStatus.ARCHIVED),
    "changed": lambda workflow: workflows.change(
        workflow=workflow, definition=definition({"type": "test_number"}, variables={"z": 3})
    ),
}


@pytest.mark.parametrize("meanwhile", BETWEEN.values(), ids=BETWEEN)
def test_a_workflow_that_is_another_meanwhile_changes_no_answer(meanwhile: Callable[[Workflow], object]) -> None:
    workflow = WorkflowFactory.create()
    first = start(workflow).execution
    meanwhile(workflow)

    assert start(workflow) == (first, True)


def test_a_start_whose_answer_was_lost_in_a_crash_is_answered_by_the_next() -> None:
    workflow = WorkflowFactory.create()
    faults.arm("start.after", lambda: (_ for _ in ()).throw(SystemExit))
    with pytest.raises(SystemExit):
        start(workflow)
    faults.disarm()

    assert start(workflow) == (Execution.objects.get(), True)
    assert kept(workflow)["execution_count"] == 1


# Another one


@pytest.mark.parametrize("other", [{"trigger_data": {"b": 1}}, {"variables": {"x": 2}}, {"dry_run": True}])
def test_the_same_key_with_another_request_is_a_conflict(other: dict[str, Any], wakes: list[Announcement]) -> None:
    workflow = WorkflowFactory.create()
    first = start(workflow).execution

    with pytest.raises(IdempotencyConflict, match=f"'order-7' has started execution {first.pk} .*; send another key"):
        start(workflow, **other)

    assert Execution.objects.get() == first
    assert (kept(workflow)["execution_count"], len(wakes)) == (1, 1)


def test_another_key_is_another_start_and_so_is_none() -> None:
    workflow = WorkflowFactory.create()

    started = [start(workflow, idempotency_key=key) for key in (KEY, "order-8", KEY.upper(), None, None)]

    assert [one.is_replay for one in started] == [False] * 5
    assert len({one.execution.pk for one in started}) == 5


def test_a_key_belongs_to_its_workflow() -> None:
    assert start(WorkflowFactory.create()).execution != start(WorkflowFactory.create()).execution


def test_a_start_that_is_refused_leaves_its_key_free() -> None:
    workflow = WorkflowFactory.create(status=WorkflowStatus.DRAFT)
    with pytest.raises(NotActive):
        start(workflow)
    workflows.set_status(workflow=workflow, status=WorkflowStatus.ACTIVE)

    assert not start(workflow).is_replay


def test_so_does_one_that_is_rolled_back() -> None:
    workflow = WorkflowFactory.create()
    with transaction.atomic():
        gone = start(workflow).execution
        assert start(workflow) == (gone, True)
        transaction.set_rollback(True)

    assert not start(workflow).is_replay
    assert kept(workflow)["execution_count"] == 1


# Keys


@pytest.mark.parametrize("key", ["a", " ", "~" * 255, '"quoted, % and \\"', "0197-7d3e"])
def test_a_key_is_printable_ascii(key: str) -> None:
    workflow = WorkflowFactory.create()

    assert start(workflow, idempotency_key=key).execution.idempotency_key == key
    assert start(workflow, idempotency_key=key).is_replay


@pytest.mark.parametrize("key", ["", "a" * 256, "line\n", "\x00", "tab\t", "naïve", "\x7f", "☃", "\ud800"])
def test_another_is_refused(key: str) -> None:
    workflow = WorkflowFactory.create()

    with pytest.raises(InvalidIdempotencyKey, match="is 1 to 255 printable ASCII characters"):
        start(workflow, idempotency_key=key)

    assert not Execution.objects.exists()


# Between the look and the write


@pytest.fixture
def overtaken(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """`overtaken(rival)` has `rival()` happen right after the next look for an earlier start, which found none."""

    def arrange(rival: Callable[[], object]) -> None:
        look = services._earlier

        def look_too_early(execution: Execution) -> Execution | None:
            found = look(execution)
            monkeypatch.setattr(services, "_earlier", look)
            rival()
            return found

        monkeypatch.setattr(services, "_earlier", look_too_early)

    return arrange


type Overtaken = Callable[[Callable[[], object]], None]


@pytest.mark.parametrize("inside", [False, True])
def test_who_is_overtaken_answers_as_a_replay(overtaken: Overtaken, *, inside: bool) -> None:
    """In a caller's transaction too, which goes on as if nothing had been."""
    workflow, rivals = WorkflowFactory.create(), list[Execution]()
    overtaken(lambda: rivals.append(start(workflow).execution))

    with transaction.atomic() if inside else nullcontext():
        assert start(workflow, on_progress=print) == (*rivals, True)
        services.start(workflow=workflow)

    assert kept(workflow) == counted(workflow)
    assert Execution.objects.count() == kept(workflow)["execution_count"] == 2
    assert not runner._observers


def test_who_is_overtaken_by_another_request_has_a_conflict(overtaken: Overtaken) -> None:
    workflow = WorkflowFactory.create()
    overtaken(lambda: start(workflow, dry_run=True))

    with pytest.raises(IdempotencyConflict):
        start(workflow)

    assert (kept(workflow)["execution_count"], kept(workflow)["simulation_count"]) == (0, 1)


def test_who_is_overtaken_and_finds_the_workflow_deactivated_answers_as_a_replay(overtaken: Overtaken) -> None:
    workflow, rivals = WorkflowFactory.create(), list[Execution]()

    def rival() -> None:
        rivals.append(start(workflow).execution)
        workflows.set_status(workflow=workflow, status=WorkflowStatus.INACTIVE)

    overtaken(rival)

    assert start(workflow) == (*rivals, True)


def test_any_other_rule_that_is_broken_is_no_replay(overtaken: Overtaken, monkeypatch: pytest.MonkeyPatch) -> None:
    workflow = WorkflowFactory.create()
    taken = services.start(workflow=workflow).pk
    field = Execution._meta.get_field("id")
    overtaken(lambda: None)
    monkeypatch.setitem(field.__dict__, "_get_default", lambda: taken)

    with pytest.raises(IntegrityError):
        start(workflow, on_progress=print)

    assert not runner._observers
    assert kept(workflow)["execution_count"] == 1


# What it costs


def test_a_key_costs_one_look(django_assert_num_queries: Callable[[int], Any]) -> None:
    """Through the ORM: what the journal sends goes past it, see `test_journal_cost`."""
    workflow = WorkflowFactory.create()
    services.start(workflow=workflow)  # reads the definition, once for all

    with django_assert_num_queries(0):
        start(workflow, idempotency_key=None)
    with django_assert_num_queries(1):
        start(workflow)
    with django_assert_num_queries(1):
        start(workflow)
