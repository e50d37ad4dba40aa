from django.contrib import admin

from workspaces.access import Verb
from workspaces.admin.reach import ByRole
from workspaces.models import Task


@admin.register(Task)
class TaskAdmin(ByRole):
    add_verb = change_verb = delete_verb = Verb.EXECUTE
    list_display = ("title", "workspace", "status", "priority", "assignee", "created_at")
    list_filter = ("status", "priority", "workspace")
    list_select_related = ("workspace", "assignee")
    search_fields = ("title",)
    autocomplete_fields = ("workspace", "assignee")
    readonly_fields = ("execution_id", "step_path", "created_at")
