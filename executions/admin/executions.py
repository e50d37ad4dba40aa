from django.contrib import admin

from executions.models import Execution
from workspaces.admin.reach import ByRole


@admin.register(Execution)
class ExecutionAdmin(ByRole):
    list_display = ("id", "workflow", "workspace", "status", "trigger_type", "started_at", "completed_at")
    list_filter = ("status",)
    list_select_related = ("workflow", "workspace")
    ordering = ("-created_at",)
    show_full_result_count = False
