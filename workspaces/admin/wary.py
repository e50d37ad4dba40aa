"""A base for all admins of ours: what an address or a form brings along that no page of ours sent breaks nothing."""

from collections.abc import Collection
from contextlib import suppress
from typing import Any, ClassVar

from django import forms
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.db.models import Field, ForeignKey, ManyToManyField, QuerySet
from django.http import HttpRequest, HttpResponse

from workspaces.admin.theme import ModelAdmin
from workspaces.moments import in_utc

NUL = "\0"
"""PostgreSQL takes it in no text."""
MOST_WORDS = 100
"""Of a search. Each is a condition, and SQLite refuses a thousand."""


class FilteredList(ChangeList):
    """Nothing narrows it but its filters: by lookups of Django's own one could read what no page shows."""

    model_admin: "Wary"

    def get_filters(self, request: HttpRequest) -> Any:
        if any(NUL in value for values in self.get_filters_params().values() for value in values):
            raise IncorrectLookupParameters
        specs, has_filters, left, *rest = super().get_filters(request)
        if refused := left.keys() - self.model_admin.narrowed_by:
            raise DisallowedModelAdminLookup(f"Filtering by {', '.join(sorted(refused))} not allowed")
        return specs, has_filters, left, *rest


class Autocomplete(AutocompleteSelect):
    """Looks for nothing that is no key."""

    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:
        return super().optgroups(name, [each for each in value if is_key(self.field.target_field, each)], attrs)


class Several(forms.ModelMultipleChoiceField):
    """Refuses what is no key before it looks for it."""

    def to_python(self, value: Any) -> list[Any]:
        self._refuse_others(value)
        return super().to_python(value)

    def clean(self, value: Any) -> Any:
        self._refuse_others(value)
        return super().clean(value)

    def _refuse_others(self, value: Any) -> None:
        rows: Any = self.queryset
        for each in value if isinstance(value, list) else ():
            if not is_key(rows.model._meta.pk, each):
                raise forms.ValidationError(self.error_messages["invalid_pk_value"], params={"pk": each})


class Wary(ModelAdmin):
    """`narrowed_by`: the parameters that narrow its list beside those of its filters."""

    narrowed_by: ClassVar[Collection[str]] = ()

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        return FilteredList

    def get_search_results(self, request: HttpRequest, rows: QuerySet[Any], text: str) -> tuple[QuerySet[Any], bool]:
        if NUL in text or len(text.split()) > MOST_WORDS:
            return rows.none(), False
        found: tuple[QuerySet[Any], bool] = super().get_search_results(request, rows, text)
        return found

    def response_action(self, request: HttpRequest, *args: Any, **options: Any) -> HttpResponse | None:
        """With what was selected, as far as it is keys."""
        given: Any = request.POST.copy()
        keys = [each for each in given.getlist(ACTION_CHECKBOX_NAME) if is_key(self.opts.pk, each)]
        given.setlist(ACTION_CHECKBOX_NAME, keys)
        request.POST = given
        response: HttpResponse | None = super().response_action(request, *args, **options)
        return response

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Of what an address fills in, that which its field understands."""
        given = super().get_changeform_initial_data(request)
        fields = self.get_form(request).base_fields if given else {}
        understood = {}
        for name in given.keys() & fields.keys():
            with suppress(ValidationError):
                understood[name] = _understood(fields[name], given[name])
        return understood

    def formfield_for_foreignkey(self, db_field: ForeignKey, request: HttpRequest, **options: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            options.setdefault("widget", Autocomplete(db_field, self.admin_site, using=options.get("using")))
        return super().formfield_for_foreignkey(db_field, request, **options)

    def formfield_for_manytomany(self, db_field: ManyToManyField, request: HttpRequest, **options: Any) -> Any:
        return super().formfield_for_manytomany(db_field, request, **{"form_class": Several, **options})


def is_key(field: Field, text: str) -> bool:
    """Whether a row could have it in this field, which is its key."""
    try:
        field.clean(text, None)
    except ValidationError:
        return False
    return True


def _understood(field: forms.Field, text: Any) -> Any:
    if isinstance(field, forms.SplitDateTimeField):
        moment = forms.DateTimeField().to_python(text)
        return moment and in_utc(moment)
    return field.to_python(text)
