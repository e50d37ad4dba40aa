"""Django's own users and groups, in the theme."""

from typing import ClassVar

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User

from workspaces.admin.audit import Audited
from workspaces.admin.theme import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

admin.site.unregister([User, Group])


@admin.register(User)
class UserAdmin(DjangoUserAdmin, Audited):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm

    class Media:
        css: ClassVar = {"all": ["trilith/people.css"]}


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, Audited):
    pass
