"""The list of workflows and the page of each: what it does, how it is changed, what it was before."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from workflows import services
from workflows.admin import texts
from workflows.admin.changes import Changes
from workflows.admin.columns import counted, rate
from workflows.admin.editor import FIRST, Editor, drawing_of, editor_of, hints
from workflows.admin.forms import DetailsForm, NewForm
from workflows.models import Workflow, WorkflowStatus, WorkflowVersion
from workspaces.access import Verb
from workspaces.admin.badges import badge, look
from workspaces.admin.reach import reach_of

TEMPLATES = "admin/workflows"
MOST_VERSIONS = 10
RELATED = ("workspace", "version", "created_by")
DONE = {
    WorkflowStatus.ACTIVE: "Activated.", WorkflowStatus.INACTIVE: "Deactivated.", WorkflowStatus.ARCHIVED: "Archived.",
}  # fmt: skip

type View = Callable[..., HttpResponse]


class WorkflowPage(Changes):
    """Not registered here: who runs workflows adds how they fared, and how they are run."""

    page_template = f"{TEMPLATES}/workflow/page.html"

    def get_urls(self) -> list[URLPattern]:
        mine: dict[str, tuple[str, View]] = {"check": ("check/", self.check_view), **self.page_urls()}
        patterns = [
            path(route, self.admin_site.admin_view(view), name=f"workflows_workflow_{name}")
            for name, (route, view) in mine.items()
        ]
        return [*patterns, *super().get_urls()]

    def page_urls(self) -> dict[str, tuple[str, View]]:
        """Names, routes and views of what can be done from the page."""
        return {
            "status": ("<uuid:pk>/status/", require_POST(self.status_view)),
            "details": ("<uuid:pk>/details/", self.details_view),
            "definition": ("<uuid:pk>/definition/", self.definition_view),
        }

    def page_context(self, request: HttpRequest, workflow: Workflow) -> dict[str, Any]:
        """What the page shows beside what is bound to it."""
        version = workflow.version
        editor = editor_of(version.definition if version else {}, version.number if version else None)
        may_change = self.has_change_permission(request, workflow) and workflow.status != WorkflowStatus.ARCHIVED
        return {
            "workflow": workflow,
            "badge": badge(workflow.status),
            "look": look(workflow.status),
            "run_count": counted(workflow.execution_count),
            "success_rate": rate(workflow),
            "drawing": drawing_of(services.definition_of(version.pk), editor.text) if version else None,
            "may_change": may_change,
            "next": _next(workflow) if may_change else [],
            "details": DetailsForm(workflow=workflow),
            "editor": editor,
            "hints": hints() if may_change else [],
            "versions": _versions(workflow),
            "version_count": WorkflowVersion.objects.filter(workflow=workflow).count(),
        }

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method not in {"GET", "HEAD"}:
            raise PermissionDenied
        workflow = self.addressed(self._reached(request), object_id)
        if workflow is None:
            found: HttpResponseRedirect = self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
            return found
        return self.page(request, workflow, **(extra_context or {}))

    def page(self, request: HttpRequest, workflow: Workflow, **bound: Any) -> TemplateResponse:
        """With what was typed, and what was wrong with it, in the place of what is saved."""
        site = {**self.admin_site.each_context(request), "opts": self.opts, "original": workflow, "title": "Workflow"}
        context = {**site, **self.page_context(request, workflow), **bound}
        return TemplateResponse(request, self.page_template, context)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return self._new(request, NewForm(request=request), editor_of(FIRST))
        form = NewForm(request.POST, request=request)
        editor = _typed(request)
        try:
            document = texts.read_definition(editor.text)
        except texts.TextInvalid as error:
            form.is_valid()
            return self._new(request, form, replace(editor, faults=error.faults))
        if "format" in request.POST:
            return self._new(request, form, replace(editor, text=texts.pretty(document)))
        if form.is_valid() and (made := self.made(request, form, document)):
            messages.success(request, f"The workflow was made, as {made.status}. Activate it when it should run.")
            return HttpResponseRedirect(page_of(made))
        return self._new(request, form, editor)

    def check_view(self, request: HttpRequest) -> HttpResponse:
        """The faults of a definition as it is typed; with `format` also how it would be written here."""
        if request.method != "POST" or not self.may(request, Verb.WRITE):
            raise PermissionDenied
        text = texts.lines_ended(request.POST.get("definition", ""))
        try:
            document = texts.read_definition(text)
        except texts.TextInvalid as error:
            return JsonResponse({"faults": [_shown(fault) for fault in error.faults]})
        return JsonResponse({"faults": [], **({"text": texts.pretty(document)} if "format" in request.POST else {})})

    def status_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        workflow = self.changeable(request, pk)
        wished = request.POST.get("status", "")
        if wished not in DONE:
            raise PermissionDenied
        status = WorkflowStatus(wished)
        try:
            with transaction.atomic():
                services.set_status(workflow=workflow, status=status)
                self.log_change(request, workflow, DONE[status])
        except services.StatusNotAllowed as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, DONE[status])
        return HttpResponseRedirect(page_of(workflow))

    def details_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        workflow = self.changeable(request, pk)
        if request.method != "POST":
            return HttpResponseRedirect(page_of(workflow))
        form = DetailsForm(request.POST, workflow=workflow)
        if form.is_valid() and self.changed(request, workflow, form):
            return HttpResponseRedirect(page_of(workflow))
        return self.page(request, self.reached(request, pk), details=form)

    def definition_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        workflow = self.changeable(request, pk)
        if request.method != "POST":
            return HttpResponseRedirect(page_of(workflow))
        editor = _typed(request)
        try:
            document = texts.read_definition(editor.text)
        except texts.TextInvalid as error:
            return self.page(request, workflow, editor=replace(editor, faults=error.faults))
        if "format" in request.POST:
            return self.page(request, workflow, editor=replace(editor, text=texts.pretty(document)))
        refused = self.saved(request, workflow, editor.version, document)
        if refused is None:
            return HttpResponseRedirect(f"{page_of(workflow)}#definition")
        # Saving again is a decision then: the text goes over the newer version, which stays among the versions.
        now = self.reached(request, pk)
        number = now.version.number if now.version else None
        return self.page(request, now, editor=replace(editor, notice=refused, version=number))

    def reached(self, request: HttpRequest, pk: UUID) -> Workflow:
        return get_object_or_404(self._reached(request), pk=pk)

    def changeable(self, request: HttpRequest, pk: UUID) -> Workflow:
        workflow = self.reached(request, pk)
        if not self.has_change_permission(request, workflow):
            raise PermissionDenied
        return workflow

    def _reached(self, request: HttpRequest) -> QuerySet[Workflow]:
        rows = Workflow.objects.select_related(*RELATED)
        return reach_of(request).within(rows, self.workspace_lookup, self.view_verb)

    def _new(self, request: HttpRequest, form: NewForm, editor: Editor) -> TemplateResponse:
        site = {**self.admin_site.each_context(request), "opts": self.opts, "title": "New workflow"}
        context = {"details": form, "editor": editor, "hints": hints(), "may_change": True}
        return TemplateResponse(request, f"{TEMPLATES}/workflow/new.html", {**site, **context})


def page_of(workflow: Workflow) -> str:
    return reverse("admin:workflows_workflow_change", args=[workflow.pk])


def _typed(request: HttpRequest) -> Editor:
    number = request.POST.get("version", "")
    version = int(number) if number.isdecimal() and len(number) < 10 else None  # noqa: PLR2004 (what a version has)
    return Editor(texts.lines_ended(request.POST.get("definition", "")), version)


def _shown(fault: texts.Located) -> dict[str, Any]:
    return {"path": fault.path, "line": fault.line, "message": fault.message}


def _next(workflow: Workflow) -> list[str]:
    """The statuses that its own leads to."""
    current = WorkflowStatus(workflow.status)
    return [status.value for status in DONE if status != current and current in services.LEADS_TO[status]]


def _versions(workflow: Workflow) -> list[WorkflowVersion]:
    rows = WorkflowVersion.objects.filter(workflow=workflow).select_related("created_by").defer("definition")
    return list(rows.order_by("-number")[:MOST_VERSIONS])
