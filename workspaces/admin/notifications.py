from django.contrib import admin

from workspaces.admin.reach import ByRole
from workspaces.models import Notification


@admin.register(Notification)
class NotificationAdmin(ByRole):
    list_display = ("__str__", "recipient", "workspace", "read_at", "created_at")
    list_filter = ("workspace",)
    list_select_related = ("workspace", "recipient")
    search_fields = ("title", "message")
    autocomplete_fields = ("workspace", "recipient")
    readonly_fields = ("execution_id", "step_path", "mailed_at", "created_at")
