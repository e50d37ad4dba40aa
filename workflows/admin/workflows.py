from django.contrib import admin

from workflows.models import Workflow, WorkflowVersion
from workspaces.admin.reach import ByRole


@admin.register(Workflow)
class WorkflowAdmin(ByRole):
    list_display = ("name", "workspace", "status", "version", "execution_count", "success_count", "failure_count")
    list_filter = ("status", "workspace")
    list_select_related = ("workspace", "version")
    search_fields = ("name", "description")


@admin.register(WorkflowVersion)
class WorkflowVersionAdmin(ByRole):
    workspace_lookup = "workflow__workspace"
    list_display = ("__str__", "workflow", "created_by", "created_at")
    list_select_related = ("workflow", "created_by")
