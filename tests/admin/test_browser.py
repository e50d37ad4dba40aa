"""An operator at work, in a real browser at a real server: he runs, watches, cancels, and finds what failed."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page

from executions import services
from executions.models import Execution
from tests.admin.scenes import (
    CLOSED,
    DOES_NOT_SCROLL,
    address,
    operator_of,
    order_steps,
    picture,
    refused,
    session_of,
    until,
)
from tests.config.browsers import NARROW, WIDE, Tab, tab
from tests.config.servers import Server, serving
from tests.executions.programs import scene
from tests.executions.programs.children import eventually
from workflows.models import Workflow
from workspaces.models import Task, Workspace

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

SIZES = pytest.mark.parametrize(
    "size", [pytest.param(WIDE, id="wide"), pytest.param(NARROW, id="narrow", marks=pytest.mark.looks)]
)
HAS_STATE = "state => document.querySelector('#status')?.dataset.status === state"
STEP_IS = "([path, state]) => document.querySelector(`[data-step='${path}']`)?.dataset.status === state"
OPENED_AGAIN = "() => window.opened === undefined"


@pytest.fixture
def server(transactional_db: None) -> Iterator[Server]:
    """It runs what it is asked to. One for each test: it keeps the ids of content types, which a test's end changes."""
    with serving(OUTBOUND_ALLOWED_HOSTS=CLOSED) as server:
        yield server


@pytest.fixture
def operator() -> User:
    return operator_of(scene.workspace())


@pytest.fixture
def at(server: Server) -> Callable[[str], str]:
    return lambda path: f"http://127.0.0.1:{server.port}{path}"


def ran(name: str, *steps: scene.Action, trigger: Any = None) -> Execution:
    execution = services.start(workflow=scene.workflow(name, *steps), trigger_data=trigger or {"order": 4711})
    return services.wait(execution=execution, seconds=30)


def going_to(url: str) -> Callable[[Page], Any]:
    return lambda page: page.goto(url)


def has_no_complaint(page: Tab) -> bool:
    assert page.complaints == []
    return bool(page.do(lambda page: page.evaluate(DOES_NOT_SCROLL)))


@SIZES
def test_he_signs_in_runs_a_workflow_watches_it_and_cancels_it(
    at: Callable[[str], str], operator: User, size: tuple[int, int]
) -> None:
    workflow = scene.workflow(
        "Order follow-up", *order_steps(scene.wait(600), {"name": "Close", **scene.task("Close")})
    )
    path = address("workflows_workflow_change", workflow)

    with tab(at("/admin/login/?next=" + path), size=size) as page:
        page.do(lambda page: page.fill("[name=username]", operator.username))
        page.do(lambda page: page.fill("[name=password]", "a-password-of-hers"))
        page.do(lambda page: page.click("[type=submit]"))
        page.do(lambda page: page.wait_for_selector("#run-now"))
        page.do(picture(f"workflow-{size[0]}"))
        page.do(lambda page: page.fill("#trigger-data", '{"order": 4711}'))
        page.do(lambda page: page.click("#run-now button[type=submit], #run-now button"))
        page.do(lambda page: page.wait_for_selector("#status"))
        page.do(lambda page: page.evaluate("window.opened = true"))
        page.do(until(STEP_IS, ["1", "success"]))
        page.do(until(STEP_IS, ["2", "running"]))
        page.do(lambda page: page.wait_for_selector("#waiting"))
        page.do(picture(f"execution-running-{size[0]}"))
        assert page.do(lambda page: page.evaluate("window.opened")) is True
        page.do(lambda page: page.click("#cancel-button"))
        page.do(until(HAS_STATE, "CANCELLED"))
        assert "Cancelled" in page.do(lambda page: page.title())
        assert has_no_complaint(page)

    execution = Execution.objects.get()
    assert execution.status == "CANCELLED"
    assert execution.triggered_by == operator
    assert execution.trigger_data == {"order": 4711}
    assert execution.error is not None
    assert operator.username in execution.error["message"]


@SIZES
def test_what_happens_while_he_watches_arrives_without_a_reload(
    at: Callable[[str], str], operator: User, size: tuple[int, int]
) -> None:
    workflow = scene.workflow("Order follow-up", *order_steps(scene.wait(2), scene.task("Close")))
    execution = services.start(workflow=workflow, trigger_data={"order": 1})

    with tab(at(address("executions_execution_change", execution)), session_of(operator), size=size) as page:
        page.do(lambda page: page.evaluate("window.opened = true"))
        page.do(until(STEP_IS, ["3", "success"]))
        page.do(until(HAS_STATE, "COMPLETED"))
        page.do(until("() => document.title.startsWith('✔')"))
        page.do(lambda page: page.wait_for_selector("#live[data-state=ended]", state="attached"))
        assert page.do(lambda page: page.evaluate("window.opened")) is True
        assert page.do(lambda page: page.locator("#cancel-button").count()) == 0
        page.do(picture(f"execution-completed-{size[0]}"))
        assert has_no_complaint(page)


