"""Pages of the admin for read-only records, and for tables of millions of rows."""

from datetime import date, timedelta
from functools import cached_property
from typing import Any, cast

from django.contrib import admin
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest
from django.utils.timezone import localtime

LISTED_AT_MOST = 10_000


class BoundedPaginator(Paginator):
    """Pages of a table too long to count; it ends after the pages that a user would turn."""

    @cached_property
    def count(self) -> int:
        rows = cast(models.QuerySet, self.object_list)
        return rows.order_by()[:LISTED_AT_MOST].count()


class ReadOnlyAdmin(admin.ModelAdmin):
    """Read-only records, for superusers too."""

    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class Calendar(models.QuerySet):
    """A filter by every period between the first row and the last.

    Django would read all rows to leave out the periods that have none.
    """

    def datetimes(self, field_name: str, kind: str, *args: Any) -> list[date]:  # type: ignore[override]
        ends = self.aggregate(first=models.Min(field_name), last=models.Max(field_name))
        if ends["first"] is None:
            return []
        first, last = localtime(ends["first"]).date(), localtime(ends["last"]).date()
        coarser = {"year": {"month": 1, "day": 1}, "month": {"day": 1}, "day": {}}[kind]
        days = (first + timedelta(days=number) for number in range((last - first).days + 1))
        return sorted({day.replace(**coarser) for day in days})


class LongTable(ReadOnlyAdmin):
    """A table of millions of rows: counted up to a bound, ordered by an index."""

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = BoundedPaginator
    list_per_page = 50
    search_help_text = (
        f"The newest {LISTED_AT_MOST:,} matches are listed; find older ones by date, filter or"
        " search."
    )

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        return Calendar(self.model)
