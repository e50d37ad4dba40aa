"""The list of executions: what each of them shows, and what may be done with several at once."""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from executions.admin import columns
from executions.admin.bulk import Cancelling, RunningAgain
from executions.admin.changelist import ExecutionChangeList
from executions.admin.confirming import confirm_or_do, outcome
from executions.models import Execution
from workspaces.access import Verb
from workspaces.admin.reach import ByRole

PER_PAGE = 50
NOBODY = UUID(int=0)


class ExecutionList(ByRole):
    change_list_template = "admin/executions/execution/change_list.html"
    list_display: ClassVar[Any] = ("state", "name", "in_workspace", "trigger", "started", "took", "progress")
    list_display_links = ("name",)
    list_per_page = PER_PAGE
    sortable_by = ()
    show_full_result_count = False
    actions: ClassVar[Any] = ("cancel_selected", "run_again_selected")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ExecutionChangeList]:
        return ExecutionChangeList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        titled = {"title": "Executions", **(extra_context or {})}
        response: HttpResponse = super().changelist_view(request, titled)
        return response

    def get_urls(self) -> list[URLPattern]:
        mine = path("outcome/", self.admin_site.admin_view(self.outcome_view), name="executions_execution_outcome")
        return [mine, *super().get_urls()]

    def has_cancel_permission(self, request: HttpRequest, obj: Execution | None = None) -> bool:
        return self.may_by(request, Verb.EXECUTE, "executions.cancel_execution", obj)

    def has_run_again_permission(self, request: HttpRequest, obj: Execution | None = None) -> bool:
        return self.may_by(request, Verb.EXECUTE, "workflows.execute_workflow", obj)

    @admin.action(description="Cancel selected…", permissions=["cancel"])
    def cancel_selected(self, request: HttpRequest, rows: QuerySet[Execution]) -> HttpResponse:
        return confirm_or_do(Cancelling(self, request), self._chosen(request, rows))

    @admin.action(description="Run selected again…", permissions=["run_again"])
    def run_again_selected(self, request: HttpRequest, rows: QuerySet[Execution]) -> HttpResponse:
        return confirm_or_do(RunningAgain(self, request), self._chosen(request, rows))

    def _chosen(self, request: HttpRequest, rows: QuerySet[Execution]) -> QuerySet[Execution]:
        """What was selected or, of all that the list shows on its pages, the first."""
        if request.POST.get("select_across") != "1":
            return rows
        return rows.filter(pk__in=self.get_changelist_instance(request).first_ids())

    def outcome_view(self, request: HttpRequest) -> HttpResponse:
        return outcome(self, request)

    def action_checkbox(self, obj: Execution) -> SafeString:
        """The theme's, rendered once for all rows: it takes as long as the rest of a row."""
        return format_html("{}{}{}", self._checkbox[0], obj.pk, self._checkbox[1])

    @cached_property
    def _checkbox(self) -> list[SafeString]:
        rendered: str = super().action_checkbox(Execution(pk=NOBODY))
        return [mark_safe(part) for part in rendered.split(str(NOBODY))]  # noqa: S308 (the theme's own)

    @admin.display(description="Execution")
    def name(self, execution: Execution) -> SafeString:
        return columns.name(execution)

    @admin.display(description="Status")
    def state(self, execution: Execution) -> SafeString:
        return columns.status(execution)

    @admin.display(description="Workspace")
    def in_workspace(self, execution: Execution) -> str:
        return execution.workspace.name

    @admin.display(description="Trigger, who")
    def trigger(self, execution: Execution) -> SafeString:
        return columns.trigger(execution)

    @admin.display(description="Started (UTC)")
    def started(self, execution: Execution) -> SafeString:
        return columns.started(execution)

    @admin.display(description="Duration")
    def took(self, execution: Execution) -> str | SafeString:
        return columns.took(execution)

    @admin.display(description="Progress")
    def progress(self, execution: Execution) -> SafeString:
        return columns.progress(execution)
