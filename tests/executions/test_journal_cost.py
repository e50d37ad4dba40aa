"""What a step's commit costs: statements, round trips, and entries in indexes."""

import tempfile
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from executions import services
from executions.engine import journal
from tests.executions.claims import BEGUN, COMPLETED, ENDED, NEXT, claimed, new
from tests.factories import WorkflowFactory

pytestmark = pytest.mark.django_db(transaction=True)

on_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="counts SQLite's statements")
on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="asks PostgreSQL")


def begin_end_and_finish() -> list[Callable[[], None]]:
    """The three kinds of commit that a step has."""
    claim = claimed()
    return [
        lambda: journal.commit(claim, [BEGUN]),
        lambda: journal.commit(claim, [ENDED, NEXT]),
        lambda: journal.commit(claim, finish=COMPLETED),
    ]


@on_sqlite
def test_on_sqlite_it_is_one_transaction_of_a_statement_for_each_row() -> None:
    sent: list[str] = []
    connection.ensure_connection()
    commits = begin_end_and_finish()
    connection.connection.set_trace_callback(lambda sql: sent.append(" ".join(sql.split()[:3])))
    for commit in commits:
        commit()
    connection.connection.set_trace_callback(None)

    fence, begin, end = "UPDATE executions_execution SET", "INSERT INTO executions_step", "UPDATE executions_step SET"
    assert sent == [
        "BEGIN IMMEDIATE", fence, begin, "COMMIT",
        "BEGIN IMMEDIATE", fence, end, begin, "COMMIT",
        "BEGIN IMMEDIATE", fence, "UPDATE workflows_workflow SET", "COMMIT",
    ]  # fmt: skip


def _round_trips(work: Callable[[], object]) -> int:
    """As the wire shows it: each time the server says that it is ready for what is next."""
    wire = connection.connection.pgconn
    with tempfile.TemporaryFile("w+") as file:
        wire.trace(file.fileno())
        work()
        wire.untrace()
        file.seek(0)
        return sum("ReadyForQuery" in line for line in file)


@on_postgresql
def test_on_postgresql_it_is_one_round_trip() -> None:
    for commit in begin_end_and_finish():
        commit()  # prepares each statement, which takes a round trip more, once for each connection

    assert [_round_trips(commit) for commit in begin_end_and_finish()] == [1, 1, 1]


@on_postgresql
def test_so_are_a_start_and_a_claim() -> None:
    workflow = WorkflowFactory.create()
    first, second = new(workflow), new(workflow)
    journal.start(first)
    journal.claim(first.pk)

    assert _round_trips(lambda: journal.start(second)) == 1
    assert _round_trips(lambda: journal.claim(second.pk)) == 1


@on_postgresql
def test_an_idempotency_key_costs_a_look_and_inside_a_transaction_a_savepoint() -> None:
    """A savepoint is made and released; the transaction itself begins and commits."""
    workflow = WorkflowFactory.create()

    def start(key: str | None = None) -> None:
        services.start(workflow=workflow, idempotency_key=key)

    def inside(key: str | None = None) -> None:
        with transaction.atomic():
            start(key)

    start("which prepares it")
    start("and reads the definition")

    assert (_round_trips(start), _round_trips(inside)) == (1, 3)
    assert _round_trips(lambda: start("a")) == 2
    assert _round_trips(lambda: start("a")) == 1
    assert _round_trips(lambda: inside("b")) == 6


def _updates(table: str) -> tuple[int, int]:
    """How many rows of the table this transaction has updated, and how many of them without an entry in an index."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_xact_user_tables WHERE relname = %s", [table])
        updates, without = cursor.fetchone()
    return updates, without


def _twenty_commits() -> tuple[int, int]:
    updates, without = 0, 0
    with transaction.atomic():
        for _ in range(20):
            claim = claimed()
            updates_before, without_before = _updates("executions_execution")
            journal.commit(claim, [BEGUN])
            updates_after, without_after = _updates("executions_execution")
            updates += updates_after - updates_before
            without += without_after - without_before
    return updates, without


@on_postgresql
def test_a_commit_writes_no_index_entry_of_the_execution() -> None:
    updates, without_an_entry = _twenty_commits()

    assert updates == 20
    assert without_an_entry >= 15, "all but those whose page was full"


@on_postgresql
def test_the_twin_an_index_on_what_a_commit_changes_would_cost_each_of_them() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX twin ON executions_execution (position)")
    try:
        assert _twenty_commits() == (20, 0)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP INDEX twin")
