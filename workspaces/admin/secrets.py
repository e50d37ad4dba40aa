"""Secrets: set and replaced here, and shown nowhere."""

from typing import Any, ClassVar, override

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from workspaces import audit, names, secrets
from workspaces.access import Verb
from workspaces.admin.filters import WorkspaceFilter
from workspaces.admin.reach import ByRole
from workspaces.admin.theme import Textarea
from workspaces.models import Action, Secret


class SecretForm(forms.ModelForm):
    """Takes a value, and never gives one out: not even one that was refused is shown again."""

    value = forms.CharField(
        strip=False, widget=Textarea(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"}),
        help_text="At least 8 characters, kept as they are. It can't be shown again, only replaced.",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["value"].widget.format_value = lambda _value: ""

    def clean_value(self) -> str:
        """With the ends of lines that were typed; a browser sends others."""
        return str(self.cleaned_data["value"]).replace("\r\n", "\n")

    def clean(self) -> None:
        super().clean()
        if not self.errors:
            secrets.check(name=self.cleaned_data.get("name", self.instance.name), value=self.cleaned_data["value"])


@admin.register(Secret)
class SecretAdmin(ByRole):
    """Who changes workflows sees the names; who administers the workspace sets and removes."""

    view_verb = Verb.WRITE
    add_verb = change_verb = delete_verb = Verb.ADMIN
    form = SecretForm
    help_texts: ClassVar = {"name": f"Configs say {{{{ secrets.NAME }}}}, upper and lower case count. {names.RULE}"}
    list_display = ("name", "workspace", "updated_at")
    list_filter = (("workspace", WorkspaceFilter),)
    list_select_related = ("workspace",)
    search_fields = ("name",)

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """By no attribute, which would mark the columns as if somebody had sorted by them."""
        return ("workspace", "name")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Whose names are shown, is told there."""
        page = super().changelist_view(request, extra_context)
        if listed := getattr(page, "context_data", {}).get("cl"):
            for workspace_id in sorted({secret.workspace_id for secret in listed.result_list}):
                audit.record(Action.SECRET_LIST, None, workspace_id=workspace_id)
        return page

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:  # noqa: FBT002 (Django's signature)
        return super().get_form(request, obj, change, help_texts=self.help_texts, **options)

    def get_fields(self, request: HttpRequest, obj: Secret | None = None) -> tuple[str, ...]:
        value = ("value",) if obj is None or self.has_change_permission(request, obj) else ()
        return ("workspace", "name", *value, *(("created_at", "updated_at") if obj else ()))

    def get_readonly_fields(self, request: HttpRequest, obj: Secret | None = None) -> tuple[str, ...]:
        return ("workspace", "name", "created_at", "updated_at") if obj else ()

    @override
    def save_model(self, request: HttpRequest, obj: Secret, form: forms.ModelForm, change: bool) -> None:
        kept, _ = secrets.put(workspace=obj.workspace, name=obj.name, value=form.cleaned_data["value"])
        obj.pk = kept.pk  # what the admin goes on to log and to link to

    def delete_model(self, request: HttpRequest, obj: Secret) -> None:
        secrets.remove(secret=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Secret]) -> None:
        for secret in queryset:
            secrets.remove(secret=secret)
