"""Resuming from the page of an execution: a button, a link back, and once."""

import pytest

from executions import services
from executions.models import Execution
from tests.admin.conftest import SignIn
from tests.admin.pages import address, read, source, words
from tests.executions.scenes import ran
from workflows.documents import Json
from workspaces.models import Role

pytestmark = pytest.mark.django_db(transaction=True)

STEPS: list[Json] = [{"type": "test_echo", "config": {"value": 1}}, {"type": "test_fail"}]


def test_the_page_has_a_button_and_a_link_back(signed_in: SignIn) -> None:
    first = ran(*STEPS)
    operator = signed_in(first.workspace, Role.MEMBER)
    assert 'id="resume-button"' in source(operator, first)

    answer = operator.post(address(first, "resume"))

    resumed = Execution.objects.get(resumed_from=first.pk)
    assert answer["Location"] == address(resumed)
    assert address(first) in source(operator, resumed)
    assert "Resumed from" in read(operator, resumed)
    assert operator.post(address(first, "resume"))["Location"] == address(resumed), "once"


def test_what_was_resumed_says_as_what_and_has_no_button_any_more(signed_in: SignIn) -> None:
    first = ran(*STEPS)
    operator = signed_in(first.workspace, Role.MEMBER)
    assert "Resumed as" not in read(operator, first)

    resumed = services.resume(execution=first).execution

    page = source(operator, first)
    assert f"Resumed as {resumed.pk}" in words(page)
    assert address(resumed) in page
    assert "resume-button" not in page


def test_the_timeline_leaves_out_what_took_its_time_elsewhere(signed_in: SignIn) -> None:
    first = ran(*STEPS)
    resumed = services.run(execution=services.resume(execution=first).execution)

    def bars(execution: Execution) -> int:
        return source(signed_in(first.workspace, Role.MEMBER), execution).count('class="t-hit"')

    assert (bars(first), bars(resumed)) == (2, 1)


def test_a_guest_resumes_nothing(signed_in: SignIn) -> None:
    first = ran(*STEPS)

    guest = signed_in(first.workspace, Role.GUEST)

    assert "resume-button" not in source(guest, first)
    assert guest.post(address(first, "resume")).status_code == 403
