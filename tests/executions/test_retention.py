"""What ended is kept as long as the workspace says, and what is deleted leaves everything else as it was."""

import threading
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection, connections
from django.utils import timezone

from executions import history, retention, services
from executions.engine import clock
from executions.engine.transactions import write_transaction
from executions.models import Execution, Pruned, Step
from executions.retention import Rule
from executions.selection import Filters
from executions.states import FINAL
from executions.statistics import statistics_json
from tests.executions.counters import counted, kept
from tests.executions.programs.children import child, ended, eventually
from tests.factories import ExecutionFactory, WorkflowFactory, WorkspaceFactory
from workflows.models import Workflow
from workspaces.models import Notification, Task
from workspaces.services import create_task, notify

pytestmark = pytest.mark.django_db

LAST_WEEK = Rule(days=7, count=0)


@pytest.fixture
def workflow() -> Workflow:
    return WorkflowFactory.create()


def an_ended(workflow: Workflow, days_ago: float, *, steps: int = 2, **fields: Any) -> Execution:
    at = timezone.now() - timedelta(days=days_ago)
    fields = {"status": "COMPLETED", "created_at": at, "started_at": at, "completed_at": at, **fields}
    owners = {"workspace_id": workflow.workspace_id, "workflow": workflow, "version_id": workflow.version_id}
    execution = Execution.objects.create(**owners, total_steps=steps, **fields)
    Step.objects.bulk_create(
        Step(execution=execution, path=path, action_id="a", action_type="wait", status="success", position=path)
        for path in range(steps)
    )
    return execution


def count_all(*workflows: Workflow) -> None:
    for workflow in workflows:
        Workflow.objects.filter(pk=workflow.pk).update(**counted(workflow))


def prune(workflow: Workflow, rule: Rule, **options: Any) -> int:
    return retention.prune(workspace=workflow.workspace, rule=rule, **{"rest": lambda _: False, **options})


def left(workflow: Workflow) -> set[Execution]:
    return set(Execution.objects.filter(workflow=workflow))


def test_what_ended_before_the_last_days_goes_with_its_steps(workflow: Workflow) -> None:
    old = [an_ended(workflow, days, status=status) for days, status in zip((8, 9, 400, 7.01), FINAL, strict=True)]
    young = [an_ended(workflow, days) for days in (0, 3, 6.99)]

    assert prune(workflow, LAST_WEEK) == len(old)

    assert left(workflow) == set(young)
    assert set(Step.objects.values_list("execution", flat=True)) == {execution.pk for execution in young}
    assert prune(workflow, LAST_WEEK) == 0


def test_of_a_number_those_stay_that_ended_last(workflow: Workflow) -> None:
    executions = [an_ended(workflow, days) for days in range(10)]

    assert prune(workflow, Rule(days=0, count=4)) == 6

    assert left(workflow) == set(executions[:4])
    assert prune(workflow, Rule(days=0, count=4)) == 0


def test_a_long_wait_counts_by_its_end(workflow: Workflow) -> None:
    began = timezone.now() - timedelta(days=300)
    long = an_ended(workflow, 1, created_at=began, started_at=began)
    an_ended(workflow, 2)

    prune(workflow, Rule(days=30, count=1))

    assert left(workflow) == {long}


def test_of_those_that_ended_at_one_instant_the_later_created_stay(workflow: Workflow) -> None:
    now = timezone.now()
    executions = [an_ended(workflow, 0, completed_at=now, created_at=now - timedelta(hours=n)) for n in range(6)]

    assert prune(workflow, Rule(days=0, count=2)) == 4

    assert left(workflow) == set(executions[:2])


def test_both_rules_hold_at_once(workflow: Workflow) -> None:
    executions = [an_ended(workflow, days) for days in range(10)]
    rule = Rule(days=5, count=3)

    assert retention.count_outdated(workspace=workflow.workspace, rule=rule) == 7
    assert prune(workflow, rule) == 7
    assert left(workflow) == set(executions[:3])


def test_what_has_not_ended_stays_whatever_its_age(workflow: Workflow) -> None:
    at = timezone.now() - timedelta(days=900)
    fields: dict[str, Any] = {"created_at": at, "started_at": at, "completed_at": None, "wake_at": at}
    unfinished = {an_ended(workflow, 900, **fields, status=status) for status in ("PENDING", "RUNNING")}
    an_ended(workflow, 1)
    an_ended(workflow, 2)

    assert prune(workflow, Rule(days=1, count=1)) == 2 - 1 + 1

    assert left(workflow) == unfinished
    assert Step.objects.count() == 4


