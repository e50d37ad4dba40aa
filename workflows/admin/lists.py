"""The list of workflows."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from workflows.admin.columns import counted, moment, rate
from workflows.models import Workflow
from workspaces.access import Verb
from workspaces.admin.badges import badge
from workspaces.admin.filters import WorkspaceFilter
from workspaces.admin.reach import ByRole


class WorkflowList(ByRole):
    """All its figures are the workflow's own counters."""

    add_verb = Verb.WRITE
    change_verb = Verb.WRITE
    list_display: Any = ("name", "workspace", "state", "current", "last_run", "runs", "success", "created")
    list_filter: Any = ("status", ("workspace", WorkspaceFilter))
    list_select_related: Any = ("workspace", "version")
    list_per_page = 50
    search_fields: Any = ("name",)
    search_help_text = "By name."
    ordering: Any = ("-created_at",)
    sortable_by: Any = ("name", "created")
    actions: Any = None

    @admin.display(description="status")
    def state(self, workflow: Workflow) -> SafeString:
        return badge(workflow.status)

    @admin.display(description="version")
    def current(self, workflow: Workflow) -> int | None:
        return workflow.version.number if workflow.version else None

    @admin.display(description="last run (UTC)")
    def last_run(self, workflow: Workflow) -> str:
        return moment(workflow.last_executed_at)

    @admin.display(description="executions")
    def runs(self, workflow: Workflow) -> str:
        return counted(workflow.execution_count)

    @admin.display(description="success rate")
    def success(self, workflow: Workflow) -> str:
        return rate(workflow)

    @admin.display(description="created (UTC)", ordering="created_at")
    def created(self, workflow: Workflow) -> str:
        return moment(workflow.created_at)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Workflow]:
        return super().get_queryset(request).defer("version__definition")
