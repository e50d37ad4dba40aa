"""The page where one signs in: where it leads, and what it says of a wrong password."""

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page

from tests.admin.scenes import operator_of
from tests.config.browsers import tab
from tests.config.servers import serving
from tests.executions.programs import scene
from workspaces.models import Workspace

LOGIN = reverse("admin:login")


@pytest.mark.django_db
def test_who_opens_it_by_its_own_address_comes_to_the_start_page(workspace: Workspace) -> None:
    operator = operator_of(workspace)

    answer = Client().post(LOGIN, {"username": operator.username, "password": "a-password-of-hers"})

    assert answer["Location"] == reverse("admin:index")


def given_a_wrong_password(page: Page) -> list[str]:
    """What the page then says went wrong."""
    page.fill("[name=username]", "grace")
    page.fill("[name=password]", "a wrong one")
    page.click("[type=submit]")
    page.wait_for_selector("div.errornote")
    return [note.inner_text() for note in page.locator(".errornote:visible").all()]


@pytest.mark.looks
@pytest.mark.django_db(transaction=True)
def test_one_fault_is_said_once(transactional_db: None) -> None:
    operator_of(scene.workspace())

    with serving() as server, tab(f"http://127.0.0.1:{server.port}{LOGIN}") as page:
        (said,) = page.do(given_a_wrong_password)

    assert said.startswith("Please enter the correct username and password")
