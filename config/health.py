"""What a load balancer or an orchestrator asks: whether the process answers, and whether it is of use."""

import logging
from functools import cache

import orjson
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from config.problems import CONTENT_TYPE, problem
from executions.engine import dispatch

OK = "ok"

logger = logging.getLogger(__name__)


class NotMigrated(Exception):
    """The database is behind the code."""


def healthz(_request: HttpRequest) -> HttpResponse:
    """Says that the server answers; it asks nothing of the database."""
    return JsonResponse({"status": OK})


def readyz(_request: HttpRequest) -> HttpResponse:
    """Says that its database is there and that its executor looks for work, or which of them ails, as a problem."""
    checks = {"database": _database_ailment() or OK, "executor": dispatch.ailment() or OK}
    ailments = [f"{name}: {ailment}" for name, ailment in checks.items() if ailment != OK]
    if not ailments:
        return JsonResponse({"status": OK, "checks": checks})
    body = problem(503, "UNAVAILABLE", "; ".join(ailments)) | {"checks": checks}
    return HttpResponse(orjson.dumps(body), CONTENT_TYPE, 503)


def _database_ailment() -> str | None:
    """In a few words that give away neither address nor account; the log has the rest."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        _check_migrations()
    except NotMigrated:
        return "migrations are missing; run manage.py migrate"
    except Error as error:
        logger.warning("the database doesn't answer: %s", error)
        return f"it doesn't answer ({type(error).__name__})"
    return None


@cache
def _check_migrations() -> None:
    """Raises NotMigrated. It costs much, so it is left out once all are there: none goes away again."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise NotMigrated
