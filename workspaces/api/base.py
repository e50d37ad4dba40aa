"""What every view of the API stands on: who calls, which workspace it is about, and whether the caller may."""

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, cast
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from workspaces.access import Caller, Entry, Verb, enter
from workspaces.api.filtering import refuse_unknown
from workspaces.api.operations import Operation
from workspaces.api.throttles import CallerThrottle, WorkspaceThrottle
from workspaces.models import ID_PATTERN, ApiToken, Workspace


def caller_of(request: Request) -> Caller:
    """Of a request that IsAuthenticated has let through."""
    return Caller(cast(User, request.user), cast(ApiToken | None, request.auth))


def verb_of(request: Request, view: Any) -> Verb | None:
    """What the request takes; None for a method that the view doesn't have, which is answered with 405."""
    action = view.action_map.get(str(request.method).lower())
    return view.operations[action].verb if action else None


class CallerPermission(BasePermission):
    """Where no workspace is in the path: the caller's token needs the scope of the view's verb."""

    def has_permission(self, request: Request, view: Any) -> bool:
        view.caller = caller_of(request)
        if verb := verb_of(request, view):
            view.caller.require_scope(verb)
        return True


class EntryPermission(BasePermission):
    """Leads into the workspace of the path. One out of reach is missing, before anything is said of what is in it."""

    def has_permission(self, request: Request, view: Any) -> bool:
        view.caller = caller_of(request)
        view.entry = enter(view.caller, view.kwargs["workspace"])
        if verb := verb_of(request, view):
            view.entry.require(verb)
        return True


class CallerView(GenericViewSet[Any]):
    """A view for whoever is authenticated. `operations` has what each of its actions takes and gives."""

    operations: ClassVar[Mapping[str, Operation]]
    tag: ClassVar[str]
    caller: Caller
    permission_classes: Any = [IsAuthenticated, CallerPermission]
    throttle_classes: Any = []
    http_method_names: Any = ("get", "head", "post", "patch", "delete")

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Lists know their parameters from their filters, everything else from its operation."""
        super().initial(request, *args, **kwargs)
        operation = self.operations.get(str(self.action))
        if operation and self.action != "list":
            refuse_unknown(request, operation.query)

    def check_permissions(self, request: Request) -> None:
        """Counts first: what is refused is a request too, but none in a workspace that the caller may not enter."""
        if request.user.is_authenticated and not (throttle := CallerThrottle()).allow_request(request, self):
            self.throttled(request, throttle.wait())
        super().check_permissions(request)

    def listed(self, shown: Callable[[Any], dict[str, Any]], found: QuerySet[Any] | None = None) -> Response:
        """The page that was asked for, filtered and sorted, of what is `found` or else of all that the view is of."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset() if found is None else found))
        return self.get_paginated_response([shown(each) for each in page or ()])

    def given(self) -> dict[str, Any]:
        """The request's body as the operation's serializer validated it; raises its ValidationError."""
        body = self.operations[str(self.action)].body
        if body is None:
            return {}
        checked = body(data=self.request.data)
        checked.is_valid(raise_exception=True)
        return dict(checked.validated_data)


class EntryView(CallerView):
    """A view inside the workspace of its path, which it finds in `entry`."""

    entry: Entry
    permission_classes: Any = [IsAuthenticated, EntryPermission]
    throttle_classes: Any = [WorkspaceThrottle]

    @property
    def workspace(self) -> Workspace:
        return self.entry.workspace


def by_id[M: Model](queryset: QuerySet[M], text: str) -> M:
    """The row with this id. Raises the model's DoesNotExist, also for a text that is no id at all."""
    is_id = re.fullmatch(ID_PATTERN, text, re.ASCII | re.IGNORECASE)
    key: Any = UUID(text) if is_id else None
    return queryset.get(pk=key) if is_id else queryset.none().get()
