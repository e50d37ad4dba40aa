"""Measures the history on the database of DATABASE_URL; prints its medians as JSON. Started by `history`."""

import json
import os
import time
from collections.abc import Callable
from datetime import timedelta
from statistics import median
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.core.management import call_command  # noqa: E402 (the apps have to be there first)
from django.utils import timezone  # noqa: E402 (the apps have to be there first)

from executions import history  # noqa: E402 (the apps have to be there first)
from executions.history import pagination_json  # noqa: E402 (the apps have to be there first)
from executions.representation import execution_json  # noqa: E402 (the apps have to be there first)
from executions.selection import Filters  # noqa: E402 (the apps have to be there first)
from executions.statistics import statistics_json  # noqa: E402 (the apps have to be there first)
from tests.benchmarks.fill import fill  # noqa: E402 (the apps have to be there first)
from workflows.models import Workflow  # noqa: E402 (the apps have to be there first)

SMALL, LARGE = 1_000, 1_000_000
ROUNDS = 21
WARM_UPS = 2
TO = timezone.now() - timedelta(days=60)
A_MONTH_OF_FAILURES = Filters(("FAILED",), TO - timedelta(days=30), TO)
type Query = Callable[[Workflow], object]


def first_page(workflow: Workflow) -> object:
    return _page(workflow)


def offset_900000(workflow: Workflow) -> object:
    """As deep in the thousand as their number allows."""
    return _page(workflow, offset=_nine_tenths(workflow))


def cursor_900000(workflow: Workflow) -> object:
    return _page(workflow, cursor=CURSORS[workflow.execution_count])


def status_and_date(workflow: Workflow) -> object:
    return _page(workflow, A_MONTH_OF_FAILURES)


def statistics(workflow: Workflow) -> object:
    return statistics_json(workflow)


QUERIES: list[Query] = [first_page, offset_900000, cursor_900000, status_and_date, statistics]
CURSORS: dict[int, str | None] = {}


def _nine_tenths(workflow: Workflow) -> int:
    return workflow.execution_count * 9 // 10


def _page(workflow: Workflow, filters: Filters | None = None, **options: Any) -> object:
    page = history.page(workflow, filters, **options)
    return {
        "executions": [execution_json(execution) for execution in page.executions],
        "pagination": pagination_json(page),
    }


def main() -> None:
    call_command("migrate", verbosity=0)
    workflows = [fill(SMALL), fill(LARGE)]
    for workflow in workflows:
        depth = _nine_tenths(workflow)
        CURSORS[workflow.execution_count] = history.page(workflow, offset=depth - 20, limit=20).next_cursor
    print(json.dumps({query.__name__: _medians(query, workflows) for query in QUERIES}))


def _medians(query: Query, workflows: list[Workflow]) -> list[float]:
    """Of each workflow (ms), asked in turns."""
    took: list[list[float]] = [[] for _ in workflows]
    for number in range(WARM_UPS + ROUNDS):
        for workflow, times in zip(workflows, took, strict=True):
            began = time.perf_counter()
            json.dumps(query(workflow))
            if number >= WARM_UPS:
                times.append((time.perf_counter() - began) * 1_000)
    return [round(median(times), 3) for times in took]


if __name__ == "__main__":
    main()
