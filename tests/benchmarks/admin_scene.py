"""What `admin` looks at: a million executions of one workspace, a thousand of another, and one of thirty steps."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from executions.models import Execution
from executions.services import run
from tests.benchmarks.fill import fill
from tests.factories import ExecutionFactory, MembershipFactory, UserFactory, definition
from tests.plans.many_rows import execute, gather_statistics
from workflows.documents import Json
from workflows.models import Workflow

LARGE, SMALL, STEPS = 1_000_000, 1_000, 30
MESSAGE = "HTTP 503 from https://payments.example.org/charge/"
"""With a number of its own behind it in each error, and some 600 characters of traceback."""
RARE_EVERY = 50_000
_NUMBER = {"postgresql": "right(CAST(id AS text), 6)", "sqlite": "substr(id, -6)"}
_IS_RARE = {
    "postgresql": "('x' || right(CAST(id AS text), 6))::bit(24)::int % {0} = 0",
    "sqlite": "rowid % {0} = 0",
}


@dataclass(frozen=True, slots=True)
class Scene:
    """`admin` sees everything; `member` the small workspace alone, and `owner` the large one too."""

    admin: Client
    member: Client
    owner: Client
    large: Workflow
    small: Workflow
    middle: UUID
    long: Execution


def prepare() -> Scene:
    large, small = fill(LARGE), fill(SMALL)
    _give_errors()
    _make_some_rare()
    gather_statistics()
    step: Json = {"type": "wait", "config": {"durationMs": 0}}
    return Scene(
        admin=_client(UserFactory.create(is_staff=True, is_superuser=True)),
        member=_client(_staff(small)),
        owner=_client(_staff(small, large)),
        large=large,
        small=small,
        middle=_middle(large),
        long=run(execution=ExecutionFactory.create(workflow__definition=definition(*[step] * STEPS))),
    )


def _give_errors() -> None:
    message, traceback = f"'{MESSAGE}' || {_NUMBER[connection.vendor]}", "x" * 600
    error = f"""'{{"code":"HTTP_ERROR","message":"' || {message} || '","traceback":"{traceback}"}}'"""
    execute(f"UPDATE executions_execution SET error = {error} WHERE status IN ('FAILED', 'TIMEOUT')")


def _make_some_rare() -> None:
    is_rare = _IS_RARE[connection.vendor].format(RARE_EVERY)
    execute(f"UPDATE executions_execution SET trigger_type = 'schedule', is_simulation = (1 = 1) WHERE {is_rare}")


def _middle(workflow: Workflow) -> UUID:
    """By the ids, which are of the time that the executions were created."""
    newest, oldest = (Execution.objects.filter(workflow=workflow).order_by(order) for order in ("-pk", "pk"))
    first, last = (rows.values_list("pk", flat=True)[:1].get() for rows in (newest, oldest))
    middle = UUID(int=(first.int + last.int) // 2)
    return Execution.objects.filter(pk__gte=middle).order_by("pk").values_list("pk", flat=True)[:1].get()


def _staff(*workflows: Workflow) -> User:
    user: User = UserFactory.create(is_staff=True)
    for workflow in workflows:
        MembershipFactory.create(user=user, workspace=workflow.workspace)
    return user


def _client(user: User) -> Client:
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    return client
