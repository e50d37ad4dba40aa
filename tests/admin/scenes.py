"""A workspace in which something has happened, and the pages that tell of it."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page

from tests.config.browsers import TIMEOUT_MS, Cookie
from tests.config.processes import ROOT
from tests.executions.programs import scene
from tests.factories import MembershipFactory
from workflows.documents import Json
from workspaces.models import Role, Workspace

CLOSED = "127.0.0.1:9"
PICTURES = ROOT / ".pictures"
DOES_NOT_SCROLL = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


def operator_of(workspace: Workspace) -> User:
    """Of the staff, and an admin of the workspace."""
    grace = User.objects.create_user("grace", "grace@example.org", "a-password-of-hers", is_staff=True)
    MembershipFactory.create(workspace=workspace, user=grace, role=Role.ADMIN)
    return grace


def session_of(user: User) -> Cookie:
    client = Client()
    client.force_login(user)
    return "sessionid", client.cookies["sessionid"].value


def address(name: str, row: Model | None = None) -> str:
    return reverse(f"admin:{name}", args=[row.pk] if row else [])


def refused(**more: Json) -> scene.Action:
    """A call to a port at which nobody listens."""
    config: dict[str, Json] = {"url": f"http://{CLOSED}/couriers", "method": "POST"}
    return {"name": "Book the courier", "type": "call_api", "config": config, **more}


def order_steps(*more: scene.Action) -> list[scene.Action]:
    return [
        {"name": "Is it large?", "type": "condition", "config": {"expression": "trigger.order > 0"}},
        {"name": "Tell the warehouse", **scene.task("Pack order {{ trigger.order }}")},
        *more,
    ]


def until(script: str, argument: Any = None) -> Callable[[Page], Any]:
    return lambda page: page.wait_for_function(script, arg=argument, timeout=TIMEOUT_MS)


def picture(name: str) -> Callable[[Page], Any]:
    """Of the whole page, into a folder that git ignores."""
    path = PICTURES / f"{name}.png"
    return lambda page: page.screenshot(path=path, full_page=True, animations="disabled")
