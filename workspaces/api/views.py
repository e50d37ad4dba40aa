from typing import Any, ClassVar

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from workspaces import services, tokens
from workspaces.access import NotAllowed, Verb, workspaces_of
from workspaces.api.base import CallerView, EntryView, by_id
from workspaces.api.filters import NotificationFilters, TaskFilters
from workspaces.api.operations import Operation, holding, page_of
from workspaces.api.serializers import (
    MemberInput,
    MemberSerializer,
    NotificationSerializer,
    RoleInput,
    TaskInput,
    TaskSerializer,
    TokenInput,
    TokenSerializer,
    WorkspaceChange,
    WorkspaceSerializer,
)
from workspaces.models import ApiToken, Membership, Notification, Role, Scope, Task, Workspace
from workspaces.representation import (
    member_json,
    notification_json,
    task_json,
    token_json,
    workspace_json,
)

WORKSPACE = holding("WorkspaceEnvelope", workspace=WorkspaceSerializer())
MEMBER = holding("MemberEnvelope", member=MemberSerializer())
ISSUED = holding("IssuedToken", token=TokenSerializer(), text=serializers.CharField(help_text="To send as Bearer."))
TOKENS = page_of("tokens", TokenSerializer)
TASK = holding("TaskEnvelope", task=TaskSerializer())
NOTIFICATION = holding("NotificationEnvelope", notification=NotificationSerializer())


class WorkspaceListViews(CallerView):
    """The workspaces that the caller reaches."""

    tag = "workspaces"
    operations: ClassVar = {
        "list": Operation(
            "listWorkspaces", "The workspaces that the caller reaches", Verb.READ,
            page_of("workspaces", WorkspaceSerializer),
        ),
    }  # fmt: skip
    queryset = Workspace.objects.none()
    envelope = "workspaces"

    def list(self, request: Request, **_: Any) -> Response:
        reached = workspaces_of(self.caller).select_related("organization").order_by("name", "pk")
        return self.listed(lambda found: workspace_json(found, Role(found.role)), reached)


class WorkspaceViews(EntryView):
    tag = "workspaces"
    operations: ClassVar = {
        "retrieve": Operation("readWorkspace", "One workspace, and the caller's role in it", Verb.READ, WORKSPACE),
        "change": Operation(
            "changeWorkspace", "Changes its limit, and how long it keeps executions", Verb.ADMIN, WORKSPACE,
            WorkspaceChange,
        ),
    }  # fmt: skip

    def retrieve(self, request: Request, **_: Any) -> Response:
        return Response({"workspace": workspace_json(self.workspace, self.entry.role)})

    def change(self, request: Request, **_: Any) -> Response:
        changed = services.set_limits(workspace=self.workspace, **self.given())
        return Response({"workspace": workspace_json(changed, self.entry.role)})


