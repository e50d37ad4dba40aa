from typing import ClassVar

import django_filters
from django.db.models import QuerySet

from workspaces.api.filtering import SortedFilterSet, one_of, some_of, sort_by, sort_order
from workspaces.models import Notification, Task, TaskPriority, TaskStatus


class TaskFilters(SortedFilterSet):
    sort_fields: ClassVar = {"createdAt": "created_at", "dueAt": "due_at"}
    status = some_of(*TaskStatus.values, label="One of these; repeatable.")
    priority = some_of(*TaskPriority.values, label="One of these; repeatable.")
    assignee = django_filters.CharFilter(field_name="assignee__username", max_length=150, label="A user name.")
    executionId = django_filters.UUIDFilter(field_name="execution_id", label="Made by this execution.")
    sortBy = sort_by(*sort_fields)
    sortOrder = sort_order()

    class Meta:
        model = Task
        fields: ClassVar[list[str]] = []


class NotificationFilters(SortedFilterSet):
    sort_fields: ClassVar = {"createdAt": "created_at"}
    unread = one_of("true", "false", method="that_are_unread", label="Only these, or only the read.")
    sortBy = sort_by(*sort_fields)
    sortOrder = sort_order()

    class Meta:
        model = Notification
        fields: ClassVar[list[str]] = []

    def that_are_unread(self, queryset: QuerySet[Notification], _name: str, text: str) -> QuerySet[Notification]:
        return queryset.filter(read_at__isnull=text == "true")
