"""The page of one execution: what it does or did, step by step; from here it is cancelled and run again."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from executions import services
from executions.admin.documents import bounded, limit_for, pretty
from executions.admin.sections import Sections
from executions.admin.steps import PARTS
from executions.models import Execution, Step
from executions.representation import error_json, step_json
from executions.states import TransitionNotAllowed
from executions.stream.handing import position_of, stream_of
from executions.stream.passes import Holder
from workflows.documents import Json
from workflows.models import WorkflowVersion
from workspaces.access import Verb
from workspaces.admin.reach import ByRole, reach_of
from workspaces.admin.wary import NUL
from workspaces.models import Notification, Task

TEMPLATES = "admin/executions/execution"
MOST_MADE = 50
RELATED = ("version", "workflow__version", "workspace", "triggered_by")
LARGE = ("version__definition", "workflow__version__definition")


class ExecutionPage(ByRole):
    """Nobody changes an execution by hand, so its page has no form."""

    def get_urls(self) -> list[URLPattern]:
        views = {
            "cancel": ("<uuid:pk>/cancel/", require_POST(self.cancel_view)),
            "again": ("<uuid:pk>/again/", require_POST(self.again_view)),
            "resume": ("<uuid:pk>/resume/", require_POST(self.resume_view)),
            "stream": ("<uuid:pk>/stream/", require_safe(self.stream_view)),
            "document": ("<uuid:pk>/<str:part>.json", require_safe(self.document_view)),
            "step_document": ("<uuid:pk>/steps/<str:step>/<str:part>.json", require_safe(self.document_view)),
        }
        mine = [
            path(route, self.admin_site.admin_view(view), name=f"executions_execution_{name}")
            for name, (route, view) in views.items()
        ]
        return [*mine, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """All of the page; with `?fragment` what changes in it, the steps only as far as they changed `since`."""
        if request.method not in {"GET", "HEAD"}:
            raise PermissionDenied
        execution = self.addressed(self._shown(request), object_id)
        if execution is None:
            found: HttpResponseRedirect = self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
            return found
        context = self._context(request, execution)
        if "fragment" in request.GET:
            return TemplateResponse(request, f"{TEMPLATES}/fragment.html", context)
        site = {**self.admin_site.each_context(request), "opts": self.opts, "original": execution, "title": "Execution"}
        return TemplateResponse(request, f"{TEMPLATES}/execution.html", {**site, **context, **(extra_context or {})})

    def cancel_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        execution = self._found(request, pk)
        if not self.may_cancel(request, execution):
            raise PermissionDenied
        try:
            services.cancel(execution=execution, by=_user(request))
        except TransitionNotAllowed as refused:
            messages.warning(request, f"It wasn't cancelled: it had ended before, as {refused.current}.")
        else:
            self.log_change(request, execution, "Cancelled.")
            messages.success(request, "The execution was cancelled.")
        return HttpResponseRedirect(_page_of(execution))

    def again_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        execution = self._found(request, pk)
        if not self.may_run(request, execution):
            raise PermissionDenied
        latest = request.POST.get("latest") == "1"
        try:
            again = services.run_again(execution=execution, latest=latest, by=_user(request))
        except services.NotActive as refused:
            messages.error(request, str(refused))
            return HttpResponseRedirect(_page_of(execution))
        self.log_addition(request, again, f"Run again, with the data of {execution} and {again.version}.")
        messages.success(request, f"Started again, with {again.version}. This is the new execution.")
        return HttpResponseRedirect(_page_of(again))

    def resume_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        execution = self._found(request, pk)
        if not self.may_run(request, execution):
            raise PermissionDenied
        try:
            resumed, is_replay = services.resume(execution=execution, by=_user(request))
        except Execution.DoesNotExist as gone:
            raise Http404 from gone
        except (services.NotActive, services.NotResumable) as refused:
            messages.error(request, str(refused))
            return HttpResponseRedirect(_page_of(execution))
        if is_replay:
            messages.info(request, "It was resumed before. This is the execution that goes on with it.")
        else:
            self.log_addition(request, resumed, f"Resumed from {execution}.")
            messages.success(request, "Resumed. This is the new execution.")
        return HttpResponseRedirect(_page_of(resumed))

    def document_view(self, request: HttpRequest, pk: UUID, part: str, step: str | None = None) -> HttpResponseBase:
        """One document, whole and indented; never HTML, whatever is in it."""
        execution = self._found(request, pk)
        tracebacks = self.sees_tracebacks(request, execution)
        parts = _of_step(execution, step, tracebacks) if step else _of_execution(execution, tracebacks)
        if part not in parts:
            raise Http404
        name = "-".join([str(pk), *([step] if step else []), part])
        headers = {"Content-Disposition": f'inline; filename="{name}.json"', "X-Content-Type-Options": "nosniff"}
        return HttpResponse(pretty(parts[part]), content_type="application/json; charset=utf-8", headers=headers)

    def stream_view(self, request: HttpRequest, pk: UUID) -> HttpResponseBase:
        """As the API streams it, to whoever may see this page: a superuser needn't be of the workspace."""
        execution = self._found(request, pk)
        return stream_of(request, execution, Holder(_user(request).pk, None, execution.workspace_id, in_admin=True))

    def may_cancel(self, request: HttpRequest, execution: Execution) -> bool:
        return self.may_by(request, Verb.EXECUTE, "executions.cancel_execution", execution)

    def may_run(self, request: HttpRequest, execution: Execution) -> bool:
        return self.may_by(request, Verb.EXECUTE, "workflows.execute_workflow", execution)

    def sees_tracebacks(self, request: HttpRequest, execution: Execution) -> bool:
        return self.may(request, Verb.ADMIN, execution)

    def _reached(self, request: HttpRequest) -> QuerySet[Execution]:
        rows = Execution.objects.select_related(*RELATED).defer(*LARGE)
        return reach_of(request).within(rows, self.workspace_lookup, self.view_verb)

    def _shown(self, request: HttpRequest) -> QuerySet[Execution]:
        return bounded(self._reached(request), ("trigger_data", "variables"), limit_for(1))

    def _found(self, request: HttpRequest, pk: UUID) -> Execution:
        return get_object_or_404(self._reached(request), pk=pk)

    def _context(self, request: HttpRequest, execution: Execution) -> dict[str, Any]:
        now = timezone.now()
        sections = Sections(execution, now, tracebacks=self.sees_tracebacks(request, execution))
        return {
            **sections.context(position_of(request.GET.get("since", ""))),
            "tasks": self._made(request, Task, execution),
            "notifications": self._made(request, Notification, execution),
            "can_cancel": not execution.has_ended and self.may_cancel(request, execution),
            "can_run": self.may_run(request, execution),
            "stream": "" if execution.has_ended else reverse("admin:executions_execution_stream", args=[execution.pk]),
            "page": _page_of(execution),
            "version_page": self._version_page(request, execution.version),
        }

    def _version_page(self, request: HttpRequest, version: WorkflowVersion) -> str:
        """Where this one may read the definition that ran; empty if he mayn't."""
        site = self.admin_site
        if not site.is_registered(WorkflowVersion):
            return ""
        may = site.get_model_admin(WorkflowVersion).has_view_permission(request)
        return reverse("admin:workflows_workflowversion_change", args=[version.pk]) if may else ""

    def _made(self, request: HttpRequest, model: type[Any], execution: Execution) -> list[Any]:
        """What the execution made for people, as far as this one may see it."""
        admin = self.admin_site.get_model_admin(model)
        if not admin.has_view_permission(request):
            return []
        return list(admin.get_queryset(request).filter(execution_id=execution.pk).order_by("created_at")[:MOST_MADE])


def _user(request: HttpRequest) -> Any:
    """Nobody gets here who hasn't signed in."""
    return request.user


def _page_of(execution: Execution) -> str:
    return reverse("admin:executions_execution_change", args=[execution.pk])


def _of_execution(execution: Execution, tracebacks: bool) -> dict[str, Json]:
    return {
        "trigger": execution.trigger_data,
        "variables": execution.variables,
        "error": error_json(execution.error, traceback=tracebacks),
    }


def _of_step(execution: Execution, step_path: str, tracebacks: bool) -> dict[str, Json]:
    if NUL in step_path:
        raise Http404
    step = get_object_or_404(Step, execution=execution, path=step_path)
    shown = step_json(step, traceback=tracebacks)
    return {part: shown[part] for part in PARTS}
