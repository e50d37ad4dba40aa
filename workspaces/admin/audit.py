"""The audit log, to read; and a base for pages whose models have no services that would write into it."""

import json
from collections.abc import Iterable
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import Any, ClassVar, override
from uuid import UUID

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join

from workspaces import audit
from workspaces.access import Verb
from workspaces.admin.links import link_to_execution
from workspaces.admin.reach import ByRole, reach_of
from workspaces.admin.wary import Wary
from workspaces.models import Action, AuditEntry, Workspace

PER_PAGE = 50
COUNTED = 5_000
"""So many entries can be paged through; filters lead to older ones."""
EARLIER = ("again", "resumed")
"""The details that are the id of the execution with which another one began."""
PERIODS = {"hour": ("The last hour", 1), "day": ("The last day", 24), "month": ("The last 30 days", 30 * 24)}


class Audited(Wary):
    """Tells the audit log what it tells the admin's own."""

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        audit.record(Action.ADMIN_ADD, obj)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        audit.record(Action.ADMIN_CHANGE, obj, fields=_fields(message))
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for obj in queryset:
            audit.record(Action.ADMIN_DELETE, obj)
        return super().log_deletions(request, queryset)


def _fields(message: Any) -> list[str]:
    """Their names, where the message has the form that Django gives it."""
    parts = message if isinstance(message, list) else []
    return [str(name) for part in parts for name in part.get("changed", {}).get("fields", [])]


class WorkspaceFilter(admin.SimpleListFilter):
    title = "workspace"
    parameter_name = "workspace"

    @override
    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        within = reach_of(request).within(Workspace.objects.order_by("name"), "pk", Verb.ADMIN)
        return [(str(pk), name) for pk, name in within.values_list("pk", "name")]

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        known = {key for key, _ in self.lookup_choices}
        return queryset.filter(workspace_id=UUID(self.value())) if self.value() in known else queryset


class ActionFilter(admin.SimpleListFilter):
    title = "action"
    parameter_name = "action"

    @override
    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(action, action) for action in sorted(Action.values)]

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(action=self.value()) if self.value() else queryset


class PeriodFilter(admin.SimpleListFilter):
    title = "time"
    parameter_name = "period"

    @override
    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(key, title) for key, (title, _) in PERIODS.items()]

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in PERIODS:
            return queryset
        since = timezone.now() - timedelta(hours=PERIODS[str(self.value())][1])
        return queryset.between(since, None)  # type: ignore[attr-defined, no-any-return]  # entries' own


class FirstEntries(Paginator):
    """Counts no further than one can page."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return len(rows.values_list("pk")[:COUNTED])


@admin.register(AuditEntry)
class AuditEntryAdmin(ByRole):
    """Of one's workspaces, for those who administer them; of the server itself, for superusers."""

    view_verb = Verb.ADMIN
    list_display = ("when", "who", "action", "what", "in_workspace", "told", "address")
    list_display_links = ("when",)
    list_filter = (ActionFilter, WorkspaceFilter, PeriodFilter)
    list_per_page = PER_PAGE
    list_max_show_all = PER_PAGE
    paginator = FirstEntries
    show_full_result_count = False
    sortable_by = ()
    search_fields = ("actor_name", "label", "subject_id")
    search_help_text = "Who, or to what: its name or id."
    ordering = ("-pk",)
    actions = None
    fields: ClassVar = (
        "when", "who", "token", "address", "action", "what", "subject", "in_workspace", "told",
    )  # fmt: skip
    readonly_fields = fields

    class Media:
        css: ClassVar = {"all": ["trilith/people.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return reach_of(request).within(AuditEntry.objects.all(), "workspace_id", Verb.ADMIN).order_by("-pk")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Those that have all of it in one of the fields, and nothing beside it: names have spaces in them."""
        term = search_term.strip()
        if not term:
            return queryset, False
        return queryset.filter(reduce(or_, (Q(**{f"{field}__iexact": term}) for field in self.search_fields))), False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Nobody changes an entry, so it has no history."""
        context = {**(extra_context or {}), "show_history": False}
        page: HttpResponse = super().change_view(request, object_id, form_url, context)
        return page

    def workspace_id_of(self, obj: AuditEntry) -> Any:
        return obj.workspace_id

    def has_view_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        if obj is not None and obj.workspace_id is None:
            return reach_of(request).roles is None
        return super().has_view_permission(request, obj)

    @admin.display(description="when (UTC)")
    def when(self, entry: AuditEntry) -> str:
        return f"{entry.at:%Y-%m-%d %H:%M:%S}"

    @admin.display(description="who")
    def who(self, entry: AuditEntry) -> str:
        return entry.actor_name or "nobody"

    @admin.display(description="what")
    def what(self, entry: AuditEntry) -> str:
        return entry.label or entry.subject_type

    @admin.display(description="subject")
    def subject(self, entry: AuditEntry) -> str:
        """With a link, if it is an execution: who sees the entry may see that too."""
        if entry.subject_type == "execution":
            return format_html("execution {}", link_to_execution(entry.subject_id))
        return f"{entry.subject_type} {entry.subject_id}".strip()

    @admin.display(description="workspace")
    def in_workspace(self, entry: AuditEntry) -> str:
        return entry.workspace_slug

    @admin.display(description="details")
    def told(self, entry: AuditEntry) -> str:
        """With a link to the execution that was run again or resumed."""
        parts = ((name, _said(name, value)) for name, value in entry.details.items())
        return format_html_join(", ", "{}: {}", parts)


def _said(name: str, value: Any) -> str:
    """As JSON has it, but for texts, which need no quotes."""
    if name in EARLIER:
        return link_to_execution(str(value))
    if isinstance(value, list):
        return " ".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value)
