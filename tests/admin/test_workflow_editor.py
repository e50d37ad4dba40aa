"""The pages of a workflow in a real browser: the editor as one types, and that nothing typed ever runs."""

import json
from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page

from executions.models import Execution
from tests.admin.scenes import DOES_NOT_SCROLL, address, session_of
from tests.admin.test_workflow_page import HOSTILE
from tests.config.browsers import NARROW, WIDE, tab
from tests.config.servers import serving
from tests.factories import WorkflowFactory, definition
from tests.workflows.definitions import notify
from workflows import services
from workflows.models import Workflow, WorkflowVersion

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.looks]

PAGE = "workflows_workflow_change"
FAULTY = '{\n  "actions": [\n    {"type": "wat"}\n  ]\n}'
SOUND = json.dumps(definition(notify("other")))
SELECTED = "a => a.value.slice(a.selectionStart, a.selectionEnd)"


@pytest.fixture
def at(transactional_db: None) -> Iterator[Callable[[str], str]]:
    with serving() as server:
        yield lambda path: f"http://127.0.0.1:{server.port}{path}"


@pytest.fixture
def writer() -> User:
    return User.objects.create_superuser("ada", "ada@example.org", "a-password-of-hers")


@pytest.fixture
def workflow(transactional_db: None) -> Workflow:
    workflow: Workflow = WorkflowFactory.create(
        name=HOSTILE, description=HOSTILE, tags=[HOSTILE],
        definition=definition(notify(name=HOSTILE[:200]), notify("last"), variables={"x": HOSTILE}),
    )  # fmt: skip
    services.change(workflow=workflow, definition=definition(notify(name=HOSTILE[:200])))
    return workflow


def test_faults_are_told_as_one_types_and_links_lead_to_them(
    at: Callable[[str], str], writer: User, workflow: Workflow
) -> None:
    with tab(at(address(PAGE, workflow)), session_of(writer)) as page:
        page.do(lambda page: page.fill("#definition", FAULTY))
        page.do(lambda page: page.wait_for_selector("#faults li"))
        assert "Unknown action type 'wat'" in page.do(lambda page: page.inner_text("#faults"))
        assert page.do(lambda page: page.locator(".t-mark-line").count()) == 1
        assert page.do(lambda page: page.inner_text("[data-gutter]")).split() == ["1", "2", "3", "4", "5"]

        page.do(lambda page: page.click("#faults a"))
        assert page.do(lambda page: page.eval_on_selector("#definition", SELECTED)) == '    {"type": "wat"}'

        page.do(lambda page: page.fill("#definition", SOUND))
        page.do(lambda page: page.wait_for_selector("#faults li", state="detached"))
        page.do(lambda page: page.click("[name=format]"))
        page.do(lambda page: page.wait_for_function("document.querySelector('#definition').value.includes('\\n')"))
        page.do(lambda page: page.click("text=Save as a new version"))
        page.do(lambda page: page.wait_for_selector("text=Saved version 3"))
        assert page.complaints == []

    assert WorkflowVersion.objects.get(number=3).definition == json.loads(SOUND)


def test_a_step_of_the_drawing_leads_to_its_lines(at: Callable[[str], str], writer: User) -> None:
    workflow = WorkflowFactory.create(definition=definition(notify("first"), notify("second")))

    with tab(at(address(PAGE, workflow)), session_of(writer)) as page:
        page.do(lambda page: page.locator("#drawing a").nth(1).press("Enter"))
        line = page.do(lambda page: page.eval_on_selector("#definition", "a => a.value.slice(a.selectionStart)"))

    assert line.split("\n")[1].strip() == '"id": "second",'


def test_two_clicks_start_one_execution(at: Callable[[str], str], writer: User, workflow: Workflow) -> None:
    with tab(at(address(PAGE, workflow)), session_of(writer)) as page:
        page.do(lambda page: page.dblclick("#run-now button[type=submit]"))
        page.do(lambda page: page.wait_for_url("**/executions/execution/**"))

    assert Execution.objects.count() == 1


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_nothing_that_people_write_runs_and_no_page_scrolls_sideways(
    at: Callable[[str], str], writer: User, workflow: Workflow, size: tuple[int, int]
) -> None:
    def looked_at(path: str) -> Callable[[Page], bool]:
        def look(page: Page) -> bool:
            page.goto(at(path))
            page.wait_for_load_state("networkidle")
            return bool(page.evaluate(DOES_NOT_SCROLL))

        return look

    paths = [address(PAGE, workflow), address("workflows_workflow_add"), address("workflows_workflow_changelist")]
    paths += [address("workflows_workflowversion_change", version) for version in WorkflowVersion.objects.all()]
    with tab(at(paths[0]), session_of(writer), size=size) as page:
        assert [path for path in paths if not page.do(looked_at(path))] == []
        page.do(looked_at(paths[0]))
        page.do(lambda page: page.fill("#definition", HOSTILE))
        page.do(lambda page: page.wait_for_selector("#faults li"))
        page.do(lambda page: page.fill("#trigger-data", HOSTILE))
        page.do(lambda page: page.click("#run-now button[type=submit]"))
        page.do(lambda page: page.wait_for_selector("#trigger-data-faults a"))
        assert page.complaints == []


def test_without_scripts_the_faults_come_with_the_answer(
    at: Callable[[str], str], writer: User, workflow: Workflow
) -> None:
    with tab(at(address(PAGE, workflow)), session_of(writer), scripts=False) as page:
        assert page.do(lambda page: page.locator("#charts a").is_visible())
        page.do(lambda page: page.fill("#definition", FAULTY))
        page.do(lambda page: page.click("text=Save as a new version"))
        assert "Line 3" in page.do(lambda page: page.inner_text("#faults"))
        assert page.do(lambda page: page.input_value("#definition")) == FAULTY
