"""A filter by one of very many rows: the row is searched for, and not picked from a long list."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.admin.widgets import AutocompleteSelect
from django.db import models
from django.http import HttpRequest, QueryDict
from django.utils.safestring import SafeString


class AutocompleteFilter(admin.RelatedFieldListFilter):
    """A filter by a related row, with the search of its own list."""

    template = "admin/autocomplete_filter.html"
    search: SafeString
    others: list[tuple[str, str]]

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        """Return the chosen row alone."""
        rows = field.remote_field.model._default_manager
        try:
            found = list(rows.filter(pk__in=self.lookup_val or []))
        except (forms.ValidationError, ValueError):
            found = []
        return [(row.pk, str(row)) for row in found]

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        name = self.lookup_kwarg
        related: Any = self.field
        query = QueryDict(changelist.get_query_string(remove=[name]).removeprefix("?"))
        self.others = [(key, value) for key, values in query.lists() for value in values]
        field = forms.ModelChoiceField(
            queryset=related.remote_field.model._default_manager.all(),
            widget=AutocompleteSelect(related, admin.site),
        )
        value = self.lookup_choices[0][0] if self.lookup_choices else None
        attrs = {"id": f"filter-{name}", "aria-label": str(self.title)}
        self.search = field.widget.render(name, value, attrs)
        yield from super().choices(changelist)


class SearchedFilters(admin.ModelAdmin):
    """Brings along the scripts of filters that are searched."""

    @property
    def media(self) -> forms.Media:
        searched = next(
            field for field in self.opts.get_fields() if isinstance(field, models.ForeignKey)
        )
        return super().media + AutocompleteSelect(searched, admin.site).media
