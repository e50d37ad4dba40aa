"""Messages to people. Each sees what was sent to himself; nobody but its recipient marks one as read."""

from collections.abc import Iterable
from typing import Any, cast, override

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest

from workspaces import services
from workspaces.admin.filters import WorkspaceFilter
from workspaces.admin.links import execution_link
from workspaces.admin.reach import ByRole, reach_of
from workspaces.models import Notification


class ReadFilter(admin.SimpleListFilter):
    title = "read"
    parameter_name = "read"

    @override
    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [("no", "Unread"), ("yes", "Read")]

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = {"no": True, "yes": False}.get(self.value() or "")
        return queryset if wanted is None else queryset.filter(read_at__isnull=wanted)


@admin.register(Notification)
class NotificationAdmin(ByRole):
    list_display = ("__str__", "recipient", "workspace", "is_read", "made_by", "created_at")
    list_filter = (ReadFilter, ("workspace", WorkspaceFilter))
    list_select_related = ("workspace", "recipient")
    search_fields = ("title", "message")
    fields = ("title", "message", "sent_to", "workspace", "made_by", "created_at", "by_mail", "mailed_at", "read_at")
    readonly_fields = ("sent_to", "made_by")
    ordering = ("-pk",)
    actions = ("mark_read",)

    @admin.display(description="read", boolean=True, ordering="read_at")
    def is_read(self, notification: Notification) -> bool:
        return notification.read_at is not None

    @admin.display(description="recipient")
    def sent_to(self, notification: Notification) -> str:
        """No link: few may follow it."""
        return notification.recipient.get_username()

    @admin.display(description="made by")
    def made_by(self, notification: Notification) -> str:
        return execution_link(notification.execution_id, notification.step_path)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows if _sees_all(request) else rows.filter(recipient=request.user.pk)

    def has_view_permission(self, request: HttpRequest, obj: Notification | None = None) -> bool:
        is_shown = obj is None or _sees_all(request) or obj.recipient_id == request.user.pk
        return is_shown and super().has_view_permission(request, obj)

    @admin.action(description="Mark as read", permissions=["view"])
    def mark_read(self, request: HttpRequest, queryset: QuerySet[Notification]) -> None:
        own = [each for each in queryset if each.recipient == cast(User, request.user) and each.read_at is None]
        marked = services.mark_read(Notification.objects.filter(pk__in=[each.pk for each in own]))
        for each in own:
            self.log_change(request, each, "Marked as read.")
        self.message_user(request, f"{marked} marked as read; only what was sent to you can be.", messages.SUCCESS)


def _sees_all(request: HttpRequest) -> bool:
    return reach_of(request).roles is None