class MemberViews(EntryView):
    """Who is in the workspace. The organization's owner reaches it without being a member."""

    tag = "members"
    operations: ClassVar = {
        "list": Operation(
            "listMembers", "Who is in the workspace", Verb.READ, page_of("members", MemberSerializer),
            description="The organization's owner reaches it without being a member.",
        ),
        "create": Operation(
            "addMember", "Adds a member", Verb.ADMIN, MEMBER, MemberInput, 201, errors=(409,),
            description="Owners are added, changed and removed by owners alone.",
        ),
        "retrieve": Operation("readMember", "One member", Verb.READ, MEMBER),
        "change": Operation("changeMember", "Gives a member another role", Verb.ADMIN, MEMBER, RoleInput),
        "remove": Operation("removeMember", "Removes a member", Verb.ADMIN, None, status=204),
    }  # fmt: skip
    queryset = Membership.objects.none()
    envelope = "members"

    def get_queryset(self) -> QuerySet[Membership]:
        return Membership.objects.filter(workspace=self.workspace).select_related("user").order_by("created_at", "pk")

    def list(self, request: Request, **_: Any) -> Response:
        return self.listed(member_json)

    def create(self, request: Request, **_: Any) -> Response:
        given = self.given()
        role = self._granted(Role(given["role"]))
        membership = services.add_member(workspace=self.workspace, user=_user(given["user"]), role=role)
        location = f"{request.path.rstrip('/')}/{membership.id}"
        return Response({"member": member_json(membership)}, 201, headers={"Location": location})

    def retrieve(self, request: Request, id: str, **_: Any) -> Response:
        return Response({"member": member_json(by_id(self.get_queryset(), id))})

    def change(self, request: Request, id: str, **_: Any) -> Response:
        membership = by_id(self.get_queryset(), id)
        role = self._granted(Role(self.given()["role"]), over=membership)
        return Response({"member": member_json(services.change_role(membership=membership, role=role))})

    def remove(self, request: Request, id: str, **_: Any) -> Response:
        membership = by_id(self.get_queryset(), id)
        self._granted(Role.GUEST, over=membership)
        services.remove_member(membership=membership)
        return Response(status=204)

    def _granted(self, role: Role, *, over: Membership | None = None) -> Role:
        """The role, if the caller may give it and take what is there now: owners are owners' business."""
        if Role.OWNER in (role, over and over.role):
            self.entry.require(Verb.OWN)
        return role


class TokenViews(CallerView):
    """Tokens are made, listed and revoked; none is changed."""

    tag = "tokens"
    queryset = ApiToken.objects.none()
    envelope = "tokens"

    def list(self, request: Request, **_: Any) -> Response:
        return self.listed(token_json)

    def revoke(self, request: Request, id: str, **_: Any) -> Response:
        tokens.revoke(token=by_id(self.get_queryset(), id))
        return Response(status=204)

    def issued(self, *, workspace: Workspace | None) -> Response:
        """To the caller. One that a token asks for can do no more than that one, and no longer."""
        given = self.given()
        scopes = given.get("scopes") or [Scope.READ, Scope.EXECUTE]
        own = self.caller.token
        if own and (beyond := set(scopes) - own.scope_set):
            raise NotAllowed(f"This token can't give scopes that it lacks: {', '.join(sorted(beyond))}.")
        latest = own.expires_at if own else None
        unless_given = timezone.now() + tokens.DEFAULT_LIFE
        expires_at = given.get("expiresAt", min(unless_given, latest) if latest else unless_given)
        if latest and (expires_at is None or expires_at > latest):
            raise NotAllowed("This token can't make one that outlives it.")
        token, text = tokens.issue(
            user=self.caller.user, name=given["name"], scopes=scopes, workspace=workspace, expires_at=expires_at
        )
        location = f"{self.request.path.rstrip('/')}/{token.id}"
        return Response({"token": token_json(token), "text": text}, 201, headers={"Location": location})


class WorkspaceTokenViews(TokenViews, EntryView):
    """The tokens that open this workspace alone. Each speaks for whoever made it."""

    operations: ClassVar = {
        "list": Operation(
            "listWorkspaceTokens", "The tokens that open this workspace alone", Verb.ADMIN, TOKENS
        ),
        "create": Operation(
            "createWorkspaceToken", "Makes a token that speaks for the caller", Verb.ADMIN, ISSUED, TokenInput, 201,
            description="Its text is shown this once.",
        ),
        "revoke": Operation("revokeWorkspaceToken", "Revokes a token", Verb.ADMIN, None, status=204),
    }  # fmt: skip

    def get_queryset(self) -> QuerySet[ApiToken]:
        found = ApiToken.objects.filter(workspace=self.workspace)
        return found.select_related("user").order_by("created_at", "pk")

    def create(self, request: Request, **_: Any) -> Response:
        return self.issued(workspace=self.workspace)


