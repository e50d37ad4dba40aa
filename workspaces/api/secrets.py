"""Secrets over the API: set, listed by name, removed."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from workspaces import audit, secrets
from workspaces.access import Verb
from workspaces.api.base import EntryView
from workspaces.api.operations import Operation, holding, page_of
from workspaces.api.serializers import SecretInput, SecretSerializer
from workspaces.models import Action, Secret
from workspaces.representation import secret_json

SECRET = holding("SecretEnvelope", secret=SecretSerializer())


class SecretViews(EntryView):
    """What configs name as `{{ secrets.NAME }}`. Who changes workflows sees the names, and nobody the values."""

    tag = "secrets"
    operations: ClassVar = {
        "list": Operation(
            "listSecrets", "The names of the workspace's secrets", Verb.WRITE, page_of("secrets", SecretSerializer)
        ),
        "write": Operation(
            "putSecret", "Sets a secret, or gives it another value", Verb.ADMIN, SECRET, SecretInput,
            also={201: SECRET}, description="201 for a new one. No answer holds its value, neither this nor any other.",
        ),
        "remove": Operation("removeSecret", "Removes a secret", Verb.ADMIN, None, status=204),
    }  # fmt: skip
    queryset = Secret.objects.none()
    envelope = "secrets"
    http_method_names: Any = ("get", "head", "put", "delete")

    def get_queryset(self) -> QuerySet[Secret]:
        return Secret.objects.filter(workspace=self.workspace).order_by("name")

    def list(self, request: Request, **_: Any) -> Response:
        audit.record(Action.SECRET_LIST, None, workspace_id=self.workspace.pk)
        return self.listed(secret_json)

    # Not `put`: a list would answer to that too, as it is a method of HTTP.
    def write(self, request: Request, name: str, **_: Any) -> Response:
        secret, is_new = secrets.put(workspace=self.workspace, name=name, **self.given())
        return Response({"secret": secret_json(secret)}, 201 if is_new else 200)

    def remove(self, request: Request, name: str, **_: Any) -> Response:
        secrets.remove(secret=secrets.named(self.get_queryset(), name))
        return Response(status=204)
