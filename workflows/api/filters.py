import json
import re
from typing import ClassVar

import django_filters
from django.db import connection
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Lower, StrIndex

from workflows.models import Workflow, WorkflowStatus
from workspaces.api.filtering import SortedFilterSet, some_of, sort_by, sort_order

LEADS = {"first": "[", "later": ","}


class WorkflowFilters(SortedFilterSet):
    sort_fields: ClassVar = {
        "createdAt": "created_at",
        "updatedAt": "updated_at",
        "name": Lower("name"),
        "status": "status",
        "executionCount": "execution_count",
        "lastExecutedAt": "last_executed_at",
    }
    status = some_of(*WorkflowStatus.values, label="One of these; repeatable.")
    trigger = django_filters.CharFilter(field_name="trigger_type", max_length=64, label="The trigger's type.")
    search = django_filters.CharFilter(method="that_contain", max_length=200, label="In the name or the description.")
    tags = django_filters.CharFilter(method="tagged", max_length=1000, label="All of these, with commas between them.")
    sortBy = sort_by(*sort_fields)
    sortOrder = sort_order()

    class Meta:
        model = Workflow
        fields: ClassVar[list[str]] = []

    def filter_queryset(self, queryset: QuerySet[Workflow]) -> QuerySet[Workflow]:
        """Archived ones only when they are asked for."""
        found = super().filter_queryset(queryset)
        return found if self.form.cleaned_data["status"] else found.exclude(status=WorkflowStatus.ARCHIVED)

    def that_contain(self, queryset: QuerySet[Workflow], _name: str, text: str) -> QuerySet[Workflow]:
        if connection.vendor == "sqlite" and not text.isascii():  # whose LIKE folds the case of ASCII alone
            pattern = re.escape(text)
            return queryset.filter(Q(name__iregex=pattern) | Q(description__iregex=pattern))
        return queryset.filter(Q(name__icontains=text) | Q(description__icontains=text))

    def tagged(self, queryset: QuerySet[Workflow], _name: str, tags: str) -> QuerySet[Workflow]:
        """Tags are kept as JSON text, where a tag is whole if it stands after `[` or `,` and between its quotes."""
        wanted = dict.fromkeys(tag.strip() for tag in tags.split(",") if tag.strip())
        for number, tag in enumerate(wanted):
            quoted = json.dumps(tag, ensure_ascii=False)
            places = {
                f"place{number}{lead}": StrIndex("tags", Value(before + quoted)) for lead, before in LEADS.items()
            }
            found = Q(*((f"{name}__gt", 0) for name in places), _connector=Q.OR)
            queryset = queryset.alias(**places).filter(found)
        return queryset
