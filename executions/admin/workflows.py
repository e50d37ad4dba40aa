"""The page of a workflow, as far as it runs: how it fared, and Run now."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from executions import services
from executions.admin.charts import charts
from executions.admin.runs import RunForm
from executions.durations import duration
from executions.models import Execution
from executions.statistics import recent, steps_of
from workflows.admin.columns import NONE
from workflows.admin.workflows import View, WorkflowPage, page_of
from workflows.models import Workflow, WorkflowStatus
from workspaces.access import Verb
from workspaces.admin.badges import badge

LATEST = 10
DOCUMENTS = ("trigger_data", "variables", "error")


@admin.register(Workflow)
class WorkflowAdmin(WorkflowPage):
    page_template = "admin/workflows/workflow/page_with_runs.html"
    list_display: Any = (*WorkflowPage.list_display[:-1], "average", "created")

    @admin.display(description="average duration")
    def average(self, workflow: Workflow) -> str:
        worked = workflow.success_count + workflow.failure_count
        return duration(workflow.total_duration_ms / worked / 1000) if worked else NONE

    def page_urls(self) -> dict[str, tuple[str, View]]:
        mine: dict[str, tuple[str, View]] = {
            "run": ("<uuid:pk>/run/", self.run_view),
            "charts": ("<uuid:pk>/charts/", require_safe(self.charts_view)),
        }
        return {**super().page_urls(), **mine}

    def page_context(self, request: HttpRequest, workflow: Workflow) -> dict[str, Any]:
        is_active = workflow.status == WorkflowStatus.ACTIVE
        may_run = self.may_run(request, workflow) and workflow.status != WorkflowStatus.ARCHIVED
        return {
            **super().page_context(request, workflow),
            "average": self.average(workflow),
            "latest": _latest(workflow),
            "may_run": may_run,
            "is_active": is_active,
            "variable_names": ", ".join(_variables(workflow))[:200],
            "run": RunForm(dry_run=not is_active),
        }

    def may_run(self, request: HttpRequest, workflow: Workflow) -> bool:
        return self.may_by(request, Verb.EXECUTE, "workflows.execute_workflow", workflow)

    def run_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        workflow = self.reached(request, pk)
        if not self.may_run(request, workflow):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseRedirect(f"{page_of(workflow)}#run-now")
        form = RunForm.of(request.POST)
        given = form.start()
        started = None if form.faults else self._started(request, workflow, form, given)
        if started is None:
            return self.page(request, workflow, run=form)
        return HttpResponseRedirect(reverse("admin:executions_execution_change", args=[started.pk]))

    def charts_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """A page of its own; with `?fragment` only what the workflow's page puts into itself."""
        workflow = self.reached(request, pk)
        if not self.has_view_permission(request, workflow):
            raise PermissionDenied
        drawn = charts(recent(workflow, timezone.now()), *steps_of(workflow))
        context: dict[str, Any] = {"workflow": workflow, "charts": drawn}
        if "fragment" in request.GET:
            return TemplateResponse(request, "admin/workflows/charts/charts.html", context)
        site = {**self.admin_site.each_context(request), "opts": self.opts, "original": workflow, "title": "Charts"}
        return TemplateResponse(request, "admin/workflows/charts/page.html", {**site, **context})

    def _started(
        self, request: HttpRequest, workflow: Workflow, form: RunForm, given: dict[str, Any]
    ) -> Execution | None:
        """None when it wasn't; why is in the form."""
        by: Any = request.user
        try:
            with transaction.atomic():
                started = services.start_once(workflow=workflow, triggered_by=by, **given)
                if not started.is_replay:
                    self.log_addition(request, started.execution, _told(started.execution))
                    self.log_change(request, workflow, f"Run: {started.execution}.")
        except (services.NotActive, services.InvalidIdempotencyKey) as refused:
            form.refuse(str(refused))
        except services.IdempotencyConflict:
            form.refuse("This form has started an execution before, with other data. Run now starts another one.")
        else:
            if started.is_replay:
                messages.info(request, "It had been started already; nothing was started twice.")
            else:
                messages.success(request, "Started.")
            return started.execution
        return None


def _variables(workflow: Workflow) -> list[str]:
    return list(workflow.version.definition.get("variables", {})) if workflow.version else []


def _told(execution: Execution) -> str:
    return f"Started{' as a dry run' if execution.is_simulation else ''} from its workflow's page."


def _latest(workflow: Workflow) -> list[dict[str, Any]]:
    # Found by their times alone, which an index has in order, and only then ordered and read.
    found = Execution.objects.filter(workflow=workflow).order_by("-created_at").values("pk")[:LATEST]
    rows = Execution.objects.filter(pk__in=found).select_related("triggered_by").defer(*DOCUMENTS).newest_first()
    return [
        {
            "execution": execution,
            "badge": badge(execution.status),
            "took": None if execution.duration_ms is None else duration(execution.duration_ms / 1000),
        }
        for execution in rows
    ]
