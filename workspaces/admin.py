from typing import ClassVar

from django.contrib import admin

from workspaces.models import Membership, Notification, Organization, Task, Workspace


@admin.register(Organization)
class OrganizationAdmin(admin.ModelAdmin):
    list_display = ("name", "slug", "owner", "created_at")
    search_fields = ("name", "slug")
    autocomplete_fields = ("owner",)


class MembershipInline(admin.TabularInline):
    model = Membership
    extra = 0
    autocomplete_fields = ("user",)


@admin.register(Workspace)
class WorkspaceAdmin(admin.ModelAdmin):
    list_display = ("name", "slug", "organization", "created_at")
    list_select_related = ("organization",)
    search_fields = ("name", "slug")
    inlines: ClassVar = [MembershipInline]


@admin.register(Task)
class TaskAdmin(admin.ModelAdmin):
    list_display = ("title", "workspace", "status", "priority", "assignee", "created_at")
    list_filter = ("status", "priority", "workspace")
    list_select_related = ("workspace", "assignee")
    search_fields = ("title",)
    autocomplete_fields = ("workspace", "assignee")
    readonly_fields = ("execution_id", "step_path", "created_at")


@admin.register(Notification)
class NotificationAdmin(admin.ModelAdmin):
    list_display = ("__str__", "recipient", "workspace", "read_at", "created_at")
    list_filter = ("workspace",)
    list_select_related = ("workspace", "recipient")
    search_fields = ("title", "message")
    autocomplete_fields = ("workspace", "recipient")
    readonly_fields = ("execution_id", "step_path", "mailed_at", "created_at")
