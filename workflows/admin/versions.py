"""The versions of a workflow: each as it was saved, and what it changed."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from workflows.admin import texts
from workflows.admin.columns import moment
from workflows.admin.difference import difference
from workflows.admin.editor import drawing_of, editor_of
from workflows.models import WorkflowVersion
from workflows.services import definition_of
from workspaces.admin.reach import ByRole

MOST_CHOICES = 200
MOST_ROWS = 2_000
"""Of a difference on a page."""


@admin.register(WorkflowVersion)
class WorkflowVersionAdmin(ByRole):
    """Nobody changes a version, so its page has no form. Its list is that of a workflow: `?workflow=<id>`."""

    workspace_lookup = "workflow__workspace"
    list_display: Any = ("__str__", "of", "created_by", "created")
    list_select_related: Any = ("workflow", "created_by")
    list_per_page = 50
    ordering: Any = ("-created_at",)
    sortable_by: Any = ()
    show_full_result_count = False
    actions: Any = None
    narrowed_by = ("workflow", "workflow__id__exact")

    @admin.display(description="workflow")
    def of(self, version: WorkflowVersion) -> SafeString:
        address = reverse("admin:workflows_workflow_change", args=[version.workflow_id])
        return format_html('<a href="{}">{}</a>', address, version.workflow)

    @admin.display(description="saved (UTC)")
    def created(self, version: WorkflowVersion) -> str:
        return moment(version.created_at)

    def get_queryset(self, request: HttpRequest) -> QuerySet[WorkflowVersion]:
        return super().get_queryset(request).defer("definition")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """`?against=<number>`: what it is compared with; the one before, if that isn't said."""
        if request.method not in {"GET", "HEAD"}:
            raise PermissionDenied
        rows = self.get_queryset(request).defer(None).select_related("workflow__workspace", "created_by")
        version = self.addressed(rows, object_id)
        if version is None:
            found: HttpResponseRedirect = self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
            return found
        site = {**self.admin_site.each_context(request), "opts": self.opts, "original": version, "title": "Version"}
        context = {**site, **_context(version, request.GET.get("against", "")), **(extra_context or {})}
        return TemplateResponse(request, "admin/workflows/version/page.html", context)


def _context(version: WorkflowVersion, against: str) -> dict[str, Any]:
    others = WorkflowVersion.objects.filter(workflow=version.workflow_id).exclude(pk=version.pk).order_by("-number")
    numbers = list(others.values_list("number", flat=True)[:MOST_CHOICES])
    other = _other(others, version, against)
    changed = other and difference(texts.pretty(other.definition), texts.pretty(version.definition))
    editor = editor_of(version.definition, version.number)
    return {
        "version": version,
        "is_current": version.workflow.version_id == version.pk,
        "drawing": drawing_of(definition_of(version.pk), editor.text),
        "editor": editor,
        "numbers": numbers,
        "other": other,
        "difference": changed,
        "rows": changed.rows[:MOST_ROWS] if changed else [],
        "left_off": max(0, len(changed.rows) - MOST_ROWS) if changed else 0,
    }


def _other(others: QuerySet[WorkflowVersion], version: WorkflowVersion, against: str) -> WorkflowVersion | None:
    asked = others.filter(number=int(against)) if against.isdecimal() and len(against) < 10 else others.none()  # noqa: PLR2004 (what a version has)
    return asked.first() or others.filter(number__lt=version.number).first() or others.first()
