"""API tokens: each issues them for himself, and who administers a workspace sees those that open that alone."""

from typing import Any, ClassVar, override

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import ForeignKey, Q, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone

from workspaces import tokens
from workspaces.access import Verb
from workspaces.admin.filters import WorkspaceFilter
from workspaces.admin.reach import reach_of
from workspaces.admin.theme import CheckboxSelectMultiple
from workspaces.admin.wary import Wary
from workspaces.models import ApiToken, Scope, Workspace


class ApiTokenForm(forms.ModelForm):
    scopes = forms.MultipleChoiceField(choices=Scope.choices, widget=CheckboxSelectMultiple)

    def clean_scopes(self) -> str:
        return " ".join(self.cleaned_data["scopes"])

    def clean(self) -> None:
        if not self.errors:
            tokens.check(**(self.cleaned_data | {"scopes": self.cleaned_data["scopes"].split()}))


@admin.register(ApiToken)
class ApiTokenAdmin(Wary):
    """A token is issued here and revoked by deleting it; there is nothing to change about one."""

    form = ApiTokenForm
    help_texts: ClassVar = {
        "user": "For whom it speaks.",
        "name": "What it is for.",
        "workspace": "The only one that it opens. Without one it opens all of the user's.",
        "expires_at": "Without a date it never expires.",
    }
    list_display = ("name", "user", "hint", "workspace", "scopes", "expires_at", "last_used_at")
    list_filter = (("workspace", WorkspaceFilter),)
    list_select_related = ("user", "workspace")
    search_fields = ("name", "hint", "user__username")
    ordering = ("-pk",)

    class Media:
        css: ClassVar = {"all": ["trilith/people.css"]}
        js: ClassVar = [forms.Script("trilith/copy.js", defer=True)]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        """Of others only those that open a workspace which he administers, and nothing else."""
        rows: QuerySet[ApiToken] = super().get_queryset(request)
        administered = reach_of(request).where(Verb.ADMIN)
        return rows if administered is None else rows.filter(Q(user=request.user.pk) | Q(workspace__in=administered))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        reach = reach_of(request)
        if obj is None or obj.user_id == request.user.pk:
            return reach.may(Verb.READ)
        return reach.roles is None or (obj.workspace_id is not None and reach.may(Verb.ADMIN, obj.workspace_id))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return reach_of(request).may(Verb.READ)

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        return self.has_view_permission(request, obj)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:  # noqa: FBT002 (Django's signature)
        return super().get_form(request, obj, change, help_texts=self.help_texts, **options)

    def get_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> tuple[str, ...]:
        given = ("name", "workspace", "scopes", "expires_at")
        return ("user", *given) if obj is None else ("whose", *given, "hint", "last_used_at", "created_at")

    def get_readonly_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> tuple[str, ...]:
        return ("whose",) if obj else ()

    @admin.display(description="user")
    def whose(self, token: ApiToken) -> str:
        """No link: few may follow it."""
        return token.user.get_username()

    def get_autocomplete_fields(self, request: HttpRequest) -> tuple[str, ...]:
        """Who may choose among all users has them looked up."""
        return ("user",) if request.user.is_superuser else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {
            "user": request.user.pk,
            "scopes": [Scope.READ, Scope.EXECUTE],
            "expires_at": timezone.now() + tokens.DEFAULT_LIFE,
            **super().get_changeform_initial_data(request),
        }

    def formfield_for_foreignkey(self, db_field: ForeignKey, request: HttpRequest, **kwargs: Any) -> Any:
        """A token for somebody else acts as somebody else, so only a superuser may issue one."""
        if db_field.name == "user" and not request.user.is_superuser:
            kwargs["queryset"] = User.objects.filter(username=request.user.get_username())
        if db_field.name == "workspace":
            kwargs["queryset"] = reach_of(request).within(Workspace.objects.order_by("name"), "pk")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @override
    def save_model(self, request: HttpRequest, obj: ApiToken, form: forms.ModelForm, change: bool) -> None:
        issued, text = tokens.issue(
            user=obj.user, name=obj.name, scopes=obj.scope_set, workspace=obj.workspace, expires_at=obj.expires_at
        )
        obj.pk, obj.hint = issued.pk, issued.hint  # what the admin goes on to log and to link to
        messages.success(request, render_to_string("admin/workspaces/apitoken/issued.html", {"text": text}))

    def delete_model(self, request: HttpRequest, obj: ApiToken) -> None:
        tokens.revoke(token=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        for token in queryset:
            tokens.revoke(token=token)