def test_other_workspaces_keep_theirs(workflow: Workflow) -> None:
    other = WorkflowFactory.create()
    theirs = an_ended(other, 100)
    an_ended(workflow, 100)

    prune(workflow, LAST_WEEK)

    assert (left(workflow), left(other)) == (set(), {theirs})


def test_nothing_but_steps_refers_to_an_execution() -> None:
    """Or it would have to be deleted along; what only names one stays, such as tasks and notifications."""
    assert {relation.related_model for relation in Execution._meta.related_objects} == {Step}


def test_what_an_execution_made_for_people_stays(workflow: Workflow) -> None:
    execution = an_ended(workflow, 30)
    made = {"workspace_id": workflow.workspace_id, "execution_id": execution.pk}
    create_task(title="Call Ada", **made)
    notify(recipient=workflow.workspace.organization.owner, message="Done", **made)

    prune(workflow, LAST_WEEK)

    assert (Task.objects.count(), Notification.objects.count(), Execution.objects.count()) == (1, 1, 0)


def test_lists_say_what_is_left_and_counters_what_there_ever_was(workflow: Workflow) -> None:
    second = WorkflowFactory.create(workspace=workflow.workspace)
    for one in (workflow, second):
        for days in (1, 30):
            for status in FINAL:
                an_ended(one, days, status=status)
    count_all(workflow, second)
    before, statistics = kept(workflow), statistics_json(workflow)

    assert prune(workflow, LAST_WEEK) == 8

    assert (kept(workflow), statistics_json(workflow)) == (before, statistics)
    for one in (workflow, second):
        assert history.page(one).total == 4
        for status in FINAL:
            assert history.page(one, Filters([status])).total == 1
    pruned = Pruned.objects.values().get(pk=workflow.pk)
    assert {**before, **pruned} == before | {"workflow_id": workflow.pk} | {
        name: before[name] // 2 for name in pruned if name != "workflow_id"
    }


def test_dry_runs_are_told_apart(workflow: Workflow) -> None:
    for days in (1, 30):
        an_ended(workflow, days, is_simulation=True)
        an_ended(workflow, days)
    count_all(workflow)

    prune(workflow, LAST_WEEK)

    pruned = Pruned.objects.get(workflow=workflow)
    assert (pruned.simulation_count, pruned.execution_count, pruned.success_count) == (1, 1, 1)
    assert history.page(workflow).total == 2


def test_real_executions_pruned_leave_the_counters_true(workflow: Workflow) -> None:
    for _ in range(3):
        services.run(execution=services.start(workflow=workflow))
    services.cancel(execution=services.start(workflow=workflow))
    pending = services.start(workflow=workflow)

    assert prune(workflow, Rule(days=0, count=1)) == 3

    page = history.page(workflow)
    assert (page.total, len(page.executions)) == (2, 2)
    assert pending in page.executions
    assert kept(workflow)["execution_count"] == 5


# In batches