@SIZES
def test_he_sees_in_the_timeline_which_step_failed_how_often_and_why(
    at: Callable[[str], str], operator: User, size: tuple[int, int]
) -> None:
    execution = ran("Order follow-up", *order_steps(refused(**scene.retried(300))))

    with tab(at(address("executions_execution_change", execution)), session_of(operator), size=size) as page:
        bars = page.do(lambda page: page.locator("#timeline [data-path='2'] [role=img]"))
        labels = page.do(lambda _: [bar.get_attribute("aria-label") or "" for bar in bars.all()])
        assert sum("attempt" in label.lower() for label in labels) >= 4, labels
        page.do(lambda page: page.click("[data-step='2'] summary"))
        shown = page.do(lambda page: page.inner_text("[data-step='2']"))
        assert shown.count("CONNECTION_FAILED") == 4
        assert CLOSED in shown
        page.do(picture(f"execution-failed-{size[0]}"))
        assert has_no_complaint(page)


@SIZES
def test_he_finds_the_failed_one_in_the_list_and_runs_it_again(
    at: Callable[[str], str], operator: User, size: tuple[int, int]
) -> None:
    ran("Invoices", *order_steps())
    failed = ran("Order follow-up", *order_steps(refused()))

    with tab(at(address("executions_execution_changelist")), session_of(operator), size=size) as page:
        page.do(picture(f"list-{size[0]}"))
        assert has_no_complaint(page)
        page.do(lambda page: page.goto(page.url + "?status=FAILED"))
        page.do(lambda page: page.click(f"a[href*='{failed.pk}']"))
        page.do(lambda page: page.click("#run-again-button"))
        page.do(
            until("id => location.pathname.includes('/execution/') && !location.pathname.includes(id)", str(failed.pk))
        )
        page.do(until(HAS_STATE, "FAILED"))
        assert has_no_complaint(page)

    again = Execution.objects.order_by("-created_at").first()
    assert again is not None
    assert again.trigger_data == failed.trigger_data
    assert again.triggered_by == operator


@SIZES
def test_the_start_page_says_what_goes_on(at: Callable[[str], str], operator: User, size: tuple[int, int]) -> None:
    for number in range(4):
        ran(f"Invoices {number}", *order_steps(*([refused()] if number == 3 else [])))
    sleeping = services.start(
        workflow=scene.workflow("Nightly report", *order_steps(scene.wait(600))), trigger_data={"order": 7}
    )
    eventually(lambda: Execution.objects.filter(pk=sleeping.pk, waiting_for="timer").exists())

    with tab(at("/admin/"), session_of(operator), size=size) as page:
        assert "Nightly report" in page.do(lambda page: page.inner_text("#running"))
        assert "Invoices 3" in page.do(lambda page: page.inner_text("#failed"))
        page.do(picture(f"start-{size[0]}"))
        assert has_no_complaint(page)


XSS = (
    "<script>alert(1)</script>",
    "<img src=//evil.example/x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "</textarea></title></pre><iframe src=javascript:alert(1)>",
    "{{ constructor.constructor(`alert(1)`)() }}",
    "javascript:alert(1)//",
)


def hostile(text: str) -> Execution:
    """With the text in names, descriptions, trigger data, inputs, outputs, errors and a task."""
    shown = "{{ trigger.text }}"
    task: scene.Action = {"name": text, "type": "create_task", "config": {"title": shown, "description": shown}}
    nobody: scene.Action = {"name": text, "type": "send_notification", "config": {"recipient": shown, "message": shown}}
    execution = ran(f"Named {text}", task, nobody, trigger={"text": text})
    Workflow.objects.filter(pk=execution.workflow_id).update(description=text)
    assert execution.error is not None
    assert text in execution.error["message"]
    return execution


@pytest.mark.looks
def test_what_steps_and_people_write_is_shown_as_text(at: Callable[[str], str], operator: User) -> None:
    """No dialog, no request to a stranger, and nothing that the policy had to refuse."""
    executions = {text: hostile(text) for text in XSS}
    Workspace.objects.update(name=XSS[0])
    lists = ["executions_execution_changelist", "workflows_workflow_changelist", "workspaces_task_changelist", "index"]

    with tab(at("/admin/"), session_of(operator)) as page:
        for text, execution in executions.items():
            page.do(going_to(at(address("executions_execution_change", execution))))
            page.do(lambda page: page.click("#toggle-all"))
            assert text in page.do(lambda page: page.inner_text("#steps"))
            page.do(going_to(at(address("workflows_workflow_change", execution.workflow))))
            assert f"Named {text}" in page.do(lambda page: page.inner_text("body"))
            page.do(going_to(at(address("workspaces_task_change", Task.objects.get(execution_id=execution.pk)))))
        for name in lists:
            page.do(going_to(at(address(name))))
            assert "alert(1)" in page.do(lambda page: page.inner_text("body"))
        assert page.complaints == []


@pytest.mark.looks
@pytest.mark.parametrize("name", ["executions_execution_change", "workflows_workflow_change"])
def test_the_pages_tell_the_same_in_the_dark_and_without_scripts(
    at: Callable[[str], str], operator: User, name: str
) -> None:
    execution = ran("Order follow-up", *order_steps(refused(onError="continue")))
    row = execution if name.startswith("executions") else execution.workflow

    with tab(at(address(name, row)), session_of(operator), dark=True) as page:
        page.do(picture(f"{name}-dark"))
        assert has_no_complaint(page)
    with tab(at(address(name, row)), session_of(operator), scripts=False) as page:
        assert "Order follow-up" in page.do(lambda page: page.inner_text("body"))
        assert page.do(lambda page: page.locator("svg text, svg rect").first.is_visible())
        page.do(picture(f"{name}-without-scripts"))
