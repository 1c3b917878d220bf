"""Long lists, as pages show them: filtered, sorted, cut by key, counted up to a bound, exported.

All of a list's state is in its address, so that it can be shared, reloaded and refreshed.
"""

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.db.models import F, Model, QuerySet
from django.db.models.fields.tuple_lookups import TupleGreaterThan, TupleLessThan
from django.db.models.functions import Coalesce
from django.forms import Field
from django.http import FileResponse, Http404, HttpRequest, QueryDict
from django.utils.dateparse import parse_datetime
from django.utils.timezone import localtime
from django_filters import ChoiceFilter, FilterSet, ModelChoiceFilter
from django_filters.fields import ModelChoiceField, ModelChoiceIterator

from kit.web.exports import Columns, as_json, export_as, format_labels
from kit.web.widgets import PlainSelect

PAGE = 25
COUNTED = 2000  # how far a list is counted; beyond, "more than" must do
CHUNK = 1000  # rows that an export reads at once
OWN = {"after", "before", "sort", "export"}  # what is in the address and filters nothing


class Sort(NamedTuple):
    """An order that a list may have: by a field or annotation never null, then by the key."""

    label: str
    field: str
    descending: bool = False


class Chip(NamedTuple):
    """An applied filter, and the address without it."""

    label: str
    value: str
    without: str


class SortFilter(ChoiceFilter):
    """The order as the last field of the filters: headers sort too, but a phone shows none."""

    def __init__(self, sorts: Mapping[str, Sort]) -> None:
        orders: list[tuple[str, str]] = []
        for name, sort in sorts.items():
            both = [(name, f"{sort.label}, ascending"), (f"-{name}", f"{sort.label}, descending")]
            orders += reversed(both) if sort.descending else both
        super().__init__(label="Sort by", choices=orders, empty_label=None)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return qs


class Names(ModelChoiceIterator):
    """The rows to choose from, of which only keys and names are read."""

    def __iter__(self) -> Iterator[tuple[Any, str]]:
        if self.field.empty_label is not None:
            yield "", self.field.empty_label
        yield from self.queryset.values_list("pk", "name")


class NamedRowField(ModelChoiceField):
    iterator, widget = Names, PlainSelect


class NamedRowFilter(ModelChoiceFilter):
    """One of the named rows of another table."""

    field_class = NamedRowField


