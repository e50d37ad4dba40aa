"""A hundred thousand rows in every table that grows, made by the database itself in a few seconds.

One workflow has 60 % of the executions and one workspace most of everything, as it is in life. One execution in a
hundred hasn't ended, and few of these are due. TIMEOUT and `webhook` are rare and old: whoever looks for them from the
newest backwards reads nearly everything.
"""

from uuid import UUID

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, transaction

from tests.executions.counters import COUNTERS, counted
from workflows.models import Workflow
from workspaces.models import Organization, Workspace

ROWS = 100_000
USERS = 1_000
WORKSPACES = 200
BUSY = UUID(int=1)
"""The id of the busy workspace, and of the busy workflow."""

_SERIES = "WITH RECURSIVE series(n) AS (SELECT CAST(1 AS bigint) UNION ALL SELECT n + 1 FROM series WHERE n < {0})"
_KEY = {"postgresql": "CAST(LPAD(TO_HEX({0}), 32, '0') AS uuid)", "sqlite": "PRINTF('%032x', {0})"}
_AGO = {
    "postgresql": "now() - ({0}) * interval '1 second'",
    "sqlite": "STRFTIME('%Y-%m-%d %H:%M:%f', 'now', (-({0})) || ' seconds')",
}
FALSE = "(1 = 0)"

_WORKSPACE_OF = "(CASE WHEN {0} % 5 = 1 THEN 1 ELSE 1 + {0} % 200 END)"
_WORKFLOW = "(CASE WHEN n % 10 < 6 THEN 1 ELSE 1 + n % 200 END)"
_STATUS = f"""(CASE WHEN n % 1000 < 960 THEN 'COMPLETED' WHEN n % 1000 < 980 THEN 'FAILED'
    WHEN n % 1000 < 985 THEN 'CANCELLED' WHEN n % 1000 < 990 AND n < {ROWS // 5} THEN 'TIMEOUT'
    WHEN n % 1000 < 990 THEN 'FAILED' WHEN n % 1000 < 995 THEN 'RUNNING' ELSE 'PENDING' END)"""
_HAS_ENDED = "n % 1000 < 990"


def make() -> None:
    """Commits the rows to a database that is empty, and gathers the planner's statistics."""
    with transaction.atomic():
        first_user = _make_people()
        for sql in (*_workflows(), *_executions(first_user), *_made_for_people(first_user)):
            execute(sql)
        busy = Workflow.objects.filter(pk=BUSY)
        busy.update(**counted(busy.get()))
    gather_statistics()


def remove() -> None:
    """Leaves the database as empty as a test expects it, and without statistics of what isn't there any more."""
    with connection.constraint_checks_disabled():  # for SQLite, which would look for each row's dependants
        call_command("flush", verbosity=0, interactive=False)
    forget_statistics()


def gather_statistics() -> None:
    execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def forget_statistics() -> None:
    """On SQLite: how it is in life, where nobody runs ANALYZE. PostgreSQL gathers them by itself."""
    if connection.vendor == "sqlite":
        execute("DELETE FROM sqlite_stat1")
        execute("ANALYZE sqlite_schema")


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def key(expression: str) -> str:
    return _KEY[connection.vendor].format(expression)


def ago(seconds: str) -> str:
    return _AGO[connection.vendor].format(seconds)


def insert(table: str, **columns: str) -> str:
    return insert_numbered(table, ROWS, columns)


def insert_numbered(table: str, rows: int, columns: dict[str, str]) -> str:
    """INSERT of a row for each number `n` from 1 to `rows`; each column is an expression of it."""
    series = _SERIES.format(rows)
    return f"INSERT INTO {table} ({', '.join(columns)}) {series} SELECT {', '.join(columns.values())} FROM series"


def _make_people() -> int:
    """Gives the id of the first user; the others follow it without a gap."""
    users = User.objects.bulk_create(User(username=f"user{number}") for number in range(USERS))
    organization = Organization.objects.create(name="Organization", slug="organization", owner=users[0])
    Workspace.objects.bulk_create(
        Workspace(id=UUID(int=number), organization=organization, name="Workspace", slug=f"workspace-{number}")
        for number in range(1, WORKSPACES + 1)
    )
    return int(users[0].pk)