def test_a_batch_is_no_larger_than_said_and_rests_are_in_proportion_to_the_work(
    workflow: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    for days in range(20, 27):
        an_ended(workflow, days)
    seconds = iter(range(100))
    monkeypatch.setattr(clock, "monotonic", lambda: next(seconds))
    rests: list[tuple[float, int]] = []

    prune(workflow, LAST_WEEK, batch=3, rest=lambda seconds: rests.append((seconds, Execution.objects.count())))

    assert [number for _, number in rests] == [4, 1, 0, 0]
    assert {pause for pause, _ in rests} == {1 / retention.SHARE - 1}


def test_a_batch_has_few_steps_too(workflow: Workflow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "MOST_STEPS", 5)
    for steps in (9, 2, 2, 2):
        an_ended(workflow, 30 + steps, steps=steps)
    numbers: list[int] = []

    prune(workflow, LAST_WEEK, rest=lambda _: numbers.append(Execution.objects.count()))

    assert numbers == [3, 1, 0, 0]


def test_it_can_be_stopped_after_a_batch_and_carried_on(workflow: Workflow) -> None:
    for days in range(20, 30):
        an_ended(workflow, days)

    assert prune(workflow, LAST_WEEK, batch=4, rest=lambda _: True) == 4
    assert Execution.objects.count() == 6
    assert prune(workflow, LAST_WEEK, batch=4) == 6


@pytest.mark.django_db(transaction=True)
def test_several_at_once_delete_and_count_each_once(workflow: Workflow) -> None:
    second = WorkflowFactory.create(workspace=workflow.workspace)
    for one in (workflow, second):
        for days in range(10, 60):
            an_ended(one, days)
    count_all(workflow, second)
    barrier, deleted = threading.Barrier(4), list[int]()

    def run() -> None:
        barrier.wait(timeout=60)
        try:
            deleted.append(prune(workflow, LAST_WEEK, batch=5))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    # Where one finds that others have all there is, it ends; what they were at is theirs.
    assert len(deleted) == 4
    assert sum(deleted) + prune(workflow, LAST_WEEK) == 100
    assert [history.page(one).total for one in (workflow, second)] == [0, 0]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
def test_it_waits_for_nobody_who_holds_a_row(workflow: Workflow) -> None:
    held, free = an_ended(workflow, 30), an_ended(workflow, 29)
    taken, done = threading.Event(), threading.Event()

    def hold() -> None:
        with write_transaction():
            Execution.objects.select_for_update().get(pk=held.pk)
            taken.set()
            done.wait(timeout=60)
        connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    assert taken.wait(timeout=60)
    deleted = prune(workflow, LAST_WEEK)
    done.set()
    thread.join(timeout=60)

    assert (deleted, left(workflow)) == (1, {held}), free


# The rule


@pytest.mark.parametrize(
    ("own", "given", "rule"),
    [
        ((None, None), {}, Rule(30, 1_000)),
        ((0, 0), {}, Rule(0, 0)),
        ((7, None), {}, Rule(7, 1_000)),
        ((None, 5), {}, Rule(30, 5)),
        ((7, 5), {"days": 0, "count": 9}, Rule(0, 9)),
    ],
)
def test_the_workspaces_own_goes_before_that_of_the_settings(
    settings: LazySettings, own: tuple[int | None, int | None], given: dict[str, int], rule: Rule
) -> None:
    settings.RETENTION_DAYS, settings.RETENTION_COUNT = 30, 1_000
    workspace = WorkspaceFactory.build(retention_days=own[0], retention_count=own[1])

    assert retention.rule_of(workspace, **given) == rule


def test_more_days_than_a_calendar_has_keep_all(workflow: Workflow) -> None:
    an_ended(workflow, 400)

    assert prune(workflow, Rule(days=2_147_483_647, count=0)) == 0


# The command


@pytest.mark.django_db(transaction=True)
def test_the_command_says_what_it_deleted_in_each_workspace(workflow: Workflow) -> None:
    other = WorkflowFactory.create()
    an_ended(workflow, 30)
    an_ended(other, 30)
    run = partial(_run, RETENTION_DAYS=7)
    slug, other_slug = sorted((workflow.workspace.slug, other.workspace.slug))

    assert run("--dry-run")[:2] == (
        0,
        f"{slug}: 1 execution would be deleted.\n{other_slug}: 1 execution would be deleted.\n",
    )
    assert Execution.objects.count() == 2
    assert run(str(workflow.workspace.pk)) == (0, f"{workflow.workspace.slug}: deleted 1 execution.\n", "")
    assert run(other.workspace.slug, "--days", "40")[1] == f"{other.workspace.slug}: deleted 0 executions.\n"
    assert run("--days", "0")[1] == f"{slug}: keeps all.\n{other_slug}: keeps all.\n"
    assert left(other) != set()


@pytest.mark.parametrize("wrong", [["--days", "-1"], ["--count", "many"], ["--batch", "x"], ["nowhere"]])
def test_the_command_refuses_what_it_can_not_take(wrong: list[str]) -> None:
    status, _, errors = _run(*wrong)

    assert status in (1, 2)
    assert "Traceback" not in errors


@pytest.mark.django_db(transaction=True)
def test_on_sigterm_the_command_ends_after_a_batch(workflow: Workflow) -> None:
    for days in range(10, 60):
        an_ended(workflow, days)
    arguments = ["manage.py", "prune_executions", workflow.workspace.slug, "--days=1", "--batch=1"]
    with child(*arguments) as process:
        eventually(lambda: Execution.objects.count() < 50)
        process.terminate()
        status, output, errors = ended(process)

    number = Execution.objects.count()
    assert (status, errors) == (0, "Stopped; run it again to carry on.\n")
    assert output == f"{workflow.workspace.slug}: deleted {50 - number} execution{'s' if number < 49 else ''}.\n"
    assert Step.objects.count() == 2 * number


def _run(*arguments: str, **variables: Any) -> tuple[int, str, str]:
    with child("manage.py", "prune_executions", *arguments, **variables) as process:
        return ended(process)


def test_an_execution_that_is_started_meanwhile_is_left_alone(workflow: Workflow) -> None:
    an_ended(workflow, 30)
    started: list[Execution] = []

    prune(workflow, LAST_WEEK, rest=lambda _: started.append(ExecutionFactory.create(workflow=workflow)))

    assert left(workflow) == set(started)
