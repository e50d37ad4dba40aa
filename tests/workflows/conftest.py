"""A workspace with its people, for the tests of actions."""

import threading
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.factories import MembershipFactory, UserFactory, WorkspaceFactory
from workflows.actions.context import ActionContext
from workspaces.fields import uuid7
from workspaces.models import Workspace


@dataclass(frozen=True)
class House:
    """Ada and Grace are members; Bob was, and is no longer active; Eve belongs to another workspace."""

    workspace: Workspace
    ada: User
    grace: User
    bob: User
    eve: User

    def context(self, **more: Any) -> ActionContext:
        given = {
            "execution_id": uuid7(), "workspace_id": self.workspace.pk, "workflow_id": uuid7(), "path": "0",
            "workflow_name": "Orders", "action_id": "step", "attempt": 1, "now": timezone.now(), "timeout_ms": 5_000,
            "cancelled": threading.Event(),
        }  # fmt: skip
        return ActionContext(**{**given, **more})


@pytest.fixture
def house(db: None) -> House:
    workspace = WorkspaceFactory.create()
    people = {
        name: UserFactory.create(username=name, is_active=name != "bob") for name in ("ada", "grace", "bob", "eve")
    }
    for name in ("ada", "grace", "bob"):
        MembershipFactory.create(workspace=workspace, user=people[name])
    MembershipFactory.create(user=people["eve"])
    return House(workspace, **people)
