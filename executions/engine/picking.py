"""Which due executions to claim: SQL that gives their ids, locked where the database can, so that others skip them."""

from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper

from executions.engine.statements import Piece, escaped, key, now

NOBODY = UUID(int=0)
"""Before every workspace."""

_FIRST = "SELECT workspace_id FROM executions_execution WHERE wake_at IS NOT NULL ORDER BY workspace_id LIMIT 1"
_NEXT = (
    "SELECT e.workspace_id FROM executions_execution e"
    " WHERE e.wake_at IS NOT NULL AND e.workspace_id > turn.workspace_id ORDER BY e.workspace_id LIMIT 1"
)
# Each workspace that has something unfinished, once around from the one behind `after`; read no further than needed.
_TURNS = (
    "WITH RECURSIVE turn(workspace_id, lap, number) AS ("
    " SELECT {after}, 0, 0"
    f" UNION ALL SELECT COALESCE(({_NEXT}), ({_FIRST})),"
    f" turn.lap + CASE WHEN ({_NEXT}) IS NULL THEN 1 ELSE 0 END, turn.number + 1"
    " FROM turn WHERE turn.lap = 0 OR (turn.lap = 1 AND turn.workspace_id < {after})"
    ")"
)
_TURN_COMES = "turn.number > 0 AND (turn.lap = 0 OR (turn.lap = 1 AND turn.workspace_id <= {after}))"
_OLDEST_OF_TURN = (
    "SELECT d.id FROM executions_execution d"
    " WHERE d.workspace_id = turn.workspace_id AND d.wake_at <= {now} ORDER BY d.wake_at LIMIT 1"
)


def the_one(db: BaseDatabaseWrapper, execution_id: UUID) -> Piece:
    """This execution, if it is due."""
    return Piece(_oldest(db, " AND id = %s", 1), [key(db, execution_id)])


def oldest(db: BaseDatabaseWrapper, limit: int) -> Piece:
    """Those that are due longest, whosever they are."""
    return Piece(_oldest(db, "", limit), [])


def _oldest(db: BaseDatabaseWrapper, restriction: str, limit: int) -> str:
    due = f"SELECT id FROM executions_execution WHERE wake_at <= {now(db)}{restriction}"
    return f"{due} ORDER BY wake_at LIMIT {limit:d}{_lock(db)}"


def by_turns(db: BaseDatabaseWrapper, limit: int, after: UUID) -> Piece:
    """One of each workspace in turn, beginning behind the workspace `after`: that which is due longest there."""
    parameter = "CAST(%s AS uuid)" if db.vendor == "postgresql" else "%s"
    turns, comes = _TURNS.format(after=parameter), _TURN_COMES.format(after=parameter)
    due = _OLDEST_OF_TURN.format(now=now(db))
    if db.vendor == "postgresql":
        sql = f"{turns} SELECT due.id FROM turn CROSS JOIN LATERAL ({due}{_lock(db)}) due WHERE {comes} LIMIT {limit:d}"
    else:
        sql = f"{turns} SELECT ({due}) AS due FROM turn WHERE {comes} AND due IS NOT NULL LIMIT {limit:d}"
    return Piece(sql, [key(db, after)] * 3)


def of_others(db: BaseDatabaseWrapper, workspace_id: UUID) -> Piece:
    """Whether another workspace has anything due: a row, or none. For Django's cursor, as nothing is claimed."""
    parameter = "CAST(%s AS uuid)" if db.vendor == "postgresql" else "%s"
    due = _OLDEST_OF_TURN.format(now=escaped(now(db)))
    sql = (
        f"{_TURNS.format(after=parameter)} SELECT 1 FROM turn WHERE {_TURN_COMES.format(after=parameter)}"
        f" AND turn.workspace_id <> {parameter} AND EXISTS ({due}) LIMIT 1"
    )
    return Piece(sql, [key(db, workspace_id)] * 4)


def _lock(db: BaseDatabaseWrapper) -> str:
    return " FOR UPDATE SKIP LOCKED" if db.vendor == "postgresql" else ""