class Listing:
    """One list as in the address, queried when a template or an export iterates it.

    `rows` is what the reader may see at all; `sorts` maps the words of the address to orders, the
    first is the usual one. A word in the address that names nothing raises `Http404`.

    `usual` are filters that hold unless the address says otherwise. `key` is a field that tells
    apart what is equal in an order. `annotate_rows` is done to each list of rows that was read, to
    look up for all of them at once what their own table does not say.
    """

    def __init__(
        self,
        request: HttpRequest,
        rows: QuerySet[Any] | None,
        filters: type[FilterSet],
        sorts: Mapping[str, Sort],
        *,
        noun: str,
        page: int = PAGE,
        usual: Mapping[str, str] | None = None,
        key: str = "pk",
        annotate_rows: Callable[[list[Any]], Any] = list,
    ) -> None:
        self.request, self.asked = request, request.GET
        self.noun, self.size, self.sorts = noun, page, sorts
        self.usual, self.key, self.annotate_rows = usual or {}, key, annotate_rows
        self.formats = format_labels()
        name = self.asked.get("sort") or self._usual_order
        if name.removeprefix("-") not in sorts:
            raise Http404("Unknown sort order.")
        self.sort = name
        self.descending = name.startswith("-")
        self.field = sorts[name.removeprefix("-")].field
        asked = self.asked.copy()
        for word, value in {**self.usual, "sort": name}.items():
            asked.setdefault(word, value)
        self.filterset = filters(asked, queryset=rows, request=request)
        if len(sorts) > 1:
            self.filterset.filters["sort"] = SortFilter(sorts)

    @property
    def _usual_order(self) -> str:
        name, sort = next(iter(self.sorts.items()))
        return f"-{name}" if sort.descending else name

    # --- what is asked ----------------------------------------------------------------------------

    @property
    def form(self) -> Any:
        return self.filterset.form

    @cached_property
    def filtered(self) -> QuerySet[Any]:
        """Return every row that matches the filters; none while one of them is invalid."""
        return self.filterset.qs if self.form.is_valid() else self.filterset.queryset.none()

    @cached_property
    def chips(self) -> list[Chip]:
        found = []
        self.form.is_valid()  # so that what is asked is cleaned
        for name, field in self.form.fields.items():
            value = self.asked.get(name, "")
            if name in OWN or not value or value == self.usual.get(name):
                continue
            words = self._words(field, value, self.form.cleaned_data.get(name))
            found.append(Chip(field.label or name, words, self.address(**{name: None})))
        return found

    @staticmethod
    def _words(field: Field, value: str, cleaned: Any) -> str:
        """Return a filter's value in words: a choice's label, a row's name, a time as text."""
        if isinstance(cleaned, datetime):
            return f"{localtime(cleaned):%Y-%m-%d %H:%M %Z}"
        # The choices of a row are all rows: they are not asked for the sake of one.
        choices = () if isinstance(field, NamedRowField) else getattr(field, "choices", ())
        return str(dict(choices).get(value, cleaned or value))

    # --- what is shown ----------------------------------------------------------------------------

    @cached_property
    def _window(self) -> tuple[list[Any], bool, bool]:
        """Return this page's rows in order, and whether there are some before and after them."""
        if mark := self.asked.get("before"):
            rows = self._read(mark, self.size + 1, backward=True)
            return self._annotated(rows[: self.size][::-1]), len(rows) > self.size, True
        mark = self.asked.get("after")
        rows = self._read(mark, self.size + 1)
        return self._annotated(rows[: self.size]), bool(mark), len(rows) > self.size

    def _annotated(self, rows: list[Any]) -> list[Any]:
        self.annotate_rows(rows)
        return rows

    @property
    def rows(self) -> list[Any]:
        return self._window[0]

    @property
    def previous(self) -> str | None:
        """Return the address of the page before this one, if there is one."""
        rows, before, _ = self._window
        if not before:
            return None
        return self.address(before=self._mark(rows[0])) if rows else self.address()

    @property
    def next(self) -> str | None:
        return self.address(after=self.next_mark) if self.next_mark else None

    @property
    def next_mark(self) -> str | None:
        """Return the mark after which the next page begins, if there is one."""
        rows, _, after = self._window
        return self._mark(rows[-1]) if after and rows else None

    @cached_property
    def count(self) -> str:
        """Return the number of rows in words: exact up to a bound; no list counts a table."""
        if self._number > COUNTED:
            return f"more than {COUNTED:,} {self.noun}s"
        return f"{self._number:,} {self.noun}{'' if self._number == 1 else 's'}"

    @cached_property
    def _number(self) -> int:
        return self.filtered.order_by()[: COUNTED + 1].count()

    # --- addresses --------------------------------------------------------------------------------

    def address(self, **changed: str | None) -> str:
        """Return this list's address with some parameters changed or, by None, removed."""
        words: QueryDict = self.asked.copy()
        for name in ("after", "before", "export"):
            words.pop(name, None)
        for name, value in changed.items():
            words.pop(name, None)
            if value is not None:
                words[name] = value
        for name in [name for name, value in words.items() if not value]:
            del words[name]
        return f"{self.request.path}?{words.urlencode()}" if words else self.everything

    @property
    def everything(self) -> str:
        """Return the address of the list without any filter.

        Where its reader has a view that the bare address leads to, it names the usual order.
        """
        if getattr(self.request, "opens_elsewhere", bool)():
            return f"{self.request.path}?sort={self._usual_order}"
        return self.request.path

    def sorted_by(self, name: str) -> tuple[str, str]:
        """Return how a column is sorted, in words of `aria-sort`, and the address to turn it."""
        if self.sort.removeprefix("-") == name:
            other = name if self.descending else f"-{name}"
            return "descending" if self.descending else "ascending", self.address(sort=other)
        first = f"-{name}" if self.sorts[name].descending else name
        return "none", self.address(sort=first)

    # --- the whole of it --------------------------------------------------------------------------

    def export(self, columns: Columns) -> FileResponse:
        """Answer with every row that matches the filters, in the order of the page."""
        name = f"{self.noun}s".replace(" ", "-")
        return export_as(self.chunks(), columns, self.asked["export"], name=name)

    def chunks(self) -> Iterator[list[Any]]:
        """Yield all rows in bounded pieces, each its own query."""
        mark = None
        while rows := self._read(mark, CHUNK):
            yield self._annotated(rows)
            mark = self._mark(rows[-1])

    # --- keys -------------------------------------------------------------------------------------

    def _read(self, mark: str | None, number: int, *, backward: bool = False) -> list[Any]:
        """Return so many rows in order, beyond a mark.

        They are chosen by their keys: what is joined to a row is joined to those chosen alone.
        """
        falling = self.descending != backward
        first: Any = F(self.field)
        if self.chips and self._number <= COUNTED:
            # These few are to be found, then sorted. Left to itself the database hopes to meet
            # them soon in the order of all, which an index has of the bare field.
            first = Coalesce(first, first)
        order = [by.desc() if falling else by.asc() for by in (first, F(self.key))]
        chosen = self.filtered.order_by(*order)
        if mark:
            beyond = TupleLessThan if falling else TupleGreaterThan
            place = F(self.field), F(self._kind(self.key).name)
            chosen = chosen.filter(beyond(place, self._place(mark)))
        rows = self.filtered.order_by(*order)
        rows.query.clear_where()  # what the filters let through has been chosen
        return list(rows.filter(pk__in=chosen.values("pk")[:number]))

    def _kind(self, name: str) -> Any:
        """Return the field behind a name, which may be an annotation's."""
        meta, annotations = self.filtered.model._meta, self.filtered.query.annotations
        if name in annotations:
            return annotations[name].output_field
        return meta.pk if name == "pk" else meta.get_field(name)

    def _mark(self, row: Model) -> str:
        # To the microsecond: a mark must find its row again.
        place = as_json([getattr(row, self.field), getattr(row, self.key)])
        return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")

    def _place(self, mark: str) -> tuple[Any, Any]:
        try:
            value, key = json.loads(base64.urlsafe_b64decode(mark + "=" * (-len(mark) % 4)))
            field = self._kind(self.field)
            value = parse_datetime(value) if "DateTime" in type(field).__name__ else value
            return field.get_prep_value(field.to_python(value)), self._kind(self.key).to_python(key)
        except (ValueError, TypeError, binascii.Error, ValidationError) as error:
            raise Http404("Unknown position in the list.") from error
