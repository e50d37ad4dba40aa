"""Executions of all kinds to look at, and their page as somebody sees it."""

import re
from html import unescape
from typing import Any

from django.test import Client
from django.urls import reverse

from executions import services
from executions.engine import journal, runner
from executions.models import Execution
from tests.executions import handlers
from tests.executions.scenes import ran, started
from workflows.documents import Json

ACTIONS = handlers.__name__  # importing them has registered them
LONG_MS = 3_600_000
FAILS: dict[str, Json] = {"type": "test_fail", "id": "shop", "name": "Ask the shop"}
RETRIES: Json = {"maxRetries": 2, "delayMs": 0, "jitter": False}
BACKS_OFF: Json = {"maxRetries": 2, "delayMs": LONG_MS, "maxDelayMs": LONG_MS, "jitter": False}


def carried_on(*actions: Json, **options: Any) -> Execution:
    """As far as it goes by itself now: into its first long wait."""
    execution = started(*actions, **options)
    if claim := journal.claim(execution.pk):
        runner.run(claim)
    execution.refresh_from_db()
    return execution


def waiting(**options: Any) -> Execution:
    wait: Json = {"type": "wait", "name": "Let it settle", "config": {"durationMs": LONG_MS}}
    return carried_on({"type": "test_number"}, wait, {"type": "test_number", "name": "At last"}, **options)


def between_tries() -> Execution:
    return carried_on({**FAILS, "onError": "retry", "retryConfig": BACKS_OFF})


def failed() -> Execution:
    """At its second step, after three attempts."""
    retried: Json = {**FAILS, "onError": "retry", "retryConfig": RETRIES}
    return ran({"type": "test_number"}, retried, {"type": "test_number", "name": "Never reached"})


def cancelled() -> Execution:
    return services.cancel(execution=waiting())


def address(execution: Execution, view: str = "change", *more: str) -> str:
    return reverse(f"admin:executions_execution_{view}", args=[execution.pk, *more])


def source(client: Client, execution: Execution, **query: Any) -> str:
    """The page as it is sent."""
    answer = client.get(address(execution), query)
    assert answer.status_code == 200, answer
    return answer.content.decode()


def words(html: str) -> str:
    """What is to be read there, with single spaces."""
    return " ".join(unescape(re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", html, flags=re.DOTALL)).split())


def read(client: Client, execution: Execution) -> str:
    return words(source(client, execution))


def step_in(html: str, path: str) -> str:
    """The words of one row of the step table."""
    found = re.search(
        rf'<li class="t-step" id="step-{re.escape(path)}".*?(?=<li class="t-step"|</section>)', html, re.DOTALL
    )
    assert found, f"no step {path}"
    return words(found[0])


def attribute(html: str, name: str) -> str:
    """The value of the first attribute of this name."""
    found = re.search(rf'\s{name}="([^"]*)"', html)
    assert found, f"no {name}"
    return unescape(found[1])
