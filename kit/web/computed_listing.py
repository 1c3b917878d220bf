"""Lists whose rows are computed and not queried: filtered, sorted and cut in memory.

They have the addresses, filters, pages and exports of a `Listing`.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from django.http import Http404, HttpRequest
from django_filters import FilterSet

from kit.web.listing import Listing, Sort


class ComputedListing(Listing):
    """A list of what `find` returns, filtered and sorted as in the address.

    The filter set says of each row whether it `keeps` it. The field of an order is an attribute
    that JSON can write: a number, a text, or a tuple of them.
    """

    def __init__(
        self,
        request: HttpRequest,
        find: Callable[[], list[Any]],
        filters: type[FilterSet],
        sorts: Mapping[str, Sort],
        **options: Any,
    ) -> None:
        super().__init__(request, None, filters, sorts, **options)
        self.find = find

    @cached_property
    def filtered(self) -> list[Any]:  # type: ignore[override]
        """Return every row that matches the filters; none while one of them is invalid."""
        if not self.form.is_valid():
            return []
        return [row for row in self.find() if self.filterset.keeps(row)]

    @cached_property
    def _number(self) -> int:
        return len(self.filtered)

    def _read(self, mark: str | None, number: int, *, backward: bool = False) -> list[Any]:
        falling = self.descending != backward
        rows = sorted(self.filtered, key=self._value, reverse=falling)
        if mark:
            place = self._place(mark)
            try:
                rows = [
                    row
                    for row in rows
                    if (self._value(row) < place if falling else self._value(row) > place)
                ]
            except TypeError as error:
                raise Http404("Unknown position in the list.") from error
        return rows[:number]

    def _value(self, row: Any) -> Any:
        value = getattr(row, self.field)
        return [list(value) if isinstance(value, tuple) else value, getattr(row, self.key)]

    def _mark(self, row: Any) -> str:
        place = json.dumps(self._value(row), separators=(",", ":"))
        return urlsafe_b64encode(place.encode()).decode().rstrip("=")

    def _place(self, mark: str) -> Any:
        try:
            value, key = json.loads(urlsafe_b64decode(mark + "=" * (-len(mark) % 4)))
        except (ValueError, TypeError) as error:
            raise Http404("Unknown position in the list.") from error
        return [value, key]
