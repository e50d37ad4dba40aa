"""Executions as a history has them, and the ways to walk through it."""

import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from executions import history
from executions.history import Page
from executions.models import Execution
from executions.selection import Filters
from executions.states import FINAL
from tests.executions.counters import counted
from workflows.models import Workflow

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def an_execution(workflow: Workflow, created: float = 0, started: float | None = 0, **fields: Any) -> Execution:
    """Created and started so many minutes after noon; COMPLETED unless said otherwise."""
    status = fields.setdefault("status", "COMPLETED")
    fields |= {"completed_at": NOON} if status in FINAL else {"wake_at": NOON}
    return Execution(
        workspace_id=workflow.workspace_id,
        workflow=workflow,
        version_id=workflow.version_id,
        created_at=NOON + timedelta(minutes=created),
        started_at=None if started is None else NOON + timedelta(minutes=started),
        **fields,
    )


def save(workflow: Workflow, executions: Iterable[Execution]) -> list[Execution]:
    saved = Execution.objects.bulk_create(executions)
    Workflow.objects.filter(pk=workflow.pk).update(**counted(workflow))
    return saved


def save_many(workflow: Workflow, seed: int, number: int = 60) -> list[Execution]:
    """In no order, many of them of one time, some not started."""
    draw = random.Random(seed)
    return save(
        workflow,
        [
            an_execution(
                workflow,
                draw.randrange(8),
                None if status == "PENDING" else draw.randrange(8),
                status=status,
                trigger_type=draw.choice(["manual", "webhook"]),
                is_simulation=draw.random() < 0.1,
            )
            for status in draw.choices(["COMPLETED", "FAILED", "PENDING"], [5, 2, 2], k=number)
        ],
    )


def whole(workflow: Workflow, filters: Filters | None = None, **order: Any) -> list[Execution]:
    return history.page(workflow, filters, limit=1_000, **order).executions


def walk_through(page: Callable[[Page | None], Page]) -> list[Execution]:
    """All that the pages have, each asked for with the one before it, until one says that there are no more."""
    walked, latest = [], page(None)
    while latest.has_more:
        walked += latest.executions
        latest = page(latest)
    return walked + latest.executions


def by_cursor(workflow: Workflow, filters: Filters | None = None, **order: Any) -> list[Execution]:
    return walk_through(
        lambda latest: history.page(workflow, filters, limit=7, cursor=latest.next_cursor if latest else None, **order)
    )


def by_offset(workflow: Workflow, filters: Filters | None = None, **order: Any) -> list[Execution]:
    return walk_through(
        lambda latest: history.page(workflow, filters, limit=7, offset=latest.offset + 7 if latest else 0, **order)
    )
