"""Asks for each page of the admin, as a program of its own: what is installed can't be changed in a process.

It prints the status of each answer and its address, and ends with 1 unless all are as they should be.
"""

import sys
from collections.abc import Iterator

import django

if __name__ == "__main__":
    django.setup()

from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.http import HttpRequest
from django.test import Client
from django.test.utils import setup_test_environment
from django.urls import reverse

from executions import services as executions
from tests.factories import ExecutionFactory, MembershipFactory, WorkflowFactory
from workspaces import secrets, services, speakers, tokens


def fill() -> None:
    """A row of each kind."""
    membership = MembershipFactory.create()
    workspace, user = membership.workspace, membership.user
    executions.cancel(execution=ExecutionFactory.create(workflow=WorkflowFactory.create(workspace=workspace)))
    with speakers.command("plain"):
        services.create_task(workspace_id=workspace.pk, title="Call", assignee=user)
    services.notify(workspace_id=workspace.pk, recipient=user, message="Done")
    secrets.put(workspace=workspace, name="KEY", value="a value of it")
    tokens.issue(user=user, name="ci", scopes=["read"], workspace=workspace)
    Group.objects.create(name="Clerks")


def addresses(request: HttpRequest) -> Iterator[str]:
    """The start page, and of each model the list, the page on which one is added, and those of a row."""
    yield reverse("admin:index")
    for model, model_admin in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        key = model._default_manager.values_list("pk", flat=True).first()
        yield reverse(f"{name}_changelist")
        yield from (reverse(f"{name}_{page}", args=[key]) for page in ("change", "history"))
        if model_admin.has_add_permission(request):
            yield reverse(f"{name}_add")


def answers() -> Iterator[tuple[int, str]]:
    client = Client()
    yield client.get(reverse("admin:login")).status_code, reverse("admin:login")
    request = HttpRequest()
    request.user = User.objects.get(is_superuser=True)
    client.force_login(request.user)
    for address in addresses(request):
        yield client.get(address).status_code, address


def main() -> int:
    setup_test_environment()
    call_command("migrate", verbosity=0)
    User.objects.create_superuser("root")
    fill()
    given = list(answers())
    print(*(f"{status} {address}" for status, address in given), sep="\n")
    themed = sorted({name.split(".")[0] for name in sys.modules} & {"unfold"})
    print("imported:", *themed)
    return int(bool(themed) or {status for status, _ in given} != {200})


if __name__ == "__main__":
    sys.exit(main())
