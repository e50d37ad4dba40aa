from django.contrib import admin
from django.http import HttpRequest

from workflows.models import Workflow, WorkflowVersion


class ReadOnly:
    """For what isn't made by hand: definitions are saved through the services, which check them."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Workflow)
class WorkflowAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("name", "workspace", "status", "version", "execution_count", "success_count", "failure_count")
    list_filter = ("status", "workspace")
    list_select_related = ("workspace", "version")
    search_fields = ("name", "description")


@admin.register(WorkflowVersion)
class WorkflowVersionAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("__str__", "workflow", "created_by", "created_at")
    list_select_related = ("workflow", "created_by")
