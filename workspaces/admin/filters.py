"""What lists are narrowed by, with no choice that shows what is out of reach."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from workspaces.access import Verb
from workspaces.admin.reach import reach_of


class WorkspaceFilter(admin.RelatedFieldListFilter):
    """By one of the workspaces in reach; for `list_filter = [("workspace", WorkspaceFilter)]`."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[Any]:
        within = reach_of(request).where(Verb.READ)
        limit = {} if within is None else {"pk__in": within}
        choices: list[Any] = field.get_choices(include_blank=False, ordering=("name",), limit_choices_to=limit)
        return choices
