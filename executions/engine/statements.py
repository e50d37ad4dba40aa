"""The SQL of the journal's hot path, for SQLite and PostgreSQL.

A commit is a fence (the UPDATE of the execution that matches only under our epoch) and what hangs on it. PostgreSQL
gets all of it as one statement of CTEs, so one round trip; SQLite gets statement after statement in one transaction.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import DateTimeField, Func
from django.db.models.sql.compiler import SQLCompiler

from executions.engine import announcements, faults
from executions.engine.announcements import Announcement
from executions.engine.plan import StepRecord
from executions.engine.transactions import plain_transaction
from executions.models import Execution
from executions.states import ExecutionStatus, StepStatus
from workflows.documents import Json, dump
from workspaces.models import AuditEntry

NOW = {"postgresql": "statement_timestamp()", "sqlite": "STRFTIME('%Y-%m-%d %H:%M:%f', 'now')"}
_LATER = {
    "postgresql": "{now} + {seconds} * interval '1 second'",
    "sqlite": "STRFTIME('%Y-%m-%d %H:%M:%f', {now}, '+{seconds} seconds')",
}
_HELD = {
    "postgresql": "{now} + interval '5000 years'",
    "sqlite": "STRFTIME('%Y-%m-%d %H:%M:%f', {now}, '+5000 years')",
}
_HAS_LIMIT = (
    "EXISTS (SELECT 1 FROM workflows_workflow limited JOIN workspaces_workspace around"
    " ON around.id = limited.workspace_id WHERE limited.id = %s"
    " AND (limited.max_running IS NOT NULL OR around.max_running IS NOT NULL))"
)
_ENTRY_TYPES = {"id": "uuid", "at": "timestamptz", "workspace_id": "uuid", "actor_id": "bigint", "details": "text"}
OPEN_STEPS = (StepStatus.PENDING, StepStatus.RUNNING)
COUNTERS = {
    ExecutionStatus.COMPLETED: ("success_count",),
    ExecutionStatus.FAILED: ("failure_count",),
    ExecutionStatus.TIMEOUT: ("failure_count", "timeout_count"),
    ExecutionStatus.CANCELLED: ("cancelled_count",),
}
"""Those of a workflow that an execution's end is counted in."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a commit: SQL with `%s` for each of its parameters."""

    sql: str
    parameters: Sequence[Any]


def now(db: BaseDatabaseWrapper) -> str:
    """The database's clock as SQL: the only clock that due times and leases know."""
    return NOW[db.vendor]


def time_of(db: BaseDatabaseWrapper) -> datetime:
    """What that clock says."""
    with db.cursor() as cursor:
        cursor.execute(f"SELECT {now(db)}")
        return as_time(cursor.fetchone()[0])


def later(db: BaseDatabaseWrapper, seconds: float) -> str:
    return _LATER[db.vendor].format(now=now(db), seconds=float(seconds))


def escaped(sql: str) -> str:
    """For Django's cursors, which take `%` for the beginning of a parameter."""
    return sql.replace("%", "%%")


class DatabaseNow(Func):
    """The database's clock in an ORM query."""

    output_field = DateTimeField()

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, *_: Any, **__: Any
    ) -> tuple[str, tuple[()]]:
        return escaped(now(connection)), ()


def document(value: Json) -> str | None:
    return None if value is None else dump(value)


def moment(db: BaseDatabaseWrapper, value: datetime | None) -> Any:
    return None if value is None else db.ops.adapt_datetimefield_value(value)


def key(db: BaseDatabaseWrapper, value: UUID) -> Any:
    return value if db.features.has_native_uuid_field else value.hex


def as_uuid(value: UUID | str) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)


def as_time(value: datetime | str) -> datetime:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)  # SQLite keeps UTC without saying so


def counted_start(db: BaseDatabaseWrapper, execution: Execution, *, pinned: bool) -> Piece:
    """UPDATE of the workflow, if it may start this and, unless the version is `pinned`, has this one now.

    It returns the time, and whether there is a limit to how many run at once.
    """
    counted, status = f"execution_count = execution_count + 1, last_executed_at = {now(db)}", "status = 'ACTIVE'"
    if execution.is_simulation:
        counted, status = "simulation_count = simulation_count + 1", "status <> 'ARCHIVED'"
    workflow_id = key(db, execution.workflow_id)
    which, parameters = "id = %s", [workflow_id]
    if not pinned:
        which, parameters = f"{which} AND version_id = %s", [*parameters, key(db, execution.version_id)]
    sql = f"UPDATE workflows_workflow SET {counted} WHERE {which} AND {status} RETURNING {now(db)}, {_HAS_LIMIT}"
    return Piece(sql, [*parameters, workflow_id])


