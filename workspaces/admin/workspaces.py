"""Workspaces and the organizations they belong to."""

from typing import Any, ClassVar, override
from uuid import UUID

from django import forms
from django.apps import apps
from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from workspaces import services
from workspaces.access import Verb
from workspaces.admin.audit import Audited
from workspaces.admin.members import UserField
from workspaces.admin.reach import ByRole, reach_of
from workspaces.models import Membership, Organization, Workspace

SHOWN_MEMBERS = 25
HELP = {
    "max_running": "Executions that may run at once; others wait. Empty: no limit.",
    "retention_days": "What ended is deleted after so many days. Empty: as the server is set; 0: never.",
    "retention_count": "Of what ended, the latest so many are kept. Empty: as the server is set; 0: all.",
}
LISTS = {
    "Workflows": ("workflows_workflow", "workspace__id__exact"),
    "Executions": ("executions_execution", "workspace"),
    "Tasks": ("workspaces_task", "workspace__id__exact"),
    "API tokens": ("workspaces_apitoken", "workspace__id__exact"),
    "Secrets": ("workspaces_secret", "workspace__id__exact"),
}
"""What belongs to a workspace: the list of it, and the parameter that narrows it to one."""


@admin.register(Organization)
class OrganizationAdmin(Audited):
    list_display = ("name", "slug", "owner", "created_at")
    list_select_related = ("owner",)
    search_fields = ("name", "slug")
    autocomplete_fields = ("owner",)


class NewWorkspaceForm(forms.ModelForm):
    """Makes a workspace, and with it the organization of that slug, if there is none."""

    owner = UserField(max_length=254, help_text="Who owns it: the user name, or the address if it is one person's.")

    @override
    def clean(self) -> None:
        """The service is asked here, so that what it refuses is said at its place."""
        if not self.errors:
            given = self.cleaned_data
            self.instance = services.create_workspace(
                slug=given["slug"], owner=given["owner"], name=given.get("name", "")
            )


@admin.register(Workspace)
class WorkspaceAdmin(ByRole):
    """Who administers one gives it another name, and limits; only a superuser makes one."""

    workspace_lookup = "pk"
    change_verb = Verb.ADMIN
    list_display = ("name", "slug", "organization", "members", "workflows", "created_at")
    list_select_related = ("organization",)
    search_fields = ("name", "slug")
    ordering = ("name",)
    change_form_template = "admin/workspaces/workspace/change_form.html"

    class Media:
        css: ClassVar = {"all": ["trilith/people.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: Any = super().get_queryset(request)
        counted: QuerySet[Any] = rows.annotate(member_count=_number("memberships"), workflow_count=_number("workflows"))
        return counted

    @admin.display(description="members", ordering="member_count")
    def members(self, workspace: Any) -> int:
        return int(workspace.member_count)

    @admin.display(description="workflows", ordering="workflow_count")
    def workflows(self, workspace: Any) -> int:
        return int(workspace.workflow_count)

    @admin.display(description="organization")
    def belongs_to(self, workspace: Workspace) -> str:
        """No link: few may follow it."""
        return workspace.organization.name

    def has_add_permission(self, request: HttpRequest) -> bool:
        return reach_of(request).roles is None

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:  # noqa: FBT002 (Django's signature)
        options = {"help_texts": HELP, **options} if obj else {"form": NewWorkspaceForm, **options}
        return super().get_form(request, obj, change, **options)

    def get_fields(self, request: HttpRequest, obj: Workspace | None = None) -> tuple[str, ...]:
        return ("name", "slug", "belongs_to", "created_at", *services.LIMITS) if obj else ("name", "slug", "owner")

    def get_readonly_fields(self, request: HttpRequest, obj: Workspace | None = None) -> tuple[str, ...]:
        return ("slug", "belongs_to", "created_at") if obj else ()

    @override
    def save_model(self, request: HttpRequest, obj: Workspace, form: forms.ModelForm, change: bool) -> None:
        """One that is new has been made by the form."""
        if change:
            services.rename_workspace(workspace=obj, name=obj.name)
            services.set_limits(workspace=obj, **{name: getattr(obj, name) for name in services.LIMITS})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {**(extra_context or {}), **self._people(request, object_id)}
        page: HttpResponse = super().change_view(request, object_id, form_url, context)
        return page

    def _people(self, request: HttpRequest, object_id: str) -> dict[str, Any]:
        """The first of its members, and where to find what belongs to it; nothing for one out of reach."""
        workspace = self.get_object(request, object_id)
        if workspace is None:
            return {}
        found = Membership.objects.filter(workspace=workspace).select_related("user")
        memberships = admin.site.get_model_admin(Membership)
        rows = [
            (membership, memberships.has_change_permission(request, membership))
            for membership in found.order_by("created_at", "pk")[:SHOWN_MEMBERS]
        ]
        return {
            "members": rows,
            "member_count": workspace.member_count,
            "may_add_member": self.may(request, Verb.ADMIN, workspace),
            "organization_owner": workspace.organization.owner,
            "workspace_id": workspace.pk,
            "lists": _lists(request, workspace.pk),
        }


def _number(relation: str) -> Subquery:
    """How many there are of each workspace; one by one, since joined they would multiply."""
    counted = Workspace.objects.filter(pk=OuterRef("pk")).annotate(number=Count(relation)).values("number")
    return Subquery(counted)


def _lists(request: HttpRequest, workspace_id: UUID) -> list[tuple[str, str]]:
    """What belongs to it, each with the address of its list, as far as who asks may open it."""
    return [
        (title, f"{reverse(f'admin:{name}_changelist')}?{parameter}={workspace_id}")
        for title, (name, parameter) in LISTS.items()
        if admin.site.get_model_admin(apps.get_model(name.replace("_", "."))).has_view_permission(request)
    ]
