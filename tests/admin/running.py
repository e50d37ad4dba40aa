"""Executions in each of their states, for the tests of the start page; and what that page says of them."""

import re
from datetime import timedelta
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from executions.engine import journal
from executions.engine.journal import Change
from executions.engine.plan import Sleep, StepRecord
from executions.models import Execution
from executions.states import StepStatus, WaitingFor
from tests.factories import ExecutionFactory
from workflows.models import Workflow

STEP = StepRecord("0", "one", "wait", "", StepStatus.SUCCESS)


def at_work(workflow: Workflow) -> Execution:
    """One under a lease, with the first of its two steps done."""
    execution = ExecutionFactory.create(workflow=workflow)
    claim = journal.claim(execution.pk)
    assert claim
    journal.commit(claim, [Change(STEP, is_new=True, new_attempt=True)])
    return execution


def asleep(workflow: Workflow, reason: WaitingFor, **time: int) -> Execution:
    execution = ExecutionFactory.create(workflow=workflow)
    claim = journal.claim(execution.pk)
    assert claim
    journal.commit(claim, [], sleep=Sleep(claim.clock() + timedelta(**time), reason))
    return execution


def due(workflow: Workflow, seconds: float = 0) -> Execution:
    execution = ExecutionFactory.create(workflow=workflow)
    return altered(execution, wake_at=timezone.now() - timedelta(seconds=seconds))


def left_behind(workflow: Workflow) -> Execution:
    return altered(at_work(workflow), wake_at=timezone.now() - timedelta(seconds=40))


def ended(workflow: Workflow, status: str, ago: timedelta = timedelta(minutes=1), **fields: Any) -> Execution:
    execution = ExecutionFactory.create(workflow=workflow)
    return altered(execution, status=status, wake_at=None, completed_at=timezone.now() - ago, **fields)


def altered(execution: Execution, **fields: Any) -> Execution:
    Execution.objects.filter(pk=execution.pk).update(**fields)
    return execution


def page(client: Client, **query: str) -> str:
    return client.get(reverse("admin:index"), query).content.decode()


def section(html: str, id: str) -> str:
    """What is said in it, without its tags."""
    found = re.search(rf'<(\w+)[^>]* id="{id}".*?</\1>', html, re.DOTALL)
    assert found
    return " ".join(re.sub(r"<[^>]+>", " ", found[0]).split())