def counted_end(
    db: BaseDatabaseWrapper, workflow_id: UUID, execution_id: UUID, started_at: datetime, status: ExecutionStatus
) -> Piece:
    """UPDATE of the workflow of an execution that this commit ends."""
    duration = _duration_ms(db, execution_id, started_at)
    counted = ", ".join(f"{counter} = {counter} + 1" for counter in COUNTERS[status])
    sql = f"UPDATE workflows_workflow SET {counted}, total_duration_ms = total_duration_ms + {duration.sql}"
    return Piece(f"{sql} WHERE id = %s", [*duration.parameters, key(db, workflow_id)])


def _duration_ms(db: BaseDatabaseWrapper, execution_id: UUID, started_at: datetime) -> Piece:
    """Rounded as `Execution.duration_ms` is, and never below 0 as it isn't.

    On SQLite each statement of a transaction has a now of its own, so there the row is asked, in whole ms as its clock.
    """
    if db.vendor == "postgresql":
        elapsed = f"EXTRACT(EPOCH FROM {now(db)} - CAST(%s AS timestamptz))"
        return Piece(f"CAST(GREATEST(0, ROUND(CAST({elapsed} AS float8) * 1000)) AS bigint)", [started_at])
    elapsed = "django_timestamp_diff(completed_at, started_at)"
    sql = f"(SELECT MAX(0, CAST(ROUND({elapsed} / 1000.0) AS INTEGER)) FROM executions_execution WHERE id = %s)"
    return Piece(sql, [key(db, execution_id)])


def new_execution(db: BaseDatabaseWrapper, execution: Execution) -> Piece:
    """INSERT of a PENDING execution that is due at once, or held where there is a limit."""
    workflow_id = key(db, execution.workflow_id)
    values = (
        (key(db, execution.id), "uuid"), (key(db, execution.workspace_id), "uuid"),
        (workflow_id, "uuid"), (key(db, execution.version_id), "uuid"),
        (execution.status, "varchar"), (execution.trigger_type, "varchar"), (execution.triggered_by_id, "int"),
        (document(execution.trigger_data), "text"), (document(execution.variables), "text"),
        (execution.is_simulation, "bool"), (execution.timeout_ms, "bigint"), (execution.total_steps, "int"),
        (execution.idempotency_key, "varchar"), (execution.request_digest, "varchar"),
    )  # fmt: skip
    columns = (
        "id, workspace_id, workflow_id, version_id, status, trigger_type, triggered_by_id, trigger_data, variables,"
        " is_simulation, timeout_ms, total_steps, idempotency_key, request_digest, epoch, claims, position,"
        " successful_steps, failed_steps, skipped_steps, created_at, wake_at, waiting_for"
    )
    wake_at = f"CASE WHEN {_HAS_LIMIT} THEN {_HELD[db.vendor].format(now=now(db))} ELSE {now(db)} END"
    waiting_for = f"CASE WHEN {_HAS_LIMIT} THEN 'limit' END"
    selected = f"SELECT {_typed(db, values)}, 0, 0, 0, 0, 0, 0, {now(db)}, {wake_at}, {waiting_for}"
    parameters = [*(value for value, _ in values), workflow_id, workflow_id]
    return Piece(f"INSERT INTO executions_execution ({columns}) {selected}", parameters)


def new_entry(db: BaseDatabaseWrapper, entry: AuditEntry) -> Piece:
    """INSERT of who did it."""
    fields = {str(field.column): field for field in AuditEntry._meta.concrete_fields}
    values = [
        (field.get_db_prep_save(getattr(entry, field.attname), db), _ENTRY_TYPES.get(column, "varchar"))
        for column, field in fields.items()
    ]
    names = ", ".join(fields)
    sql = f"INSERT INTO {AuditEntry._meta.db_table} ({names}) SELECT {_typed(db, values)}"
    return Piece(sql, [value for value, _ in values])


def _typed(db: BaseDatabaseWrapper, values: Sequence[tuple[Any, str]]) -> str:
    """A placeholder for each value; PostgreSQL has to be told the types that a SELECT's parameters have."""
    return ", ".join(f"CAST(%s AS {kind})" if db.vendor == "postgresql" else "%s" for _, kind in values)


