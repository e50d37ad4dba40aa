from typing import ClassVar

from django.contrib import admin

from workspaces.access import Verb
from workspaces.admin.reach import ByRole
from workspaces.admin.theme import ModelAdmin, TabularInline
from workspaces.models import Membership, Organization, Workspace


@admin.register(Organization)
class OrganizationAdmin(ModelAdmin):
    list_display = ("name", "slug", "owner", "created_at")
    search_fields = ("name", "slug")
    autocomplete_fields = ("owner",)


class MembershipInline(TabularInline):
    model = Membership
    extra = 0
    autocomplete_fields = ("user",)


@admin.register(Workspace)
class WorkspaceAdmin(ByRole):
    workspace_lookup = "pk"
    change_verb = Verb.ADMIN
    list_display = ("name", "slug", "organization", "created_at")
    list_select_related = ("organization",)
    search_fields = ("name", "slug")
    inlines: ClassVar = [MembershipInline]
