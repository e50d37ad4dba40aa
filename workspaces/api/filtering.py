"""Filters and order from allow-lists: whatever else is in the query is refused by name."""

from collections.abc import Sequence
from typing import Any, ClassVar

import django_filters
from django.db.models import F, Func, QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request


class KnownFilters(DjangoFilterBackend):
    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        filterset = self.get_filterset_class(view, queryset)
        paging = view.paginator.get_schema_operation_parameters(view) if view.paginator else ()
        filters = filterset.base_filters if filterset else {}
        refuse_unknown(request, [*filters, *(each["name"] for each in paging)])
        refuse_empty(request, [name for name in filters if not isinstance(filters[name], django_filters.CharFilter)])
        filtered: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return filtered


def refuse_unknown(request: Request, known: list[str]) -> None:
    """Raises ValidationError for each query parameter that isn't `known`: a misspelt filter must not match all."""
    if unknown := [name for name in request.query_params if name not in known]:
        mend = f"Unknown parameter; known are {', '.join(known)}." if known else "No parameter is known here."
        raise ValidationError({name[:100]: [mend] for name in unknown})


def refuse_empty(request: Request, names: list[str]) -> None:
    """An empty text is contained in every text, but no status is empty, nor an id."""
    if empty := [name for name in names if not request.query_params.get(name, name).strip()]:
        raise ValidationError({name: ["Give a value, or leave the parameter out."] for name in empty})


class SortedFilterSet(django_filters.FilterSet):
    """With `sortBy`, one of `sort_fields` (the wire's name: the model's), the first unless given, and `sortOrder`.

    What has no value there comes last, either way and on either database.
    """

    sort_fields: ClassVar[dict[str, str | Func]]

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        filtered: QuerySet[Any] = super().filter_queryset(queryset)
        field = self.sort_fields[self.form.cleaned_data["sortBy"] or next(iter(self.sort_fields))]
        by, key = F(field) if isinstance(field, str) else field, F("pk")
        # NULLS LAST only where there may be some: PostgreSQL's indexes have them first when they are read backwards.
        last = True if isinstance(field, str) and queryset.model._meta.get_field(field).null else None
        if self.form.cleaned_data["sortOrder"] == "asc":
            return filtered.order_by(by.asc(nulls_last=last), key.asc())
        return filtered.order_by(by.desc(nulls_last=last), key.desc())

    def unfiltered(self, queryset: QuerySet[Any], _name: str, _value: object) -> QuerySet[Any]:
        """For the parameters that give the order, which `filter_queryset` reads itself."""
        return queryset


def one_of(*names: str, **options: Any) -> django_filters.ChoiceFilter:
    """A filter that says what there is to choose from."""
    choices = [(name, name) for name in names]
    return django_filters.ChoiceFilter(choices=choices, error_messages=_refusal(names), **options)


def some_of(*names: str, **options: Any) -> django_filters.MultipleChoiceFilter:
    """The same, and any number of them."""
    choices = [(name, name) for name in names]
    return django_filters.MultipleChoiceFilter(choices=choices, error_messages=_refusal(names), **options)


def _refusal(names: Sequence[str]) -> dict[str, str]:
    return {"invalid_choice": f"Give one of {', '.join(names)}."}


def sort_by(*names: str) -> django_filters.ChoiceFilter:
    return one_of(*names, method="unfiltered", label=f"The order; by {names[0]} unless given.")


def sort_order() -> django_filters.ChoiceFilter:
    return one_of("asc", "desc", method="unfiltered", label="Descending unless given.")
