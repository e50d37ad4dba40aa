"""What is told on a phone without moving the page sideways."""

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page

from executions.models import Execution
from tests.admin.scenes import address, operator_of, session_of
from tests.config.browsers import NARROW, tab
from tests.config.servers import serving
from tests.executions.scenes import ran
from workspaces import services, speakers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.looks]

FITS = "([selector]) => (box => box.scrollWidth <= box.clientWidth)(document.querySelector(selector))"

Asks = Callable[[str, Callable[[Page], object]], object]


@pytest.fixture
def execution() -> Execution:
    return ran({"type": "wait", "name": "A step with quite a long name", "config": {"durationMs": 0}})


@pytest.fixture
def operator(execution: Execution) -> User:
    return operator_of(execution.workspace)


@pytest.fixture
def asks(transactional_db: None, operator: User) -> Iterator[Asks]:
    """Opens a page there, and asks it something."""
    with serving() as server:

        def ask(path: str, question: Callable[[Page], object]) -> object:
            with tab(f"http://127.0.0.1:{server.port}{path}", session_of(operator), size=NARROW) as page:
                return page.do(question)

        yield ask


def fits(selector: str) -> Callable[[Page], object]:
    return lambda page: page.evaluate(FITS, [selector])


def test_the_timeline_is_there_from_its_beginning_to_its_end(asks: Asks, execution: Execution) -> None:
    assert asks(address("executions_execution_change", execution), fits("#timeline-box"))


def test_a_row_of_the_list_says_when_it_began(asks: Asks) -> None:
    assert asks(address("executions_execution_changelist"), lambda page: page.is_visible(".t-begun time"))


def test_an_entry_of_the_audit_log_says_who_did_what(asks: Asks, execution: Execution) -> None:
    with speakers.command("rename"):
        services.rename_workspace(workspace=execution.workspace, name="Ours for ever")

    assert asks(address("workspaces_auditentry_changelist"), fits("div:has(> #result_list)"))