class OwnTokenViews(TokenViews):
    """The caller's own tokens, those that open every workspace of his too."""

    operations: ClassVar = {
        "list": Operation(
            "listOwnTokens", "The caller's own tokens", Verb.ADMIN, TOKENS
        ),
        "create": Operation(
            "createOwnToken", "Makes a token that speaks for the caller", Verb.ADMIN, ISSUED, TokenInput, 201,
            description="Its text is shown this once. It opens each of the caller's workspaces.",
        ),
        "revoke": Operation("revokeOwnToken", "Revokes a token", Verb.ADMIN, None, status=204),
    }  # fmt: skip

    def get_queryset(self) -> QuerySet[ApiToken]:
        """A token that is bound to a workspace sees no further than that."""
        own = ApiToken.objects.filter(user=self.caller.user).select_related("user").order_by("created_at", "pk")
        token = self.caller.token
        return own.filter(workspace=token.workspace_id) if token and token.workspace_id else own

    def create(self, request: Request, **_: Any) -> Response:
        if self.caller.token and self.caller.token.workspace_id:
            raise NotAllowed("This token opens one workspace, and can't make one that opens all; sign in for that.")
        return self.issued(workspace=None)


class TaskViews(EntryView):
    tag = "tasks"
    operations: ClassVar = {
        "list": Operation("listTasks", "The tasks of a workspace", Verb.READ, page_of("tasks", TaskSerializer)),
        "retrieve": Operation("readTask", "One task", Verb.READ, TASK),
        "change": Operation("changeTask", "Sets a task's status", Verb.EXECUTE, TASK, TaskInput),
    }
    queryset = Task.objects.none()
    filterset_class = TaskFilters
    envelope = "tasks"

    def get_queryset(self) -> QuerySet[Task]:
        return Task.objects.filter(workspace=self.workspace).select_related("assignee")

    def list(self, request: Request, **_: Any) -> Response:
        return self.listed(task_json)

    def retrieve(self, request: Request, id: str, **_: Any) -> Response:
        return Response({"task": task_json(by_id(self.get_queryset(), id))})

    def change(self, request: Request, id: str, **_: Any) -> Response:
        task = by_id(self.get_queryset(), id)
        return Response({"task": task_json(services.set_task_status(task=task, **self.given()))})


class NotificationViews(EntryView):
    """What was sent to the caller in this workspace; nobody sees another's."""

    tag = "notifications"
    operations: ClassVar = {
        "list": Operation(
            "listNotifications", "What was sent to the caller", Verb.READ,
            page_of("notifications", NotificationSerializer),
        ),
        "retrieve": Operation("readNotification", "One notification", Verb.READ, NOTIFICATION),
        "read": Operation("markNotificationRead", "Marks a notification as read", Verb.ATTEND, NOTIFICATION),
        "read_all": Operation(
            "markNotificationsRead", "Marks all of the caller's as read", Verb.ATTEND,
            holding("Marked", marked=serializers.IntegerField(min_value=0)),
        ),
    }  # fmt: skip
    queryset = Notification.objects.none()
    filterset_class = NotificationFilters
    envelope = "notifications"

    def get_queryset(self) -> QuerySet[Notification]:
        return Notification.objects.filter(workspace=self.workspace, recipient=self.caller.user)

    def list(self, request: Request, **_: Any) -> Response:
        return self.listed(notification_json)

    def retrieve(self, request: Request, id: str, **_: Any) -> Response:
        return Response({"notification": notification_json(by_id(self.get_queryset(), id))})

    def read(self, request: Request, id: str, **_: Any) -> Response:
        notification = by_id(self.get_queryset(), id)
        services.mark_read(self.get_queryset().filter(pk=notification.pk))
        notification.refresh_from_db()
        return Response({"notification": notification_json(notification)})

    def read_all(self, request: Request, **_: Any) -> Response:
        return Response({"marked": services.mark_read(self.get_queryset())})


def _user(reference: str) -> User:
    try:
        return services.user(reference=reference)
    except services.NoSuchUser as error:
        raise ValidationError({"user": [str(error)]}) from error
