"""How the database finds what a statement asks for: the indexes it uses, the tables it reads whole, what it sorts."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

APPS = ("workspaces", "workflows", "executions")
OPERATIONS_A_ROW = 100

_INDEXES = {
    "sqlite": "SELECT schema.name, schema.tbl_name, GROUP_CONCAT(info.name, ', ') FROM sqlite_schema AS schema,"
    " pragma_index_info(schema.name) AS info WHERE schema.type = 'index' GROUP BY 1, 2",
    "postgresql": "SELECT index.relname, tables.relname, STRING_AGG(attname, ', ' ORDER BY attnum) FROM pg_index"
    " JOIN pg_class AS index ON index.oid = indexrelid JOIN pg_class AS tables ON tables.oid = indrelid"
    " JOIN pg_attribute ON attrelid = indexrelid"
    " WHERE index.relnamespace = CAST('public' AS regnamespace) GROUP BY 1, 2",
}
_SQLITE_INDEX = re.compile(r"(?:SEARCH|SCAN) \w+ USING (?:COVERING )?INDEX (\w+)")
_SQLITE_COVERING = re.compile(r"USING COVERING INDEX (\w+)")
_SQLITE_WHOLE = re.compile(r"SCAN (\w+)$", re.MULTILINE)
_SQLITE_SUBQUERY = re.compile(r"CO-ROUTINE (\w+)$", re.MULTILINE)
_SQLITE_SORT = re.compile(r"USE TEMP B-TREE FOR (?!RIGHT PART|LAST)")
_numbers = count()
_STATEMENT = re.compile(r"\s*(WITH|SELECT|INSERT|UPDATE|DELETE)\b")


@dataclass(frozen=True, slots=True)
class Plan:
    """`indexes` as they are declared, or as `table(column, …)`; `covering`: those read without their table.

    `whole`: the tables that are read whole. `sorts` doesn't count what is left to sort where an index gives the order
    but for equals.
    """

    text: str
    indexes: frozenset[str]
    covering: frozenset[str]
    whole: frozenset[str]
    sorts: bool


def declared_indexes() -> set[str]:
    models = (model for app in APPS for model in apps.get_app_config(app).get_models())
    return {index.name for model in models for index in model._meta.indexes}


def indexes_of(*tables: str) -> set[str]:
    """All that there are, declared or not."""
    return {name for name, table in _indexes().values() if table in tables}


def plan_of(queryset: QuerySet[Any, Any]) -> Plan:
    if connection.vendor == "sqlite":
        return _read_on_sqlite(queryset.explain().splitlines())
    return _read_on_postgresql(json.loads(queryset.explain(format="json")))


def plans_of(work: Callable[[], object]) -> list[Plan]:
    """The plan of every statement that `work()` sends, through Django or past it, inside a transaction."""
    if connection.vendor == "sqlite":
        return [_explained_on_sqlite(sql) for sql in _sent_on_sqlite(work)]
    return [_explained_on_postgresql(sql) for sql in _sent_on_postgresql(work)]


def rows_read(queryset: QuerySet[Any, Any]) -> int:
    """How many rows PostgreSQL reads for the answer; on SQLite, how much it does for it."""
    if connection.vendor == "sqlite":
        return _ticks(lambda: list(queryset.iterator(chunk_size=1)))
    return _rows_scanned(json.loads(queryset.explain(format="json", analyze=True, timing=False)))


def rows_read_by(work: Callable[[], object]) -> int:
    """The same of all that `work()` asks through Django, without changing anything."""
    if connection.vendor == "sqlite":
        return _ticks(work)
    return sum(_rows_scanned(_analysed_on_postgresql(sql)) for sql in _sent_on_postgresql(work))


def _rows_scanned(plan: list[dict[str, Any]]) -> int:
    scans = [node for node in _nodes(plan[0]["Plan"]) if "Relation Name" in node]
    return sum((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"] for node in scans)


def _ticks(work: Callable[[], object]) -> int:
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        ticks += 1

    connection.connection.set_progress_handler(tick, OPERATIONS_A_ROW)
    work()
    connection.connection.set_progress_handler(None, 0)
    return ticks


def _indexes() -> dict[str, tuple[str, str]]:
    """The name that we use, and the table, for the name that the database uses."""
    with connection.cursor() as cursor:
        cursor.execute(_INDEXES[connection.vendor])
        rows = cursor.fetchall()
    declared = declared_indexes()
    return {name: (name if name in declared else f"{table}({columns})", table) for name, table, columns in rows}


def _named(indexes: Iterable[str]) -> frozenset[str]:
    known = _indexes()
    return frozenset(known[index][0] for index in indexes)


# SQLite: what it says is read; its trace has the very text that was sent, with the parameters in it


def _sent_on_sqlite(work: Callable[[], object]) -> list[str]:
    sent: list[str] = []
    connection.connection.set_trace_callback(sent.append)
    work()
    connection.connection.set_trace_callback(None)
    return [sql for sql in sent if _STATEMENT.match(sql)]


def _explained_on_sqlite(sql: str) -> Plan:
    """The driver keeps statements prepared, and a plan of before an index was dropped with them: each text is new."""
    explain = f"EXPLAIN QUERY PLAN {sql} -- {next(_numbers)}"
    return _read_on_sqlite(row[3] for row in connection.connection.execute(explain))


def _read_on_sqlite(lines: Iterable[str]) -> Plan:
    text = "\n".join(lines)
    indexes, covering = _named(_SQLITE_INDEX.findall(text)), _named(_SQLITE_COVERING.findall(text))
    whole = frozenset(_SQLITE_WHOLE.findall(text)).difference(_SQLITE_SUBQUERY.findall(text))
    return Plan(text, indexes, covering, whole, sorts=bool(_SQLITE_SORT.search(text)))


# PostgreSQL: the server keeps what was prepared past Django; its plan is asked for as for any parameters to come


def _sent_on_postgresql(work: Callable[[], object]) -> list[str]:
    driver = connection.connection
    driver.execute("DEALLOCATE ALL")
    with CaptureQueriesContext(connection) as captured:
        work()
    through_django = [query["sql"] for query in captured if _STATEMENT.match(query["sql"])]
    prepared = driver.execute(
        "SELECT name, CARDINALITY(parameter_types) FROM pg_prepared_statements WHERE NOT from_sql"
    )
    return [*through_django, *(_execute(name, count) for name, count in prepared)]


def _execute(name: str, parameters: int) -> str:
    return f"EXECUTE {name}({', '.join(['NULL'] * parameters)})" if parameters else f"EXECUTE {name}"


def _explained_on_postgresql(sql: str) -> Plan:
    driver = connection.connection
    driver.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    with closing(driver.execute(f"EXPLAIN (FORMAT JSON) {sql}")) as cursor:
        return _read_on_postgresql(cursor.fetchone()[0])


def _analysed_on_postgresql(sql: str) -> list[dict[str, Any]]:
    with closing(connection.connection.execute(f"EXPLAIN (FORMAT JSON, ANALYZE, TIMING OFF) {sql}")) as cursor:
        plan: list[dict[str, Any]] = cursor.fetchone()[0]
    return plan


def _read_on_postgresql(plan: list[dict[str, Any]]) -> Plan:
    nodes = list(_nodes(plan[0]["Plan"]))
    return Plan(
        json.dumps(plan, indent=1),
        _named(node["Index Name"] for node in nodes if "Index Name" in node),
        _named(node["Index Name"] for node in nodes if node["Node Type"] == "Index Only Scan"),
        frozenset(node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"),
        sorts=any(node["Node Type"] == "Sort" for node in nodes),
    )


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)
