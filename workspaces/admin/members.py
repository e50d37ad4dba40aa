"""Who is in a workspace, and as what. Owners are made and unmade by owners alone, as in the API."""

from typing import Any, ClassVar, override

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest

from workspaces import services
from workspaces.access import Verb
from workspaces.admin.filters import WorkspaceFilter
from workspaces.admin.reach import ByRole, Reach, reach_of
from workspaces.admin.theme import TextInput
from workspaces.models import Membership, Role

OWNERS_ONLY = "Owners are made and unmade by owners alone."


class UserField(forms.CharField):
    """A user by name or address, so that nobody gets to see the names of all."""

    widget = TextInput

    @override
    def clean(self, value: Any) -> User | None:
        reference = super().clean(value)
        try:
            return services.user(reference=reference)
        except services.NoSuchUser as error:
            raise forms.ValidationError(str(error)) from error


class MemberForm(forms.ModelForm):
    """Adds a member. `reach` is that of who asks."""

    reach: ClassVar[Reach]
    user = UserField(max_length=254, help_text="The user name, or the address if it is one person's alone.")

    @override
    def clean(self) -> None:
        """The service is asked here, so that what it refuses is said at its place."""
        if self.errors:
            return
        given = self.cleaned_data
        if given["role"] == Role.OWNER and not self.reach.may(Verb.OWN, given["workspace"].pk):
            raise forms.ValidationError({"role": OWNERS_ONLY})
        try:
            self.instance = services.add_member(
                workspace=given["workspace"], user=given["user"], role=Role(given["role"])
            )
        except services.AlreadyMember as error:
            raise forms.ValidationError({"user": str(error)}) from error


class RoleForm(forms.ModelForm):
    """Gives a member another role."""

    reach: ClassVar[Reach]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "role" in self.fields and not self.reach.may(Verb.OWN, self.instance.workspace_id):
            field: Any = self.fields["role"]
            field.choices = [choice for choice in field.choices if choice[0] != Role.OWNER]


@admin.register(Membership)
class MembershipAdmin(ByRole):
    add_verb = change_verb = delete_verb = Verb.ADMIN
    list_display = ("user", "address", "workspace", "role", "created_at")
    list_filter = (("workspace", WorkspaceFilter), "role")
    list_select_related = ("user", "workspace")
    search_fields = ("user__username", "user__email", "user__first_name", "user__last_name")
    ordering = ("-pk",)

    @admin.display(description="address", ordering="user__email")
    def address(self, membership: Membership) -> str:
        return membership.user.email

    @admin.display(description="user")
    def who(self, membership: Membership) -> str:
        """No link: few may follow it."""
        return membership.user.get_username()

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:  # noqa: FBT002 (Django's signature)
        form = super().get_form(request, obj, change, form=RoleForm if obj else MemberForm, **options)
        form.reach = reach_of(request)
        return form

    def get_fields(self, request: HttpRequest, obj: Membership | None = None) -> tuple[str, ...]:
        return ("workspace", "who", "role", "created_at") if obj else ("workspace", "user", "role")

    def get_readonly_fields(self, request: HttpRequest, obj: Membership | None = None) -> tuple[str, ...]:
        return ("workspace", "who", "created_at") if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Membership | None = None) -> bool:
        return super().has_change_permission(request, obj) and self._may_unmake(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Membership | None = None) -> bool:
        return super().has_delete_permission(request, obj) and self._may_unmake(request, obj)

    def _may_unmake(self, request: HttpRequest, obj: Membership | None) -> bool:
        return obj is None or obj.role != Role.OWNER or self.may(request, Verb.OWN, obj)

    @override
    def save_model(self, request: HttpRequest, obj: Membership, form: forms.ModelForm, change: bool) -> None:
        """Who is added has been added by the form."""
        if change:
            services.change_role(membership=obj, role=Role(obj.role))

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        services.remove_member(membership=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        for membership in queryset:
            services.remove_member(membership=membership)