def new_step(db: BaseDatabaseWrapper, step_id: UUID, execution_id: UUID, record: StepRecord, at: int) -> Piece:
    """INSERT of a step whose change has position `at`."""
    ended = now(db) if record.status not in OPEN_STEPS else "NULL"
    values = (
        (key(db, step_id), "uuid"), (key(db, execution_id), "uuid"), (record.path, "varchar"),
        (record.action_id, "varchar"), (record.action_type, "varchar"), (record.name, "varchar"),
        (record.status.value, "varchar"), (record.attempt, "int"), (document(list(record.failures) or None), "text"),
        (document(record.input), "text"), (document(record.output), "text"), (document(record.error), "text"),
        (document(list(record.log) or None), "text"), (record.flow, "varchar"), (at, "bigint"),
        (moment(db, record.wait_until), "timestamptz"),
    )  # fmt: skip
    columns = (
        "id, execution_id, path, action_id, action_type, name, status, attempt, attempts, input, output, error, log,"
        " flow, position, wait_until, started_at, attempt_started_at, completed_at"
    )
    selected = f"SELECT {_typed(db, values)}, {now(db)}, {now(db)}, {ended}"
    return Piece(f"INSERT INTO executions_step ({columns}) {selected}", [value for value, _ in values])


def changed_step(
    db: BaseDatabaseWrapper, execution_id: UUID, record: StepRecord, at: int, *, new_attempt: bool
) -> Piece:
    """UPDATE of a step whose latest change has position `at`."""
    ended = now(db) if record.status not in OPEN_STEPS else "NULL"
    begun = f", attempt_started_at = {now(db)}" if new_attempt else ""
    sql = (
        "UPDATE executions_step SET status = %s, attempt = %s, attempts = %s, output = %s, error = %s, log = %s,"
        f" flow = %s, position = %s, wait_until = %s, completed_at = {ended}{begun}"
        " WHERE execution_id = %s AND path = %s"
    )
    return Piece(
        sql,
        [
            record.status.value, record.attempt, document(list(record.failures) or None), document(record.output),
            document(record.error), document(list(record.log) or None), record.flow, at,
            moment(db, record.wait_until), key(db, execution_id), record.path,
        ],
    )  # fmt: skip


def run_fenced(
    db: BaseDatabaseWrapper, fence: Piece, pieces: Sequence[Piece] = (), news: Announcement | None = None
) -> list[Any]:
    """Carries out `pieces` if and only if `fence` matches a row, all in one transaction; gives what `fence` returns.

    `news` of it go out with the commit.
    """
    db.ensure_connection()
    with db.wrap_database_errors:
        rows = _RUN[db.vendor](db, fence, pieces, news)
    if rows and news:
        announcements.announce(news)
    return rows


def announce(db: BaseDatabaseWrapper, news: Announcement) -> None:
    """Inside a transaction of the ORM's, after whose commit the news go out."""
    if db.vendor == "postgresql" and not announcements.is_told():
        with db.cursor() as cursor:
            cursor.executemany("SELECT pg_notify(%s, %s)", news.notifications())
    announcements.announce(news)


def _run_as_one(db: BaseDatabaseWrapper, fence: Piece, pieces: Sequence[Piece], news: Announcement | None) -> list[Any]:
    """Past Django's cursor, whose parameters are put into the text: here the server keeps the prepared plan."""
    parts = [f"fence AS ({fence.sql})"]
    parameters = [*fence.parameters]
    for number, piece in enumerate(pieces):
        tied = " FROM fence" if piece.sql.startswith("INSERT") else " AND EXISTS (SELECT 1 FROM fence)"
        parts.append(f"p{number} AS ({piece.sql}{tied})")
        parameters += piece.parameters
    told = news.notifications() if news and not announcements.is_told() else []
    parameters += [part for notification in told for part in notification]
    with psycopg.Cursor(db.connection) as cursor:
        sql = f"WITH {', '.join(parts)} SELECT fence.*{', pg_notify(%s, %s)' * len(told)} FROM fence"
        rows = cursor.execute(sql, parameters, prepare=True).fetchall()
    faults.reach("commit.inside")
    return [row[: -len(told)] for row in rows] if told else rows


def _run_in_turn(
    db: BaseDatabaseWrapper, fence: Piece, pieces: Sequence[Piece], _news: Announcement | None
) -> list[Any]:
    with plain_transaction(db):
        rows = _on_sqlite(db, fence)
        for piece in pieces if rows else ():
            _on_sqlite(db, piece)
        faults.reach("commit.inside")
    return rows


def _on_sqlite(db: BaseDatabaseWrapper, piece: Piece) -> list[Any]:
    rows: list[Any] = db.connection.execute(piece.sql.replace("%s", "?"), piece.parameters).fetchall()
    return rows


_RUN: dict[str, Callable[[BaseDatabaseWrapper, Piece, Sequence[Piece], Announcement | None], list[Any]]] = {
    "postgresql": _run_as_one,
    "sqlite": _run_in_turn,
}
