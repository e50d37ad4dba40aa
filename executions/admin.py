from typing import ClassVar

from django.contrib import admin

from executions.models import Execution, Step
from workflows.admin import ReadOnly


class StepInline(ReadOnly, admin.TabularInline):
    model = Step
    fields = ("path", "action_id", "action_type", "status", "attempt", "input", "output", "error", "started_at")
    ordering = ("id",)
    extra = 0


@admin.register(Execution)
class ExecutionAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("id", "workflow", "workspace", "status", "trigger_type", "started_at", "completed_at")
    list_filter = ("status",)
    list_select_related = ("workflow", "workspace")
    ordering = ("-created_at",)
    show_full_result_count = False
    inlines: ClassVar = [StepInline]
