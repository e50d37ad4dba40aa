"""Measures the engine on the database of DATABASE_URL; prints its figures as JSON. Started by `engine`."""

import json
import os
import time
from collections.abc import Callable
from statistics import median
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

import psycopg  # noqa: E402 (the apps have to be there first)
from django.core.management import call_command  # noqa: E402 (the apps have to be there first)
from django.db import connection  # noqa: E402 (the apps have to be there first)

from executions import services  # noqa: E402 (the apps have to be there first)
from executions.models import Execution  # noqa: E402 (the apps have to be there first)
from tests.factories import WorkflowFactory, definition  # noqa: E402 (the apps have to be there first)
from workflows.actions.context import ActionContext  # noqa: E402 (the apps have to be there first)
from workflows.actions.registry import ActionConfig, action  # noqa: E402 (the apps have to be there first)
from workflows.documents import Json  # noqa: E402 (the apps have to be there first)
from workflows.models import Workflow  # noqa: E402 (the apps have to be there first)
from workspaces.fields import uuid7  # noqa: E402 (the apps have to be there first)

STEPS = 10
NOOP: Json = {"type": "noop"}
ROUNDS = 15
EXECUTIONS_A_ROUND = 20
COMMITS_A_ROUND = EXECUTIONS_A_ROUND * STEPS

UPDATE_EXECUTION = (
    "UPDATE executions_execution SET position = %s, claims = 0, successful_steps = 0, failed_steps = 0,"
    " skipped_steps = 0 WHERE id = %s AND epoch = 0"
)
UPDATE_STEP = (
    "UPDATE executions_step SET status = 'success', attempt = 1, position = %s, completed_at = {now}"
    " WHERE execution_id = %s AND path = %s"
)
COLUMNS = (
    "id, execution_id, path, action_id, action_type, name, status, attempt, input, flow, position, started_at,"
    " attempt_started_at"
)
VALUES = "%s, %s, %s, 'a', 'noop', '', 'running', 1, '{{}}', 'continue', %s, {now}, {now}"
INSERT_STEP = f"INSERT INTO executions_step ({COLUMNS}) VALUES ({VALUES})"
ONE_STATEMENT = f"WITH fence AS ({UPDATE_EXECUTION} RETURNING 1), ended AS ({UPDATE_STEP}) {INSERT_STEP}"


class NoConfig(ActionConfig):
    pass


@action("noop", config=NoConfig)
def noop(config: NoConfig, context: ActionContext) -> None:
    """Does nothing."""


def main() -> None:
    call_command("migrate", verbosity=0)
    workflow = WorkflowFactory.create(definition=definition(*[NOOP] * STEPS))
    engine: list[float] = []
    raw: dict[str, list[float]] = {name: [] for name in RAW[connection.vendor]}
    for number in range(ROUNDS + 1):
        took = {name: _raw_seconds(commit_raw, workflow) for name, commit_raw in RAW[connection.vendor].items()}
        engine_took = _seconds(lambda: _run_executions(workflow))
        if number:  # the first round is the warm-up
            engine.append(engine_took)
            for name, seconds in took.items():
                raw[name].append(seconds)
    print(json.dumps(_figures(median(engine), {name: median(each) for name, each in raw.items()})))


def _figures(engine: float, raw: dict[str, float]) -> dict[str, float]:
    rates = {f"{name}_commits_per_second": round(COMMITS_A_ROUND / seconds, 1) for name, seconds in raw.items()}
    return {
        "steps_per_second": round(COMMITS_A_ROUND / engine, 1),
        "ratio_to_raw_commit": round(engine / min(raw.values()), 3),
        **rates,
    }


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _raw_seconds(commit_raw: Callable[[list[UUID]], None], workflow: Workflow) -> float:
    targets = [_target(workflow) for _ in range(EXECUTIONS_A_ROUND)]
    return _seconds(lambda: commit_raw(targets))


def _run_executions(workflow: Workflow) -> None:
    for _ in range(EXECUTIONS_A_ROUND):
        execution = services.run(execution=services.start(workflow=workflow))
        assert (execution.status, execution.successful_steps) == ("COMPLETED", STEPS), execution.error


# The raw commits


def _target(workflow: Workflow) -> UUID:
    """An execution that no executor will take up."""
    execution = services.cancel(execution=services.start(workflow=workflow, dry_run=True))
    Execution.objects.filter(pk=execution.pk).update(epoch=0)
    return UUID(str(execution.pk))


def _on_sqlite(targets: list[UUID]) -> None:
    now = "STRFTIME('%Y-%m-%d %H:%M:%f', 'now')"
    update, end, begin = (
        sql.format(now=now).replace("%s", "?") for sql in (UPDATE_EXECUTION, UPDATE_STEP, INSERT_STEP)
    )
    driver = connection.connection
    for execution_id in (target.hex for target in targets):
        for index in range(STEPS):
            driver.execute("BEGIN IMMEDIATE")
            driver.execute(update, (index, execution_id))
            driver.execute(end, (index, execution_id, str(index - 1)))
            driver.execute(begin, (uuid7().hex, execution_id, str(index), index))
            driver.execute("COMMIT")


def _on_postgres(targets: list[UUID]) -> None:
    now = "statement_timestamp()"
    update, end, begin = (sql.format(now=now) for sql in (UPDATE_EXECUTION, UPDATE_STEP, INSERT_STEP))
    with psycopg.Cursor(connection.connection) as cursor:
        for execution_id in targets:
            for index in range(STEPS):
                cursor.execute("BEGIN")
                cursor.execute(update, (index, execution_id), prepare=True)
                cursor.execute(end, (index, execution_id, str(index - 1)), prepare=True)
                cursor.execute(begin, (uuid7(), execution_id, str(index), index), prepare=True)
                cursor.execute("COMMIT")


def _on_postgres_at_once(targets: list[UUID]) -> None:
    sql = ONE_STATEMENT.format(now="statement_timestamp()")
    with psycopg.Cursor(connection.connection) as cursor:
        for execution_id in targets:
            for index in range(STEPS):
                parameters = (index, execution_id, index, execution_id, str(index - 1))
                cursor.execute(sql, (*parameters, uuid7(), execution_id, str(index), index), prepare=True)


RAW: dict[str, dict[str, Callable[[list[UUID]], None]]] = {
    "sqlite": {"raw": _on_sqlite},
    "postgresql": {"raw": _on_postgres, "raw_one_statement": _on_postgres_at_once},
}

if __name__ == "__main__":
    main()
