"""What people have to do, which a workflow or one of them made."""

from collections.abc import Iterable
from typing import Any, ClassVar, override

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html

from workspaces import services
from workspaces.access import Verb
from workspaces.admin.badges import badge
from workspaces.admin.filters import WorkspaceFilter
from workspaces.admin.links import NONE, execution_link
from workspaces.admin.reach import ByRole, reach_of
from workspaces.admin.theme import Select, TextInput
from workspaces.models import Task, TaskPriority, TaskStatus

OPEN = (TaskStatus.TODO, TaskStatus.IN_PROGRESS)


class NewTaskForm(forms.ModelForm):
    """Which members there are to choose from isn't known before the workspace is, so the assignee is written."""

    assignee = forms.CharField(
        required=False, max_length=254, widget=TextInput, help_text="User name or address of a member; empty: nobody."
    )

    @override
    def clean(self) -> None:
        reference, workspace = self.cleaned_data.get("assignee"), self.cleaned_data.get("workspace")
        self.cleaned_data["assignee"] = None
        if reference and workspace:
            try:
                self.cleaned_data["assignee"] = services.member(workspace_id=workspace.pk, reference=reference)
            except services.NoSuchMember as error:
                raise forms.ValidationError({"assignee": str(error)}) from error


class TaskForm(forms.ModelForm):
    """Who may be chosen is a member; and whoever it is now, who may have left."""

    assignee = forms.ModelChoiceField(User.objects.none(), required=False, widget=Select, empty_label="Nobody")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "assignee" in self.fields:
            field: Any = self.fields["assignee"]
            members = Q(memberships__workspace=self.instance.workspace_id, is_active=True)
            chosen = User.objects.filter(members | Q(pk=self.instance.assignee_id)).order_by("username")
            field.queryset = chosen.distinct()


class DueFilter(admin.SimpleListFilter):
    title = "due"
    parameter_name = "due"

    @override
    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [("overdue", "Overdue"), ("later", "Later"), ("never", "Without a date")]

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        now = timezone.now()
        wanted = {
            "overdue": Q(due_at__lt=now, status__in=OPEN), "later": Q(due_at__gte=now), "never": Q(due_at=None),
        }  # fmt: skip
        return queryset.filter(wanted.get(self.value() or "", Q()))


@admin.register(Task)
class TaskAdmin(ByRole):
    add_verb = change_verb = Verb.EXECUTE
    list_display = ("title", "state", "urgency", "assignee", "due", "workspace", "made_by", "created_at")
    list_filter = ("status", "priority", DueFilter, ("workspace", WorkspaceFilter))
    list_select_related = ("workspace", "assignee")
    search_fields = ("title", "assignee__username")
    ordering = ("-pk",)
    actions = ("mark_done",)

    class Media:
        css: ClassVar = {"all": ["trilith/people.css"]}

    @admin.display(description="status", ordering="status")
    def state(self, task: Task) -> str:
        return badge(task.status)

    @admin.display(description="priority")
    def urgency(self, task: Task) -> str:
        return format_html(
            '<span class="t-priority" data-priority="{}">{}</span>', task.priority, TaskPriority(task.priority).label
        )

    @admin.display(description="due", ordering="due_at")
    def due(self, task: Task) -> str:
        if task.due_at is None:
            return NONE
        is_overdue = task.due_at < timezone.now() and task.status in OPEN
        return format_html(
            '<time class="{}" datetime="{}">{}</time>{}',
            "t-overdue" if is_overdue else "t-due",
            task.due_at.isoformat(),
            f"{task.due_at:%Y-%m-%d %H:%M}",
            " overdue" if is_overdue else "",
        )

    @admin.display(description="made by")
    def made_by(self, task: Task) -> str:
        return execution_link(task.execution_id, task.step_path)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:  # noqa: FBT002 (Django's signature)
        return super().get_form(request, obj, change, form=TaskForm if obj else NewTaskForm, **options)

    def get_fields(self, request: HttpRequest, obj: Task | None = None) -> tuple[str, ...]:
        given = ("title", "description", "status", "priority", "assignee", "due_at")
        return ("workspace", *given, "made_by", "created_at", "updated_at") if obj else ("workspace", *given)

    def get_readonly_fields(self, request: HttpRequest, obj: Task | None = None) -> tuple[str, ...]:
        return ("workspace", "made_by", "created_at", "updated_at") if obj else ()

    @override
    def save_model(self, request: HttpRequest, obj: Task, form: forms.ModelForm, change: bool) -> None:
        given: dict[str, Any] = {
            "title": obj.title, "description": obj.description, "status": TaskStatus(obj.status),
            "priority": TaskPriority(obj.priority), "assignee": obj.assignee, "due_at": obj.due_at,
        }  # fmt: skip
        if change:
            services.change_task(task=obj, **given)
        else:
            made = services.create_task(workspace_id=obj.workspace_id, **given)
            obj.pk, obj.created_at = made.pk, made.created_at

    @admin.action(description="Mark as done", permissions=["change"])
    def mark_done(self, request: HttpRequest, queryset: QuerySet[Task]) -> None:
        """Those that may be changed; of the others it says how many there are."""
        changeable = reach_of(request).within(queryset, "workspace", Verb.EXECUTE)
        done = [services.set_task_status(task=task, status=TaskStatus.DONE) for task in changeable]
        for task in done:
            self.log_change(request, task, [{"changed": {"fields": ["status"]}}])
        if left := queryset.count() - len(done):
            self.message_user(request, f"{left} left as they were: your role there doesn't allow it.", messages.WARNING)
        self.message_user(request, f"{len(done)} marked as done.", messages.SUCCESS)
