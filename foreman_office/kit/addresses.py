"""Addresses of rows, of which a page has a hundred: Django puts each together anew."""

from functools import cache
from uuid import UUID

from django.urls import get_script_prefix, reverse

STAND_IN = UUID(int=0)


def address_of(view: str, key: UUID, kind: str | None = None) -> str:
    """Return the address of a view that takes a UUID, or the kind of a thing and its UUID."""
    before, after = _around(view, kind, get_script_prefix())
    return f"{before}{key}{after}"


@cache
def _around(view: str, kind: str | None, prefix: str) -> tuple[str, str]:
    args = [kind, STAND_IN] if kind else [STAND_IN]
    before, _, after = reverse(view, args=args).partition(str(STAND_IN))
    return before, after