def _workflows() -> list[str]:
    """Each with one version of its own id."""
    age = f"({ROWS} - n) * 60"
    return [
        insert(
            "workflows_workflow", id=key("n"), version_id=key("n"), workspace_id=key(_WORKSPACE_OF.format("n")),
            name="'Workflow ' || n", description="''", tags="'[]'", metadata="'{}'", trigger_type="'manual'",
            **dict.fromkeys(COUNTERS, "0"), created_at=ago(age), updated_at=ago(f"n * 7919 % {ROWS} * 60"),
            status="CASE WHEN n = 1 OR n % 10 < 7 THEN 'ACTIVE' WHEN n % 10 = 7 THEN 'DRAFT'"
            " WHEN n % 10 = 8 THEN 'INACTIVE' ELSE 'ARCHIVED' END",
        ),
        insert(
            "workflows_workflowversion", id=key("n"), workflow_id=key("n"), number="1", digest="'digest ' || n",
            definition="'{\"actions\": []}'", created_at=ago(age),
        ),
    ]  # fmt: skip


def _executions(first_user: int) -> list[str]:
    """One a minute; and five steps for each of the latest 20,000."""
    age = f"({ROWS} - n) * 60"
    due = f"CASE WHEN n > {ROWS - 5_000} THEN 60 ELSE -n END"
    return [
        insert(
            "executions_execution", id=key("n"), workspace_id=key(_WORKSPACE_OF.format(_WORKFLOW)),
            workflow_id=key(_WORKFLOW), version_id=key(_WORKFLOW), status=_STATUS,
            trigger_type=f"CASE WHEN n % 500 = 3 AND n < {ROWS // 5} THEN 'webhook' ELSE 'manual' END",
            triggered_by_id=f"{first_user} + n % {USERS}", trigger_data="'{\"order\": 1234}'", variables="'{}'",
            is_simulation="n % 500 = 7", created_at=ago(f"{age} + 2"), epoch="1", claims="0", position="11",
            started_at=f"CASE WHEN {_STATUS} = 'PENDING' THEN NULL ELSE {ago(f'{age} + 1')} END",
            completed_at=f"CASE WHEN {_HAS_ENDED} THEN {ago(age)} END",
            wake_at=f"CASE WHEN {_HAS_ENDED} THEN NULL ELSE {ago(due)} END",
            total_steps="5", successful_steps="0", failed_steps="0", skipped_steps="0",
        ),
        insert(
            "executions_step", id=key("n"), execution_id=key(f"{ROWS - 20_000} + (n + 4) / 5"), path="n % 5",
            action_id="'action'", action_type="'wait'", name="''", status="'success'", attempt="1",
            flow="'continue'", position="2 * (n % 5) + 2", input="'{}'", output="'{}'",
        ),
    ]  # fmt: skip


def _made_for_people(first_user: int) -> list[str]:
    """The first user has a tenth of the tasks and a fifth of the notifications."""
    user = f"{first_user} + CASE WHEN n % {{0}} = 0 THEN 0 ELSE n % {USERS} END"
    workspace, made_by = key(_WORKSPACE_OF.format("n")), f"CASE WHEN n % 2 = 0 THEN {key('n')} END"
    common = {"id": key("n"), "workspace_id": workspace, "execution_id": made_by, "step_path": "''"}
    return [
        insert(
            "workspaces_membership", id=key("n"), workspace_id=key(f"1 + n / {USERS}"),
            user_id=f"{first_user} + n % {USERS}", role="'MEMBER'", created_at=ago("n"),
        ),
        insert(
            "workspaces_task", **common, title="'Task'", description="''", priority="'MEDIUM'",
            assignee_id=user.format(10), status=f"CASE WHEN n < {ROWS // 20} THEN 'TODO' ELSE 'DONE' END",
            created_at=ago("n"), updated_at=ago("n"),
        ),
        insert(
            "workspaces_notification", **common, recipient_id=user.format(5), title="''", message="'Done'",
            by_mail=FALSE, read_at=f"CASE WHEN n > {ROWS // 50} THEN {ago('n')} END", created_at=ago("n"),
        ),
        insert(
            "workspaces_auditentry", id=key("n"), at=ago(f"({ROWS} - n) * 60"), workspace_id=workspace,
            actor_id=f"{first_user} + n % {USERS}", action="CASE WHEN n % 50 = 0 THEN 'signin' ELSE 'task.change' END",
            **dict.fromkeys(("workspace_slug", "actor_name", "token", "address", "label"), "''"),
            subject_type="'task'", subject_id="n", details="'{}'",
        ),
        insert("workspaces_signinfailure", name="'name ' || n % 5000", network="'net ' || n % 5000", at=ago("n")),
    ]  # fmt: skip
